#!/usr/bin/env bash
# Plants faults in copies of the CUDA kernels, one at a time, and says which of them the tests see on the stand-in.
#
#   harness/standin/plant_faults.sh TEST_PROGRAM [FAULT ...]
#
# TEST_PROGRAM is the compiled library test of `harness-learn` with the feature `cudnn`, as `scripts/cuda-build.sh standin` prints it.
# Ends with 1 if a fault is missed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
learn=$here/../learn
kernels=$learn/src/ops/cuda/kernels
program=$(realpath "${1:?usage: plant_faults.sh TEST_PROGRAM [FAULT ...]}")
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
missed=0

# plant NAME FILE SED-SCRIPT: changes a copy of a kernel, and runs the tests on it in two orders of threads.
plant() {
  local name=$1 file=$2 script=$3 order seen=''
  [ "${#only[@]}" -eq 0 ] || [[ " ${only[*]} " == *" $name "* ]] || return 0
  rm -rf "$work/kernels" "$work/library"
  cp -r "$kernels" "$work/kernels"
  sed -i -E "$script" "$work/kernels/$file"
  if cmp -s "$work/kernels/$file" "$kernels/$file"; then
    printf 'NOT PLANTED  %s: the kernel has changed; mend this script\n' "$name"
    missed=1
    return
  fi
  if ! "$here/build.sh" "$work/library" "$work/kernels" >"$work/log" 2>&1; then
    printf 'NOT BUILT    %s\n' "$name"
    missed=1
    return
  fi
  for order in ascending shuffled; do
    if ! (cd "$learn" && STANDIN_ORDER=$order LD_LIBRARY_PATH=$work/library timeout 120 "$program" cuda feed kernel --test-threads 1) \
      >"$work/log" 2>&1; then
      seen=$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$work/log" | sed 's/.*:://' | head -3 | tr '\n' ' ')
      printf 'caught       %s: %s\n' "$name" "${seen:-the program ended at once}"
      return
    fi
  done
  printf 'MISSED       %s\n' "$name"
  missed=1
}

# barrier FILE N: a script that removes the N-th barrier of a file.
barrier() {
  local line
  line=$(grep -n '__syncthreads();' "$kernels/$1" | sed -n "$2p" | cut -d : -f 1)
  printf '%ss/__syncthreads\\(\\);//' "$line"
}

only=("$@")
plant adam-without-epsilon lists.cu 's/scale \+ epsilon/scale/'
plant adam-first-moment lists.cu 's/rest1 \* slope/slope/'
plant bf16-truncated number.cuh 's/\(bits \+ 0x7fffu \+ \(\(bits >> 16\) \& 1u\)\) >> 16/bits >> 16/'
plant ties-between-threads codebook.cu 's/found\[t\]\[a\] < found/found[t][a] > found/'
plant ties-within-a-thread codebook.cu 's/distance < best\[i\]/distance <= best[i]/'
plant loads-without-alignment number.cuh 's/return \(unsigned long long\)at % 16 == 0;/return true;/'
plant pooling-without-nan pooling.cu 's/value > best \|\| value != value/value > best/'
plant pooling-window pooling.cu 's/y \/ w\.stride \+ 1, w\.rows/y \/ w.stride, w.rows/'
plant invalid-class losses.cu 's/if \(classes\[i\] >= channels\) return \(double\)NAN;//'
plant clip-always lists.cu 's/factor >= 1\.0 \? x\[i\] : //'
plant item-of-a-list lists.cu 's/first <= blockIdx/first < blockIdx/'
plant last-block-never number.cuh 's/atomicInc\(counter, blocks - 1\) == blocks - 1/atomicInc(counter, blocks - 1) == blocks/'
plant counter-not-reset number.cuh 's/atomicInc\(counter, blocks - 1\)/atomicAdd(counter, 1u)/'
plant mask-of-a-sum channels.cu 's/values\[k\] = masked\(others\[k\], values\[k\]\);//'
plant mask-of-a-norm channels.cu 's/gradients\[k\] = masked\(values\[k\], gradients\[k\]\);//'
plant running-statistics channels.cu 's/finish.variance\[channel\] = moved/finish.variance[channel] = -moved/'
plant bias-of-a-convolution elementwise.cu 's/values\[k\] \+= bias\[at.channel\]/values[k] += bias[0]/'
plant ties-of-a-maximum maximum.cu 's/sums\[1\] \+= x\[i\] == \*maximum/sums[1] = 1.0/'
plant smoothing-of-codes codebook.cu 's/total \+ k \* epsilon/total/'
plant barrier-of-columns-1 channels.cu "$(barrier channels.cu 1)"
plant barrier-of-columns-2 channels.cu "$(barrier channels.cu 2)"
plant barrier-of-maxima-1 maximum.cu "$(barrier maximum.cu 1)"
plant barrier-of-maxima-2 maximum.cu "$(barrier maximum.cu 2)"
plant barrier-of-maxima-3 maximum.cu "$(barrier maximum.cu 3)"
plant barrier-of-tiles-1 codebook.cu "$(barrier codebook.cu 1)"
plant barrier-of-tiles-2 codebook.cu "$(barrier codebook.cu 2)"
plant barrier-of-candidates codebook.cu "$(barrier codebook.cu 3)"
plant barrier-before-a-sum number.cuh "$(barrier number.cuh 1)"
plant barrier-in-a-sum number.cuh "$(barrier number.cuh 2)"
plant barrier-of-halves number.cuh "$(barrier number.cuh 3)"
plant barrier-of-the-last-block number.cuh "$(barrier number.cuh 5)"
plant barrier-of-pictures-1 pictures.cu "$(barrier pictures.cu 1)"
plant barrier-of-pictures-2 pictures.cu "$(barrier pictures.cu 2)"
plant barrier-of-pictures-3 pictures.cu "$(barrier pictures.cu 3)"
exit "$missed"
