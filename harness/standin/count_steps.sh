#!/usr/bin/env bash
# Counts what a training step of each network asks of the GPU, on the stand-in: that of two steps less that of one.
#
#   harness/standin/count_steps.sh STEPS_PROGRAM LIBRARY_DIR          prints a table like steps.csv
#
# STEPS_PROGRAM is the compiled test `steps` of `harness-learn` with the feature `cudnn`.
set -euo pipefail
program=$(realpath "${1:?usage: count_steps.sh STEPS_PROGRAM LIBRARY_DIR}")
library=$(realpath "${2:?usage: count_steps.sh STEPS_PROGRAM LIBRARY_DIR}")
kinds=(launch.all convolution.all allocation.all memset.all copy.host-to-device copy.device-to-device copy.device-to-host synchronisation.all)
heads=launches,convolutions,allocations,memsets,host_to_device,device_to_device,device_to_host,synchronisations
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# counted KIND.NAME FILE: the calls of a kind in all reports of a file.
counted() { awk -v kind="${1%.*}" -v name="${1#*.}" '$1 == kind && $2 == name { sum += $3 } END { print sum + 0 }' "$2"; }

echo "network,precision,$heads"
for network in vqvae segnet linknet; do
  for precision in f32 tf32 bf16; do
    for steps in 1 2; do
      STANDIN_REPORT=$work/$network-$precision-$steps HARNESS_STEPS=$steps HARNESS_PRECISION=$precision \
        LD_LIBRARY_PATH=$library "$program" --exact "$network" --test-threads 1 >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        exit 1
      }
    done
    line=$network,$precision
    for kind in "${kinds[@]}"; do
      line+=,$(($(counted "$kind" "$work/$network-$precision-2") - $(counted "$kind" "$work/$network-$precision-1")))
    done
    echo "$line"
  done
done
