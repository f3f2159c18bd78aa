"""Compares a golden that was made again with the committed one, as closely as the tests in Rust read it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open

from golden import read_state

Values = dict[str, np.ndarray]

# How far a value may be off: by its name, and the values of the committed file.
Allowed = Callable[[str, Values], np.ndarray | float]


@dataclass(frozen=True)
class Comparison:
    """What the comparison of two files found, in words, and whether the tests may take one for the other."""

    agrees: bool
    text: str


def read(path: Path) -> Values:
    """All values of a file by name; one value where nothing is known of its contents."""
    if path.suffix == ".safetensors":
        with safe_open(path, "numpy") as file:
            names = list(file.keys())
            values = {name: file.get_tensor(name) for name in names}
            metadata = dict(file.metadata() or {})
        metadata.pop("torch", None)
        return values | {"metadata": text(metadata)}
    if path.suffix == ".pt":
        return {name: t.numpy() for name, t in read_state(path).items()}
    if path.suffix == ".json":
        cases = enumerate(json.loads(path.read_text()))
        items = [(f"{i}.{k}", v) for i, case in cases for k, v in case.items()]
        return {k: text(v) if isinstance(v, dict) else np.array(v) for k, v in items}
    return {"contents": np.fromfile(path, np.uint8)}


def text(value: dict) -> np.ndarray:
    return np.frombuffer(json.dumps(value, sort_keys=True).encode(), np.uint8)


def compare(made: Path, committed: Path, allowed: Allowed) -> Comparison:
    if not committed.exists():
        return Comparison(False, "is not committed")
    if made.read_bytes() == committed.read_bytes():
        return Comparison(True, "same bytes")
    ours, theirs = read(made), read(committed)
    if ours.keys() != theirs.keys():
        names = ", ".join(sorted(ours.keys() ^ theirs.keys()))
        return Comparison(False, f"only one of the two has {names}")
    # The share of what is allowed, the difference, the name.
    found: list[tuple[float, float, str]] = []
    for name, value in theirs.items():
        mine = ours[name]
        if mine.shape != value.shape or mine.dtype != value.dtype:
            shapes = f"{mine.dtype}{mine.shape}, committed {value.dtype}{value.shape}"
            return Comparison(False, f"{name} is {shapes}")
        if np.array_equal(mine, value):
            continue
        off = np.abs(mine.astype(np.float64) - value.astype(np.float64))
        most = np.broadcast_to(allowed(name, theirs), off.shape)
        # Where nothing is allowed, any difference is too much; so is a value that is not a number.
        shares = np.divide(off, most, out=np.where(off == 0, 0.0, np.inf), where=most > 0)
        shares = np.nan_to_num(shares, nan=np.inf)
        found.append((float(shares.max()), float(off.max()), name))
    if not found:
        return Comparison(True, "same numbers, other bytes around them")
    share, worst, name = max(found)
    differ = f"{len(found)} of {len(theirs)} tensors differ"
    limit = f"{share:.1%} of what is allowed" if np.isfinite(share) else "where nothing is allowed"
    return Comparison(share <= 1, f"{differ}, most {name}: by {worst:.1e}, {limit}")


def largest(values: np.ndarray) -> float:
    return max(float(np.abs(values).max(initial=0)), 1e-12)


def exact(name: str, values: Values) -> float:
    return 0.0


def relative(tolerance: float, least: float = 0.0) -> Allowed:
    """To the largest value of the tensor, or to `least` where that is more."""
    return lambda name, values: tolerance * max(largest(values[name]), least)


def network(name: str, values: Values) -> np.ndarray | float:
    """The rules of harness/learn/tests/golden.rs, which says why.

    A gradient is compared relative to the largest of its layer. After Adam's first step a weight is known as well as
    its gradient determines it.
    """
    tolerance, rate, epsilon = 1e-4, 1e-3, 1e-8
    kind, _, rest = name.partition(".")
    gradient = values.get(f"grad.{rest}")
    if kind not in ("grad", "after") or gradient is None:
        return tolerance * largest(values[name])
    layer = rest.rpartition(".")[0]
    same = [k for k in values if k.startswith("grad.") and k[5:].rpartition(".")[0] == layer]
    blur = tolerance * max(largest(values[k]) for k in same)
    if kind == "grad":
        return blur
    size = np.abs(gradient.astype(np.float64))
    known = np.maximum(size - blur, 0) + epsilon
    moved = np.where(size > blur, rate * epsilon * blur / known**2, 2 * rate)
    return tolerance * largest(values[name]) + np.minimum(moved, 2 * rate)


def state_dict(name: str, values: Values) -> float:
    """Weights to two units in the last place of a half float; of what a network gives, what weights.rs allows."""
    if name == "image":
        return 0.0
    return 1e-5 if name == "output" else 2**-9 * largest(values[name])
