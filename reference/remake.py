#!/usr/bin/env python3
"""Make the golden files that the tests in Rust read.

    python reference/remake.py --check            make all in a scratch folder, compare with the committed ones
    python reference/remake.py --out DIR          make all below DIR, under their paths in the repository
    python reference/remake.py --out . ops        make those with `ops` in their path in place, from the repository's root

--check says of each file how it differs, and ends with 1 if a test would tell the two apart, if a file is missing, or
if a golden folder holds a file that nothing here makes. Goldens that need weights take those of the committed state
dicts.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

# One instruction set, so that the sums of different processors differ less. Read when PyTorch is loaded.
os.environ["ATEN_CPU_CAPABILITY"] = "avx2"
os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX2"
os.environ["MKL_CBWR"] = "AVX2"

import torch

import cifar_10
import golden
import operations
import preprocess
import training
from compare import Allowed, compare, exact, network, relative, state_dict

ROOT = Path(__file__).resolve().parent.parent
LEARN = "harness/learn/tests"
NETWORKS = f"{LEARN}/golden"
STATES = f"{LEARN}/weights"
OPERATIONS = f"{LEARN}/golden-ops/ops.safetensors"
TRAINING = f"{LEARN}/golden-training"
PICTURES = "harness/images/tests/preprocess"
PARQUET = "harness/images/src/datasets/tests/pyarrow.parquet"


@dataclass(frozen=True)
class Golden:
    """Files that are made together, by their paths in the repository."""

    files: list[str]
    make: Callable[[Path], None]  # is given the path of the first
    allowed: Allowed = exact


def of_network(name: str, model: str, sizes: dict[str, int], **how: Any) -> Golden:
    make = partial(golden.network, model=model, sizes=sizes, **how)
    return Golden([f"{NETWORKS}/{name}.safetensors"], make, network)


def of_linknet(name: str, **how: Any) -> Golden:
    make = partial(golden.linknet, weights=ROOT / STATES / "linknet.pt", **how)
    return Golden([f"{NETWORKS}/{name}.safetensors"], make, network)


def of_state(model: str, sizes: dict[str, int], **how: Any) -> Golden:
    files = [f"{STATES}/{model}.pt", f"{STATES}/{model}.safetensors"]
    committed = ROOT / files[0]
    make = partial(golden.state_dict, committed=committed, sizes=sizes, **how)
    return Golden(files, make, state_dict)


def of_drawings() -> Golden:
    endings = ("trimap.png", "safetensors", "hue.safetensors")
    files = [
        f"{PICTURES}/{file}"
        for name, *_ in preprocess.DRAWINGS
        for file in (name, *(f"{name.split('.')[0]}.{ending}" for ending in endings))
    ]
    return Golden(files, lambda first: preprocess.drawings(first.parent))


def of_training(file: str, make: Callable[[Path], None], tolerance: float) -> Golden:
    return Golden([f"{TRAINING}/{file}"], make, relative(tolerance))


NARROW = {"width": 8, "depth": 1, "inner": 4, "dim": 4, "codes": 16}
ODD = {"width": 12, "depth": 2, "inner": 6, "dim": 8, "codes": 32}
DEEP = {"width": 6, "depth": 3, "inner": 10, "dim": 3, "codes": 8}
TINY = {"width": 4, "depth": 1, "inner": 4, "dim": 4, "codes": 8}

GOLDENS = [
    of_state("vqvae", TINY, seed=1, size=16, write=golden.write_archive),
    of_state("segnet", {"width": 2}, seed=2, size=21, write=golden.write_plain),
    of_state("linknet", {"width": 4}, seed=3, size=32, write=golden.write_nested),
    of_network("vqvae-narrow", "vqvae", NARROW, size=16, seed=1),
    of_network("vqvae-odd", "vqvae", ODD, batch=3, size=12, seed=2),
    of_network("vqvae-deep", "vqvae", DEEP, size=20, seed=3),
    of_network("vqvae-eval", "vqvae", NARROW, size=16, seed=4, mode="eval"),
    of_network("segnet-odd", "segnet", {"width": 2}, size=37, seed=11),
    of_network("segnet-eval", "segnet", {"width": 1}, size=22, seed=12, mode="eval"),
    of_linknet("linknet-train", size=64, seed=17),
    of_linknet("linknet-eval", size=32, seed=14, mode="eval"),
    Golden([OPERATIONS], operations.operations, relative(1e-5, least=1.0)),
    of_training("optimisers.safetensors", training.optimisers, 1e-6),
    of_training("clipping.safetensors", training.clipping, 1e-6),
    of_training("schedules.json", training.schedules, 1e-12),
    of_training("losses.safetensors", training.losses, 1e-5),
    of_drawings(),
    Golden([PARQUET], cifar_10.table),
]


def remake(goldens: list[Golden], folder: Path) -> None:
    for made in goldens:
        for file in made.files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
        made.make(folder / made.files[0])


def check(goldens: list[Golden]) -> bool:
    """Compares all with the committed files, and says whether they agree."""
    agrees = True
    with tempfile.TemporaryDirectory() as scratch:
        remake(goldens, Path(scratch))
        for made in goldens:
            for file in made.files:
                found = compare(Path(scratch, file), ROOT / file, made.allowed)
                agrees &= found.agrees
                print(f"{'ok' if found.agrees else 'DIFFERS':8} {file}: {found.text}")
    known = {file for made in GOLDENS for file in made.files}
    for folder in (NETWORKS, STATES, TRAINING, PICTURES, Path(OPERATIONS).parent):
        for path in sorted((ROOT / folder).iterdir()):
            file = path.relative_to(ROOT).as_posix()
            if file not in known:
                agrees = False
                print(f"{'UNKNOWN':8} {file}: nothing here makes it")
    return agrees


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = p.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true")
    what.add_argument("--out", type=Path, metavar="DIR")
    p.add_argument("part", nargs="?", default="", help="part of a path: only these")
    a = p.parse_args()
    chosen = [g for g in GOLDENS if any(a.part in file for file in g.files)]
    if not chosen:
        p.error(f"no golden has '{a.part}' in its path")
    torch.set_num_threads(1)
    if a.check:
        sys.exit(0 if check(chosen) else 1)
    remake(chosen, a.out)
    for made in chosen:
        print(*(a.out / file for file in made.files), sep="\n")


if __name__ == "__main__":
    main()
