"""Numbers that a test in Rust states in its own text, each with the same number as a library makes it."""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Stated:
    """Some numbers of a test."""

    test: str
    what: str
    numbers: np.ndarray  # as the test states them
    made: np.ndarray  # as the library makes them
    within: float
    in_test: bool  # whether the test has the text that states them

    @property
    def agrees(self) -> bool:
        """Whether the two are the same, within the tolerance. What is undefined is NaN."""
        same = self.made.shape == self.numbers.shape
        return self.in_test and same and np.allclose(self.made, self.numbers, rtol=0, atol=self.within, equal_nan=True)


@dataclass(frozen=True)
class Test:
    """A test in Rust: its file, by the path in the repository, and its name."""

    file: str
    name: str

    def states(self, text: str, made: Any, what: str, *, numbers: Any = None, within: float = 0.0) -> Stated:
        """`text` stands in the test and states `numbers`, which are left out where the text is nothing else.

        A number alone and a list of one are the same.
        """
        if numbers is None:
            numbers = ast.literal_eval(text)
        stated, found = (np.array(of, dtype=np.float64).squeeze() for of in (numbers, made))
        return Stated(f"{self.file} {self.name}", what, stated, found, within, text in self.body())

    def body(self) -> str:
        """All from the test's name to the next test; empty if there is no such test."""
        source = (ROOT / self.file).read_text()
        _, _, after = source.partition(f"fn {self.name}()")
        return after.partition("#[test]")[0]
