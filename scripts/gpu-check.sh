#!/usr/bin/env bash
# Checks and times this project on a GPU, in one call, against PyTorch.
#
#   scripts/gpu-check.sh bundle DIR                 build the programs that the check runs, and put them into DIR
#   scripts/gpu-check.sh check DIR                  run them: goldens, operations, batches, training, speed
#
# `bundle` runs where CUDA builds run: cargo, nvcc, CUDA_HOME (and RUSTFLAGS, where CUDA is to be loaded when the program starts)
# as for `cargo build --release --features cuda,cudnn`. No GPU is needed for it.
#
# `check` runs on a machine with a GPU; cargo is not needed there. It takes DIR, this checkout (for the golden files and
# reference/train_step.py, which times a step of PyTorch), and a Python with PyTorch for CUDA (PYTHON, default python3).
# ROUNDS (default 5) is how often all programs are timed, by turns; BATCH and SIZE default to 64 and 120, the published ones.
#
# The programs load libcuda from the driver and all else (cublas, curand, cudnn) from LD_LIBRARY_PATH. Where PyTorch was installed
# with pip, its wheels hold them: with S the folder of Python's packages they lie in S/nvidia/cu13/lib and S/nvidia/cudnn/lib,
# which this script puts in front if they are there.
#
# Ends with 0 if goldens, operations, batches and training agree on the GPU, with 1 if they do not, and prints the table of speeds in
# either case. A ratio is our images a second divided by PyTorch's; both are medians over the rounds.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-python3}

usage() {
    sed -n '2,5p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2
    exit 2
}

bundle() {
    local out target
    mkdir -p "$1"
    out=$(cd "$1" && pwd)
    cd "$root"
    # A target of its own keeps RUSTFLAGS off build scripts, which must not load CUDA.
    target=$(rustc -vV | sed -n 's/^host: //p')
    local build=(--locked --release --target "$target" --features cuda,cudnn --message-format json-render-diagnostics)
    cargo build "${build[@]}" --package harness-cli --bin harness >"$out/build.json"
    cargo test "${build[@]}" --package harness-learn --lib --test golden --test training --no-run >>"$out/build.json"
    "$python" - "$out" <<'PYTHON'
import json, shutil, sys
out, names = sys.argv[1], {"harness": "harness", "harness_learn": "operations", "golden": "golden", "training": "training"}
for line in open(f"{out}/build.json"):
    message = json.loads(line)
    name = names.get(message.get("target", {}).get("name"))
    if name and message.get("executable"):
        shutil.copy2(message["executable"], f"{out}/{name}")
        print(f"{out}/{name}")
PYTHON
    rm "$out/build.json"
}

# Runs a test program; fails if it fails, or says that it found no GPU.
tested() {
    local name=$1 log
    shift
    log=$(mktemp)
    if ! "$@" --nocapture --test-threads 1 2>&1 | tee "$log" || grep -q "not checked" "$log"; then
        echo "FAILED: $name" >&2
        failed=1
    fi
    rm "$log"
}

speed() {
    "$python" - "$1/harness" "$root/reference/train_step.py" "${ROUNDS:-5}" "${BATCH:-64}" "${SIZE:-120}" <<'PYTHON'
import json, statistics, subprocess, sys
harness, script, rounds, batch, size = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
work = ["--model", "vqvae", "--batch", str(batch), "--size", str(size), "--steps", "30", "--device", "cuda"]
torch = [sys.executable, script, *work, "--channels-last"]
ways = {
    "harness": [harness, "bench", "train-step", *work, "--warmup", "10", "--json"],
    "PyTorch": torch,
    "PyTorch, compiled": [*torch, "--compile"],
}
print(f"\nVQ-VAE, published sizes, batch {batch}, {size}x{size}: images a second, medians of {rounds} rounds by turns\n")
print(f"| {'precision':9} | {'harness':>9} | {'PyTorch channels_last':>21} | ratio | {'compiled':>9} | ratio |")
print(f"|{'-' * 11}|{'-' * 11}|{'-' * 23}|{'-' * 7}|{'-' * 11}|{'-' * 7}|")
for precision in ["f32", "tf32", "bf16"]:
    speeds = {name: [] for name in ways}
    for _ in range(rounds):
        for name, command in ways.items():
            run = subprocess.run([*command, "--precision", precision], stdout=subprocess.PIPE, text=True)
            if run.returncode == 0:
                speeds[name].append(json.loads(run.stdout.strip().splitlines()[-1])["images_per_s"])
    ours, eager, compiled = (statistics.median(s) if s else float("nan") for s in speeds.values())
    print(f"| {precision:9} | {ours:9.1f} | {eager:21.1f} | {ours / eager:5.2f} | {compiled:9.1f} | {ours / compiled:5.2f} |")
PYTHON
}

check() {
    local programs=$1 packages
    packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    export LD_LIBRARY_PATH="$packages/nvidia/cu13/lib:$packages/nvidia/cudnn/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    export CARGO_MANIFEST_DIR="$root/harness/learn"
    failed=0
    nvidia-smi --query-gpu=name,driver_version --format=csv,noheader || true
    "$python" -c 'import torch; print("PyTorch", torch.__version__, "cuDNN", torch.backends.cudnn.version())'
    tested goldens "$programs/golden"
    tested operations "$programs/operations" ops::cuda
    tested batches "$programs/operations" train::feed
    tested training "$programs/training" gpu::
    speed "$programs"
    exit "$failed"
}

case "${1:-} $#" in
"bundle 2") bundle "$2" ;;
"check 2") check "$2" ;;
*) usage ;;
esac
