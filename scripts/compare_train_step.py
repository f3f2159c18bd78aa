#!/usr/bin/env python3
"""Time a training step of `harness` and of PyTorch (reference/train_step.py) alternately, on the CPU of one machine.

    python scripts/compare_train_step.py --harness target/release/harness [--python PYTHON] [--runs 5] [CASE ...]

PYTHON (default: the current one) needs the packages of reference/requirements.txt. Each run of `harness` is followed
by one run of PyTorch in its default layout and one with --channels-last --fused-adam; the faster of these two counts.
CASE names the networks to time (default: all). The script prints the raw lines and a Markdown table of medians.
Nothing else should run on the machine.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

TRAIN_STEP = Path(__file__).resolve().parent.parent / "reference" / "train_step.py"

CASES = {
    "VQ-VAE published": "--model vqvae --batch 8 --size 120 --steps 5 --warmup 2",
    "VQ-VAE 64 wide": "--model vqvae --width 64 --depth 2 --inner 32 --batch 16 --size 64 --steps 40 --warmup 5",
    "SegNet": "--model segnet --batch 4 --size 120 --steps 5 --warmup 2",
    "LinkNet": "--model linknet --batch 8 --size 128 --steps 10 --warmup 2",
}


def run(engine: str, command: list[str], options: list[str]) -> dict[str, Any]:
    words = [*command, *options]
    line = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1]
    print(f"{engine:22} {line}", flush=True)
    return json.loads(line)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--harness", required=True)
    p.add_argument("--python", default=sys.executable)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--threads", default="2")
    p.add_argument("cases", nargs="*", metavar="CASE", default=list(CASES), help=", ".join(CASES))
    a = p.parse_args()
    unknown = [case for case in a.cases if case not in CASES]
    if unknown:
        p.error(f"{unknown[0]} is none of: {', '.join(CASES)}")

    torch = [a.python, str(TRAIN_STEP)]
    engines = {
        "ours": [a.harness, "bench", "train-step", "--json"],
        "PyTorch": torch,
        "PyTorch, channels last": [*torch, "--channels-last", "--fused-adam"],
    }
    table = []
    for name in a.cases:
        options = [*CASES[name].split(), "--threads", a.threads]
        seen: dict[str, list[dict[str, Any]]] = {engine: [] for engine in engines}
        for _ in range(a.runs):
            for engine, command in engines.items():
                seen[engine].append(run(engine, command, options))
        speed = {engine: statistics.median(r["images_per_s"] for r in runs) for engine, runs in seen.items()}
        memory = {engine: statistics.median(r["peak_rss_mib"] for r in runs) for engine, runs in seen.items()}
        better = max(list(engines)[1:], key=lambda engine: speed[engine])
        # Pairs: each run of ours with the same round's of the engine that is the better one over all.
        pairs = zip(seen["ours"], seen[better], strict=True)
        ratio = statistics.median(o["images_per_s"] / t["images_per_s"] for o, t in pairs)
        speeds = " | ".join(f"{speed[engine]:.2f}" for engine in engines)
        memories = f"{memory['ours']:.0f} | {memory[better]:.0f} | {memory['ours'] / memory[better]:.2f}"
        table.append(f"| {name} | {speeds} | {ratio:.2f} | {memories} |")
    print(
        "\n| network | ours, images/s | PyTorch | channels last, fused Adam | ratio | ours, MiB | PyTorch, MiB | ratio |"
    )
    print("|---|---|---|---|---|---|---|---|")
    print("\n".join(table))


if __name__ == "__main__":
    main()
