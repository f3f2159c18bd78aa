#!/usr/bin/env python3
"""Time a training step of `harness` against PyTorch's, alternating, on one machine.

    python compare_train_step.py --harness target/release/harness --reference train_step.py [--python PYTHON] [--runs 5]

`train_step.py` is a script that times the same step in PyTorch and prints one line of JSON with the fields of
`harness bench train-step --json`; PYTHON (default: this one) has torch installed. Each run of ours is followed by one of PyTorch's in
its default layout and one with --channels-last --fused-adam; the better of the two counts. Printed are the raw lines, and a
Markdown table of medians. Nothing else should run on the machine.
"""
import argparse, json, statistics, subprocess, sys

CASES = [
    ("VQ-VAE published", "--model vqvae --batch 8 --size 120 --steps 5 --warmup 2"),
    ("VQ-VAE 64 wide", "--model vqvae --width 64 --depth 2 --inner 32 --batch 16 --size 64 --steps 40 --warmup 5"),
    ("SegNet", "--model segnet --batch 4 --size 120 --steps 5 --warmup 2"),
    ("LinkNet", "--model linknet --batch 8 --size 128 --steps 10 --warmup 2"),
]

p = argparse.ArgumentParser()
p.add_argument("--harness", required=True)
p.add_argument("--reference", required=True)
p.add_argument("--python", default=sys.executable)
p.add_argument("--runs", type=int, default=5)
p.add_argument("--threads", default="2")
a = p.parse_args()


def run(engine, command, options):
    words = [*command, *options.split(), "--threads", a.threads]
    line = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1]
    print(f"{engine:22} {line}", flush=True)
    return json.loads(line)


torch = [a.python, a.reference]
engines = {
    "ours": [a.harness, "bench", "train-step", "--json"],
    "PyTorch": torch,
    "PyTorch, channels last": [*torch, "--channels-last", "--fused-adam"],
}
table = []
for name, options in CASES:
    seen = {engine: [] for engine in engines}
    for _ in range(a.runs):
        for engine, command in engines.items():
            seen[engine].append(run(engine, command, options))
    speed = {engine: statistics.median(r["images_per_s"] for r in runs) for engine, runs in seen.items()}
    memory = {engine: statistics.median(r["peak_rss_mib"] for r in runs) for engine, runs in seen.items()}
    better = max(list(engines)[1:], key=speed.get)
    # Pairs: each run of ours with the same round's of the engine that is the better one over all.
    ratio = statistics.median(o["images_per_s"] / t["images_per_s"] for o, t in zip(seen["ours"], seen[better]))
    table.append(f"| {name} | {speed['ours']:.2f} | {speed['PyTorch']:.2f} | {speed['PyTorch, channels last']:.2f} | {ratio:.2f} "
                 f"| {memory['ours']:.0f} | {memory[better]:.0f} | {memory['ours'] / memory[better]:.2f} |")
print("\n| network | ours, images/s | PyTorch | channels last, fused Adam | ratio | ours, MiB | PyTorch, MiB | ratio |")
print("|---|---|---|---|---|---|---|---|")
print("\n".join(table))
