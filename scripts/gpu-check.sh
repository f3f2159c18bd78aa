#!/usr/bin/env bash
# Checks this project on a GPU and times it against PyTorch, in about ten minutes and without a network.
#
#   scripts/gpu-check.sh bundle DIR        build what the check runs, and pack it into DIR/gpu-check.tar.xz
#   scripts/gpu-check.sh check DIR [OUT]   run it on a machine with a GPU, and write the results to OUT (DIR/results)
#
# `bundle` runs where scripts/cuda-build.sh runs; no GPU is needed. It fails if the packed file is larger than 40 MiB. If HARNESS_DATA
# holds pets-sample and cats-and-dogs-10k, and Python (PYTHON, default python3) has Pillow, it packs real photographs too, made small:
# 600 pets, 500 cats and 500 dogs, or at most PHOTOGRAPHS of each. Their licences do not let you pass the file on.
#
# `check` needs the script and DIR, a driver, and CUDA's libraries: from a toolkit, or from the wheels of a PyTorch for CUDA (for
# PYTHON), which it also compares with if it is there.
#
# Each part has its own time limit, 14 minutes in all (PATIENCE (1) multiplies them, for slow machines). Its result is written as soon
# as it is known, the most important first. OUT/summary.txt lists the parts; speeds.md is the table of speeds: medians over ROUNDS (5)
# rounds of STEPS (20) steps, by turns, at BATCH (64) and SIZE (120), the published ones. DEVICE (cuda) is where PyTorch computes.
# OPTIONS are more sizes of the network, such as `--width 64`, and STUDY more words for the study.
#
# The last part, `sample`, trains the published network on the photographs, in bf16. It runs the study once for each list of SEEDS
# (`0 0,1 0,1,2`), and each run continues the one before. sample.md holds the time and the tables of the last run that ended in time.
# SAMPLE are the words that set the sizes.
#
# Ends with 0 if goldens, operations, batches and training agree with the CPU and a study runs, and with 1 if not.
set -euo pipefail
script=$(realpath "${BASH_SOURCE[0]}")

usage() {
  sed -n '2,5p' "$script" | sed 's/^# \{0,1\}//' >&2
  exit 2
}

# photographs DIR: puts small photographs into DIR, if there are any.
photographs() {
  local data=${HARNESS_DATA:-}
  if [ ! -d "$data/pets-sample/images" ] || [ ! -d "$data/cats-and-dogs-10k/PetImages" ]; then
    echo 'photographs are left out: HARNESS_DATA does not hold pets-sample and cats-and-dogs-10k'
  elif ! "$python" -c 'import PIL' 2>/dev/null; then
    printf 'photographs are left out: %s has no Pillow (reference/requirements.txt)\n' "$python"
  else
    "$python" - "$data" "$1" "${PHOTOGRAPHS:-0}" <<'PYTHON'
import pathlib, shutil, sys
from PIL import Image
data, out = map(pathlib.Path, sys.argv[1:3])
most = int(sys.argv[3])
SHORTER = 150  # pixels; the study makes 120 of them


def some(folder, usual):
    """Pictures of a folder, evenly spaced."""
    files = sorted(path for path in folder.glob("*.jpg") if not path.name.startswith("."))
    n = min(most or usual, len(files))
    return [files[i * len(files) // n] for i in range(n)]


def folder(*names):
    path = out.joinpath(*names)
    path.mkdir(parents=True)
    return path


pets = data / "pets-sample"
images, trimaps = folder("pets-sample", "images"), folder("pets-sample", "annotations", "trimaps")
for path in some(pets / "images", 600):
    with Image.open(path) as image:
        scale = min(1, SHORTER / min(image.size))
        size = [round(side * scale) for side in image.size]
        image.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(images / path.name, quality=92)
    trimap = pets / "annotations" / "trimaps" / f"{path.stem}.png"
    if trimap.exists():
        with Image.open(trimap) as image:
            image.resize(size, Image.Resampling.NEAREST).save(trimaps / trimap.name)
for path in (pets / "annotations").glob("[a-z]*.txt"):
    shutil.copy(path, out / "pets-sample" / "annotations")
for name in ["Cat", "Dog"]:
    target = folder("cats-and-dogs-10k", "PetImages", name)
    for path in some(data / "cats-and-dogs-10k" / "PetImages" / name, 500):
        shutil.copy(path, target)
PYTHON
  fi
}

# bundle DIR
bundle() {
  local root out size python=${PYTHON:-python3}
  root=$(cd "$(dirname "$script")/.." && pwd)
  mkdir -p "$1"
  out=$(cd "$1" && pwd)
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cd "$root"
  local build=(scripts/cuda-build.sh "${KERNELS:---}") # KERNELS=empty leaves out candle's kernels
  "${build[@]}" cargo test --release --locked --features cudnn --package harness-learn --lib \
    --test golden --test training --no-run --message-format json-render-diagnostics >"$work/built.json"
  "${build[@]}" cargo build --release --locked --features cudnn --package harness-cli --bin harness \
    --message-format json-render-diagnostics >>"$work/built.json"
  mkdir -p "$work/bundle/tests"
  local name program
  for name in harness harness_learn golden training; do
    program=$(grep -o '"executable":"[^"]*"' "$work/built.json" | cut -d '"' -f 4 | grep -E "/$name(-[0-9a-f]+)?$" | tail -n 1)
    strip -o "$work/bundle/$name" "$program"
  done
  cp -r harness/learn/tests/golden harness/learn/tests/weights "$work/bundle/tests/"
  cp -r reference/train_step.py reference/models.py studies templates data-manifests "$work/bundle/"
  cp "$script" "$work/bundle/"
  photographs "$work/bundle/data"
  # All programs hold the same kernels of candle; a window of 256 MiB finds them again.
  "$python" - "$work/bundle" "$out/gpu-check.tar.xz" <<'PACK'
import lzma, sys, tarfile
folder, packed = sys.argv[1:]
filters = [{"id": lzma.FILTER_LZMA2, "preset": 4, "dict_size": 1 << 28}]
with lzma.open(packed, "wb", filters=filters) as file, tarfile.open(fileobj=file, mode="w") as archive:
    archive.add(folder, ".")
PACK
  size=$(stat -c %s "$out/gpu-check.tar.xz")
  printf '%s: %d.%d MiB\n' "$out/gpu-check.tar.xz" $((size >> 20)) $(((size * 10 >> 20) % 10))
  if [ "$size" -gt $((40 << 20)) ]; then
    echo 'error: the packed file is larger than 40 MiB; PHOTOGRAPHS=300 packs fewer photographs' >&2
    return 1
  fi
}

# part NAME SECONDS COMMAND...: runs a part of the check, and writes what it says to OUT/NAME.txt.
part() {
  local name=$1 limit=$(($2 * ${PATIENCE:-1})) status=0 start=$SECONDS
  shift 2
  timeout -k 5 "$limit" "$@" >"$results/$name.txt" 2>&1 || status=$?
  local verdict=done
  if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
    verdict="stopped at its limit of $limit s"
  elif [ "$status" -ne 0 ]; then
    verdict="FAILED with $status"
  elif grep -q 'not checked' "$results/$name.txt"; then
    verdict='FAILED: it found no GPU'
    status=1
  fi
  printf '%-14s %4d s  %s\n' "$name" $((SECONDS - start)) "$verdict" | tee -a "$results/summary.txt"
  return "$status"
}

# must NAME SECONDS COMMAND...: a part that the verdict depends on.
must() {
  part "$@" || {
    failed=1
    tail -n 20 "$results/$1.txt"
  }
}

# may NAME SECONDS COMMAND...: a part that only measures.
may() {
  part "$@" || tail -n 5 "$results/$1.txt"
}

# left_out NAME WHY
left_out() {
  printf '%-14s    - s  left out: %s\n' "$1" "$2" | tee -a "$results/summary.txt"
}

# The table of speeds from the lines of JSON in the results.
speeds() {
  "$python" - "$results" <<'PYTHON'
import collections, json, pathlib, statistics, sys
results = pathlib.Path(sys.argv[1])
ways = {"ours": "harness", "eager": "PyTorch", "last": "PyTorch, channels last", "compiled": "PyTorch, compiled"}
found = collections.defaultdict(list)
for way in ways:
    path = results / f"{way}.txt"
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith("{"):
            row = json.loads(line)
            found[row["precision"], way].append(row["images_per_s"])
median = {key: statistics.median(speeds) for key, speeds in found.items()}
head = ["precision", *ways.values(), "to eager", "to compiled"]
rows = []
for precision in ["f32", "tf32", "bf16"]:
    speed = {way: median.get((precision, way)) for way in ways}
    eager = max((speed[way] for way in ["eager", "last"] if speed[way]), default=None)
    ratio = lambda other: f"{speed['ours'] / other:.2f}" if speed["ours"] and other else "-"
    shown = [f"{speed[way]:.1f}" if speed[way] else "-" for way in ways]
    rows.append([precision, *shown, ratio(eager), ratio(speed["compiled"])])
widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
line = lambda row: "| " + " | ".join(cell.rjust(width) for cell, width in zip(row, widths)) + " |"
table = [line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)]
text = "Images a second, medians; the last two columns are ours divided by the better of eager PyTorch, and by compiled.\n\n"
(results / "speeds.md").write_text(text + "\n".join(table) + "\n")
print("\n".join(table))
PYTHON
}

# The study of pretraining on real photographs. It is called by a shell of its own.
sample() {
  local seeds start=$SECONDS
  for seeds in ${SEEDS:-0 0,1 0,1,2}; do
    # shellcheck disable=SC2086 # SAMPLE are words
    ./harness study ssl-vs-sl --profile sample --protocol corrected --seeds "$seeds" --device cuda --precision bf16 --offline \
      --root . --store runs --reports reports --data-dir data $SAMPLE
    {
      printf 'Pretraining and fine-tuning on photographs, seeds %s: %d s together.\n\n' "$seeds" $((SECONDS - start))
      # The answer and the tables of results, without the links to their sources.
      sed -n '/^## Answer/,/^## Claims/p; /^## Results/,/^## [^R]/{/^Table: /p; /^|/p; /^$/p}' \
        "$(ls -t reports/sample/*/report.md | head -n 1)" | sed -E '/^## /d; s/\[([^]]*)\]\[[^]]*\]/\1/g' | cat -s
    } >"$results/sample.md.new"
    mv "$results/sample.md.new" "$results/sample.md"
  done
}

# check DIR OUT
check() {
  python=${PYTHON:-python3}
  mkdir -p "$2"
  results=$(cd "$2" && pwd)
  failed=0
  : >"$results/summary.txt"
  local packages
  here=$(mktemp -d)
  trap 'rm -rf "$here"' EXIT
  "$python" -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2], filter="data")' "$1/gpu-check.tar.xz" "$here"
  cd "$here"
  packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$packages/nvidia/cu13/lib:$packages/nvidia/cudnn/lib
  export CARGO_MANIFEST_DIR=$here # the tests of goldens look below it
  {
    date -u
    nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total --format=csv,noheader
    "$python" -c 'import torch; print("PyTorch", torch.__version__, "cuDNN", torch.backends.cudnn.version())'
  } 2>&1 | tee "$results/machine.txt" || true

  local tests=(--nocapture --test-threads 1)
  must goldens 60 ./golden "${tests[@]}"
  must operations 60 ./harness_learn ops::cuda "${tests[@]}"
  must batches 30 ./harness_learn train::feed "${tests[@]}"
  must training 60 ./training gpu:: "${tests[@]}"

  local sizes=(--model vqvae --batch "${BATCH:-64}" --size "${SIZE:-120}" --steps "${STEPS:-20}" --warmup 5)
  local rounds=(--rounds "${ROUNDS:-5}") work=("${sizes[@]}" --precision f32,tf32,bf16)
  # shellcheck disable=SC2206 # OPTIONS are words
  [ -z "${OPTIONS:-}" ] || work+=($OPTIONS)
  may ours 60 ./harness bench train-step "${work[@]}" --device cuda "${rounds[@]}" --json
  if "$python" -c 'import torch' 2>/dev/null; then
    local torch=("$python" train_step.py "${work[@]}" --device "${DEVICE:-cuda}" --fused-adam)
    may last 40 "${torch[@]}" "${rounds[@]}" --channels-last
    may eager 40 "${torch[@]}" "${rounds[@]}"
    speeds || true
    may compiled 150 "${torch[@]}" "${rounds[@]}" --channels-last --compile
    may torch-kernels 45 "${torch[@]}" --channels-last --profile --steps 5
  else
    for name in last eager compiled torch-kernels; do left_out "$name" 'there is no PyTorch'; done
  fi
  speeds || true
  may kernels 45 ./harness bench train-step "${work[@]}" --device cuda --profile
  if command -v compute-sanitizer >/dev/null; then
    may sanitizer 60 compute-sanitizer --error-exitcode 1 ./harness_learn ops::cuda::tests::elementwise \
      ops::cuda::tests::codebook ops::cuda::tests::batch_normalization "${tests[@]}"
  else
    left_out sanitizer 'there is no compute-sanitizer'
  fi
  must study 90 ./harness study blurring --profile demo --seeds 0 --device cuda --root . --store runs --reports reports ${STUDY:-}
  if [ -d data ]; then
    local sets='data.size=120 model.vqvae.width=256 model.vqvae.depth=4 model.vqvae.inner=256'
    sets+=' data.pretraining.dataset.cats-and-dogs.per_class=500'
    export results SAMPLE=${SAMPLE:-"--set ${sets// / --set }"}
    export -f sample
    may sample 120 bash -euo pipefail -c sample
    [ ! -s "$results/sample.md" ] || cat "$results/sample.md"
  else
    left_out sample 'no photographs are packed'
  fi
  printf '\n%s\n' "$results: $(find "$results" -type f | wc -l) files"
  exit "$failed"
}

case "${1:-} $#" in
"bundle 2") bundle "$2" ;;
"check 2") check "$2" "$2/results" ;;
"check 3") check "$2" "$3" ;;
*) usage ;;
esac
