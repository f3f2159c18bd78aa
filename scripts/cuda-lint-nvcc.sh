#!/usr/bin/env bash
# Stands in for nvcc while scripts/cuda-build.sh lints: the project's own kernels go to the real compiler (REAL_NVCC), and candle's
# become empty files, because nothing runs them.
set -euo pipefail
case " $* " in
*" --version "* | *" --list-gpu-code "* | *" --list-gpu-arch "* | *ops/cuda/kernels*) exec "${REAL_NVCC:?}" "$@" ;;
esac
out='' folder='' previous=''
for word in "$@"; do
  [ "$previous" = -o ] && out=$word
  [ "$previous" = --output-directory ] && folder=$word
  previous=$word
done
empty() { cc -c -x c /dev/null -o "$1"; }
case " $* " in
*" --lib "* | *" -lib "*)
  object=$(mktemp --suffix .o)
  empty "$object"
  ar rcs "$out" "$object"
  rm "$object"
  ;;
*" -c "*) empty "$out" ;;
*)
  for word in "$@"; do
    case "$word" in
    *.cu)
      to=${out:-$folder/$(basename "$word" .cu).ptx}
      [ -d "$to" ] && to=$to/$(basename "$word" .cu).ptx
      printf '// none\n' >"$to"
      ;;
    esac
  done
  ;;
esac
