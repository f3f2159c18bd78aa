#!/usr/bin/env python3
"""Make the numbers again that tests in Rust took from Python's libraries and state in their own text.

    python reference/recompute.py                 print all, as the libraries make them
    python reference/recompute.py --check         hold all against what the tests state
    python reference/recompute.py --check scores  only those of scores.py

--check ends with 1 if a number differs by more than its tolerance, or if the test no longer has the text that states
it. Goldens, which are files, are made by remake.py.
"""

import argparse
import sys
from collections.abc import Callable, Iterator

import numpy as np

import intervals
import pixels
import scores
import splits
from stated import Stated

PARTS: dict[str, Callable[[], Iterator[Stated]]] = {
    "splits": splits.numbers,
    "intervals": intervals.numbers,
    "scores": scores.numbers,
    "pixels": pixels.numbers,
}


def words(numbers: np.ndarray) -> str:
    """All digits, on one line."""
    return np.array2string(numbers, separator=", ", max_line_width=10**6, formatter={"float_kind": "{:.16g}".format})


def verdict(found: Stated) -> str:
    """What --check says of it: a word first, and what the test states where that is not what was made."""
    if not found.in_test:
        return f"{'NOT THERE':9} the test does not have the text for {found.what}"
    differ = "" if np.array_equal(found.made, found.numbers, equal_nan=True) else f", stated {words(found.numbers)}"
    within = f" within {found.within:g}" if found.within else ""
    return f"{'ok' if found.agrees else 'DIFFERS':9} {found.what}: {words(found.made)}{differ}{within}"


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--check", action="store_true")
    p.add_argument("part", nargs="?", choices=PARTS, help="only these")
    a = p.parse_args()
    agrees, test = True, ""
    for part in [a.part] if a.part else PARTS:
        for found in PARTS[part]():
            if found.test != test:
                test = found.test
                print(test)
            print(f"  {verdict(found) if a.check else f'{found.what}: {words(found.made)}'}", flush=True)
            agrees &= found.agrees
    sys.exit(1 if a.check and not agrees else 0)


if __name__ == "__main__":
    main()
