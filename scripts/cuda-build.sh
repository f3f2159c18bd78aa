#!/usr/bin/env bash
# Builds `harness` for CUDA, also on a machine without GPU, driver or CUDA toolkit.
#
#   scripts/cuda-build.sh                     build target/cuda/HOST/release/harness, and say how to run it
#   scripts/cuda-build.sh -- COMMAND...       run any command, such as `cargo test`, with the same settings
#   scripts/cuda-build.sh toolkit             only install the compiler, if there is none
#   scripts/cuda-build.sh empty COMMAND...    the same, with candle's own kernels left out, which saves minutes
#   scripts/cuda-build.sh standin             test the code for CUDA on a stand-in for the GPU (harness/standin)
#   scripts/cuda-build.sh lint                lint the code for CUDA
#
# The program loads CUDA's libraries when it needs them, so it starts without them and then computes on the CPU. It needs a
# driver for CUDA 12 or 13, and cuBLAS, cuRAND and cuDNN 9, from a toolkit or from NVIDIA's Python wheels.
#
# A toolkit is taken from CUDA_HOME, or from `nvcc` on PATH. Without one, the compiler comes from NVIDIA's Python wheels, which
# are put into target/cuda/venv (400 MB; PYTHON, default python3, makes it). CUDA_COMPUTE_CAP is the oldest GPU that the program
# runs on, times ten: 80 unless it is set (Ampere).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$root/target/cuda
host=$(rustc -vV | sed -n 's/^host: //p')

# nvcc 13.0 writes PTX that drivers from CUDA 13.0 on can load; a newer one would ask for a newer driver.
wheels() {
  [ -x "$work/venv/bin/pip" ] || "${PYTHON:-python3}" -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check 'nvidia-cuda-nvcc==13.0.*' 'nvidia-nvvm==13.0.*' \
    'nvidia-cuda-crt==13.0.*' 'nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-cccl==13.0.*'
  CUDA_HOME=$("$work/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/nvidia/cu13
  # The libraries that the linker asks for. All are empty, so no program needs them, but for the static CUDA runtime.
  local stubs=$CUDA_HOME/lib/stubs library
  mkdir -p "$stubs"
  ln -sfn lib "$CUDA_HOME/lib64"
  for library in cuda nvrtc curand cublas cublasLt cudnn; do
    [ -e "$stubs/lib$library.so" ] || cc -shared -o "$stubs/lib$library.so" -x c /dev/null
  done
  echo 'INPUT(libcudart_static.a)' >"$stubs/libcudart.so"
}

if [ -z "${CUDA_HOME:-}" ]; then
  if command -v nvcc >/dev/null; then
    CUDA_HOME=$(cd "$(dirname "$(command -v nvcc)")/.." && pwd)
  else
    wheels
  fi
fi
export CUDA_HOME PATH="$CUDA_HOME/bin:$PATH" CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-80} CARGO_TARGET_DIR=$work
CUDAFORGE_THREADS=$(nproc)
export CUDAFORGE_THREADS
# candle asks cudarc to link CUDA. With this setting cudarc loads it instead. Build scripts must not get the setting: cargo spares
# them only if the target is named. The setting is not given twice where this script calls itself, or cargo would build all again.
loading='--cfg feature="dynamic-loading"'
[[ ${RUSTFLAGS:-} == *"$loading"* ]] || RUSTFLAGS="${RUSTFLAGS:-} $loading"
export RUSTFLAGS CARGO_BUILD_TARGET=$host
cd "$root"

# Our own kernels are compiled by nvcc; candle's, which nothing runs here, become empty files.
without_candles_kernels() {
  mkdir -p "$work/empty"
  REAL_NVCC=$CUDA_HOME/bin/nvcc NVCC=$root/scripts/cuda-lint-nvcc.sh
  ln -sf "$NVCC" "$work/empty/nvcc"
  export REAL_NVCC NVCC PATH="$work/empty:$PATH" CARGO_TARGET_DIR=$work/without
}

# Runs tests on the stand-in. A test that found no GPU has tested nothing, so it fails here.
on_standin() {
  local log
  log=$(mktemp)
  if ! cargo test --release --locked --features cudnn --package harness-learn "$@" --nocapture --test-threads 1 2>&1 | tee "$log" |
    grep -E '^(test |error|stand-in)|panicked'; then
    tail -n 40 "$log" >&2
    rm "$log"
    return 1
  fi
  if grep -q 'not checked' "$log"; then
    echo 'error: a test found no GPU' >&2
    return 1
  fi
  rm "$log"
}

# fails_by_itself PROGRAM SETTING: where a call of CUDA fails, the program reports an error, and no signal ends it.
fails_by_itself() {
  local status=0
  env "$2" LD_LIBRARY_PATH="$work/standin" "$1" --exact vqvae >"$work/log" 2>&1 || status=$?
  if [ "$status" -ne 101 ] || ! grep -qE 'Err. value: (Driver|Cudnn)Error' "$work/log"; then
    cat "$work/log" >&2
    printf 'error: with %s the program ended with status %d\n' "$2" "$status" >&2
    return 1
  fi
  printf 'an error, as it should be: %s\n' "$2"
}

# sanitized LIBRARY_TEST: the operations once more, with the kernels compiled for AddressSanitizer.
sanitized() {
  CXXFLAGS='-fsanitize=address,undefined -fno-sanitize-recover=undefined' harness/standin/build.sh "$work/sanitized"
  (cd harness/learn && env ASAN_OPTIONS=detect_leaks=0 LD_LIBRARY_PATH="$work/sanitized" \
    LD_PRELOAD="$("${CXX:-g++}" -print-file-name=libasan.so):$("${CXX:-g++}" -print-file-name=libubsan.so)" \
    "$root/$1" cuda --test-threads 1)
}

# The check for machines with a GPU, from its bundle, on the stand-in: no minute on a GPU is spent on its mistakes.
gpu_check() {
  local sizes='--width 16 --depth 1 --inner 8 --dim 8 --codes 16'
  local network='--set model.vqvae.width=8 --set model.vqvae.inner=4 --set model.vqvae.depth=1'
  local study="--protocol corrected --set pretraining.epochs=1 --set finetuning.epochs=1 $network"
  local sample="$network --set data.size=16 --set pretraining.epochs=1 --set data.pretraining.validation=10 --set finetuning.epochs=1"
  sample+=' --set data.pretraining.dataset.cats-and-dogs.per_class=20'
  sample+=' --set data.segmentation.split.official.validation.images=5'
  # Pillow makes photographs small. Without a network there may be none, and then the photographs are left out.
  if { [ -x "$work/venv/bin/pip" ] || "${PYTHON:-python3}" -m venv "$work/venv"; } &&
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pillow==13.0.0'; then
    export PYTHON=$work/venv/bin/python
  fi
  KERNELS=empty PHOTOGRAPHS=40 scripts/gpu-check.sh bundle "$work/check"
  rm -rf "$work/check/results"
  LD_LIBRARY_PATH=$work/standin PATIENCE=5 BATCH=2 SIZE=16 STEPS=2 ROUNDS=1 OPTIONS=$sizes STUDY=$study SAMPLE=$sample SEEDS='0 0,1' \
    scripts/gpu-check.sh check "$work/check"
  local name names=(speeds.md kernels.txt machine.txt study.txt)
  grep -q '^sample .* left out' "$work/check/results/summary.txt" || names+=(sample.md)
  for name in "${names[@]}"; do
    if [ ! -s "$work/check/results/$name" ]; then
      printf 'error: the check left no %s\n' "$name" >&2
      return 1
    fi
  done
}

# A study on a GPU with too little memory ends with 5, and says what to do.
too_little_memory() {
  local status=0 scratch said='error: the GPU has too little memory: set a smaller `batch` for this stage'
  scratch=$(mktemp -d)
  STANDIN_MEMORY=3000000 LD_LIBRARY_PATH=$work/standin "$CARGO_TARGET_DIR/$host/release/harness" study blurring --profile demo \
    --seeds 0 --device cuda --store "$scratch/runs" --reports "$scratch/reports" >"$work/log" 2>&1 || status=$?
  rm -rf "$scratch"
  if [ "$status" -ne 5 ] || ! grep -F "$said" "$work/log"; then
    cat "$work/log" >&2
    printf 'error: with too little memory the study ended with status %d\n' "$status" >&2
    return 1
  fi
}

# built NAME: the newest program of a test.
built() {
  cargo test --release --locked --features cudnn --package harness-learn --lib --test steps --no-run 2>&1 |
    sed -n "s/.*Executable .*(\(.*\/$1-[0-9a-f]*\))/\1/p"
}

case "${1:-}" in
'')
  cargo build --release --locked --features cudnn
  printf 'built: %s\n' "$work/$host/release/harness"
  cat <<'HELP'
run:   target/cuda/HOST/release/harness study blurring --device cuda
       If CUDA is installed with Python's wheels only, name their folders first. With S the folder of Python's packages:
       export LD_LIBRARY_PATH=S/nvidia/cu13/lib:S/nvidia/cudnn/lib
HELP
  ;;
toolkit)
  "$CUDA_HOME/bin/nvcc" --version
  ;;
standin)
  without_candles_kernels
  harness/standin/build.sh "$work/standin"
  harness/standin/check.sh "$work/standin"
  runner=$(tr 'a-z-' 'A-Z_' <<<"$host")
  for order in ascending descending shuffled; do
    export "CARGO_TARGET_${runner}_RUNNER=env LD_LIBRARY_PATH=$work/standin STANDIN_ORDER=$order"
    on_standin --lib -- cuda feed kernel
  done
  on_standin --test golden --
  # A step must ask of the GPU what is committed. After a deliberate change, commit what this prints.
  steps=$(built steps)
  harness/standin/count_steps.sh "$steps" "$work/standin" | tee "$work/steps.csv"
  diff harness/standin/steps.csv "$work/steps.csv"
  for setting in cuMemAllocAsync:60 cuLaunchKernel:100 cudnnConvolutionForward:3 cudnnConvolutionBackwardFilter:2 \
    cuMemcpyHtoDAsync_v2:4 cuStreamSynchronize:1 cuModuleLoadData:3; do
    fails_by_itself "$steps" "STANDIN_FAIL=$setting"
  done
  fails_by_itself "$steps" STANDIN_MEMORY=300000
  on_standin --test training -- gpu
  # Where cuDNN has nothing deterministic in TF32 and bf16, these problems go in f32.
  export "CARGO_TARGET_${runner}_RUNNER=env LD_LIBRARY_PATH=$work/standin STANDIN_PLAIN_ONLY=1"
  on_standin --lib -- cuda
  library=$(built harness_learn)
  sanitized "$library"
  gpu_check
  too_little_memory
  printf 'the library test: %s\n' "$library"
  ;;
lint)
  without_candles_kernels
  cargo clippy --release --locked --all-targets --features cudnn --package harness-learn --package harness-cli -- -D warnings
  ;;
--)
  shift
  "$@"
  ;;
empty)
  shift
  without_candles_kernels
  "$@"
  ;;
*)
  sed -n '2,9p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2
  exit 2
  ;;
esac
