#!/usr/bin/env bash
# Builds the stand-in for CUDA's libraries from this folder and the project's kernels.
#
#   harness/standin/build.sh OUT_DIR [KERNELS_DIR]
#
# OUT_DIR gets libstandin.so, and links to it with the names of CUDA's libraries. KERNELS_DIR is the folder of .cu files, the
# project's own unless it is named. It uses CXX (g++) and CXXFLAGS, so CXXFLAGS=-fsanitize=address,undefined works.
set -euo pipefail
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: build.sh OUT_DIR [KERNELS_DIR]" >&2
  exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kernels=$(cd "${2:-$here/../learn/src/ops/cuda/kernels}" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
compiler=${CXX:-g++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

read -r -a extra <<<"${CXXFLAGS:-}"
# A GPU fuses a product and a sum only where nvcc lets it; here nothing is fused. Everything is hidden that is not exported.
flags=(-std=c++17 -O2 -g -fPIC -fvisibility=hidden -ffp-contract=off -Wall -Wextra "-I$here" "-I$kernels" ${extra[@]+"${extra[@]}"})

# kernel_names FILE: the names of its kernels, with all macros expanded.
kernel_names() {
  "$compiler" "${flags[@]}" -E -P -include "$here/device.h" -D__global__=standin_kernel -x c++ "$1" |
    tr '\n' ' ' | grep -oE 'standin_kernel +void +[A-Za-z0-9_]+' | sed 's/.* //' | sort -u
}

# wrapped FILE: C++ that holds the kernels of a .cu file and registers them. Each file has a namespace, because several have
# functions and shared memory of the same name.
wrapped() {
  local name kernel names
  name=$(basename "$1" .cu)
  names=$(kernel_names "$1") || { echo "build.sh: no kernels in $1" >&2; return 1; }
  printf '#include "device.h"\n#include "kernels.h"\nnamespace kernels_%s {\n#include "%s"\n' "$name" "$1"
  printf 'const bool registered = [] {\n'
  for kernel in $names; do
    printf '  standin::register_kernel("%s", %s);\n' "$kernel" "$kernel"
  done
  printf '  return true;\n}();\n}\n'
}

# The kernels may have unused parameters and constants, and pragmas for nvcc.
compile_kernels() {
  local name
  name=$(basename "$1" .cu)
  wrapped "$1" >"$work/kernels_$name.cpp"
  "$compiler" "${flags[@]}" -Wno-unused -Wno-unused-parameter -Wno-unknown-pragmas -c "$work/kernels_$name.cpp" -o "$work/kernels_$name.o"
}

compile() {
  "$compiler" "${flags[@]}" -c "$1" -o "$work/$(basename "$1" .cpp).o"
}

# Compiles as many files at once as there are processors.
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
running=()
start() {
  "$@" &
  running+=($!)
  if [ ${#running[@]} -ge "$jobs" ]; then
    wait "${running[0]}"
    running=("${running[@]:1}")
  fi
}
for source in "$kernels"/*.cu; do start compile_kernels "$source"; done
for source in "$here"/*.cpp; do start compile "$source"; done
for process in ${running[@]+"${running[@]}"}; do wait "$process"; done

"$compiler" -shared ${extra[@]+"${extra[@]}"} -o "$out/libstandin.so" "$work"/*.o
for library in cuda cudnn cublas cublasLt curand nvrtc; do ln -sf libstandin.so "$out/lib$library.so"; done
echo "built: $out/libstandin.so"
