#!/usr/bin/env bash
# Checks that the stand-in in OUT_DIR, which build.sh made without sanitizers, notices misuse.
#
#   harness/standin/check.sh OUT_DIR
set -euo pipefail
if [ $# -ne 1 ]; then
  echo "usage: check.sh OUT_DIR" >&2
  exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${CXX:-g++}" -std=c++17 -Wall -Wextra -o "$work/misuse" "$here/check/misuse.cpp" "$out/libstandin.so"
if ! LD_LIBRARY_PATH=$out "$work/misuse" 2>"$work/complaints"; then
  cat "$work/complaints"
  exit 1
fi
if grep -v '^stand-in: ' "$work/complaints"; then
  echo "the lines above do not begin with stand-in:" >&2
  exit 1
fi
[ "$(wc -l <"$work/complaints")" -ge 20 ] || { echo "too few complaints" >&2; exit 1; }
grep -q 'unheard_of' "$work/complaints" || { echo "the unknown kernel is not named" >&2; exit 1; }
cat "$work/complaints"
