#!/usr/bin/env python3
"""Time a training step of PyTorch: forward, loss, backward and Adam.

    python reference/train_step.py --model vqvae --batch 16 --size 120 --threads 2 [--device cuda] [--width 64 ...]

Prints one line of JSON: images_per_s (median), step_ms (median), step_ms_min, peak_rss_mib, parameters, loss (of the
last step). The fields are those of `harness bench train-step --json`. Machines are noisy: let the two take turns and
compare medians, as scripts/compare_train_step.py does.
"""

import argparse
import json
import resource
import statistics
import time

import torch
from torch import Tensor
from torch.nn import functional as F

from models import MODELS, add_options, options


def parsed() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", choices=MODELS, default="vqvae")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--size", type=int, default=120)
    p.add_argument("--steps", type=int, default=15)
    p.add_argument("--warmup", type=int, default=3, help="steps that are not timed")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--device", default="cpu")
    p.add_argument("--precision", choices=["f32", "tf32", "bf16"], default="f32")
    p.add_argument("--compile", action="store_true")
    p.add_argument("--channels-last", action="store_true")
    p.add_argument("--fused-adam", action="store_true")
    add_options(p)
    return p.parse_args()


def main() -> None:
    a = parsed()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    tf32 = a.precision == "tf32"
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32
    device = torch.device(a.device)
    net = MODELS[a.model](**options(a)).to(device).train()
    x = torch.rand(a.batch, 3, a.size, a.size, device=device)
    y = torch.randint(0, 3, (a.batch, a.size, a.size), device=device)
    if a.channels_last:
        net = net.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=a.fused_adam)
    run = torch.compile(net) if a.compile else net

    def step() -> Tensor:
        bf16 = a.precision == "bf16"
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            out, commitment = run(x)
            loss = F.cross_entropy(out.float(), y)
            if commitment is not None:
                loss = loss + 0.25 * commitment
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return loss

    for _ in range(a.warmup):
        step()
    times = []
    for _ in range(a.steps):
        start = time.perf_counter()
        loss = step()
        times.append(time.perf_counter() - start)
    median = statistics.median(times)
    result = {
        "engine": f"torch {torch.__version__}",
        "model": a.model,
        "batch": a.batch,
        "size": a.size,
        "device": a.device,
        "precision": a.precision,
        "images_per_s": round(a.batch / median, 2),
        "step_ms": round(median * 1e3, 2),
        "step_ms_min": round(min(times) * 1e3, 2),
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "loss": round(loss.item(), 6),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
