#!/usr/bin/env python3
"""Time a training step of PyTorch: forward, loss, backward and Adam.

    python reference/train_step.py --model vqvae --batch 16 --size 120 --threads 2 [--device cuda] [--width 64 ...]
    python reference/train_step.py --device cuda --batch 64 --precision f32,tf32,bf16 --rounds 5 --channels-last

Prints one line of JSON for each precision and round: images_per_s (median), step_ms (median), step_ms_min,
peak_rss_mib, parameters, loss (of the last step). The fields are those of `harness bench train-step --json`. In a
round, the precisions take turns. Machines are noisy: let the two programs take turns and compare medians, as
scripts/compare_train_step.py does. --profile also prints which kernels of the GPU take the time.
"""

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import MODELS, add_options, options

PRECISIONS = ("f32", "tf32", "bf16")


def precisions(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in PRECISIONS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(PRECISIONS)}")
    return names


def parsed() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", choices=MODELS, default="vqvae")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--size", type=int, default=120)
    p.add_argument("--steps", type=int, default=15)
    p.add_argument("--warmup", type=int, default=3, help="steps that are not timed, in the first round")
    p.add_argument("--rounds", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--device", default="cpu")
    p.add_argument("--precision", type=precisions, default=["f32"], help="f32, tf32 or bf16, separated by commas")
    p.add_argument("--compile", action="store_true")
    p.add_argument("--channels-last", action="store_true")
    p.add_argument("--fused-adam", action="store_true")
    p.add_argument("--profile", action="store_true")
    add_options(p)
    return p.parse_args()


class Training:
    """A network in one precision, and its step."""

    def __init__(self, a: argparse.Namespace, precision: str) -> None:
        self.precision = precision
        self.device = torch.device(a.device)
        self.use()
        torch.manual_seed(0)
        self.net: nn.Module = MODELS[a.model](**options(a)).to(self.device).train()
        self.x = torch.rand(a.batch, 3, a.size, a.size, device=self.device)
        self.y = torch.randint(0, 3, (a.batch, a.size, a.size), device=self.device)
        if a.channels_last:
            self.net = self.net.to(memory_format=torch.channels_last)
            self.x = self.x.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3, fused=a.fused_adam)
        self.run: Callable[[Tensor], tuple[Tensor, Tensor | None]] = torch.compile(self.net) if a.compile else self.net

    def use(self) -> None:
        """Sets the arithmetic of this process to this precision."""
        tf32 = self.precision == "tf32"
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = tf32

    def step(self) -> Tensor:
        bf16 = self.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            out, commitment = self.run(self.x)
            loss = F.cross_entropy(out.float(), self.y)
            if commitment is not None:
                loss = loss + 0.25 * commitment
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return loss

    def timed(self, a: argparse.Namespace, warmup: int) -> dict[str, object]:
        self.use()
        for _ in range(warmup):
            self.step()
        times = []
        for _ in range(a.steps):
            start = time.perf_counter()
            loss = self.step()
            times.append(time.perf_counter() - start)
        median = statistics.median(times)
        return {
            "engine": f"torch {torch.__version__}",
            "model": a.model,
            "batch": a.batch,
            "size": a.size,
            "device": a.device,
            "precision": self.precision,
            "images_per_s": round(a.batch / median, 2),
            "step_ms": round(median * 1e3, 2),
            "step_ms_min": round(min(times) * 1e3, 2),
            "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "parameters": sum(parameter.numel() for parameter in self.net.parameters()),
            "loss": round(loss.item(), 6),
        }

    def profile(self, steps: int) -> str:
        """The kernels that take the most time, and their time in all steps."""
        self.use()
        with torch.profiler.profile() as profiler:
            for _ in range(steps):
                self.step()
        key = "cuda_time_total" if self.device.type == "cuda" else "cpu_time_total"
        return profiler.key_averages().table(sort_by=key, row_limit=25, max_name_column_width=80)


def main() -> None:
    a = parsed()
    torch.set_num_threads(a.threads)
    torch.backends.cudnn.benchmark = True
    all_of_them: dict[str, Training] = {}
    for round_ in range(a.rounds):
        for precision in a.precision:
            if precision not in all_of_them:
                all_of_them[precision] = Training(a, precision)
            print(json.dumps(all_of_them[precision].timed(a, 0 if round_ else a.warmup)), flush=True)
    if a.profile:
        for precision, training in all_of_them.items():
            print(f"\n{precision}, {a.steps} steps\n{training.profile(a.steps)}", flush=True)


if __name__ == "__main__":
    main()
