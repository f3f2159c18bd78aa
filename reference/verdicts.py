#!/usr/bin/env python3
"""Measure how often rules for the claim "arm A beats arm B" decide, where the truth is known.

    python reference/verdicts.py simulate [--repetitions 10000] [--interaction 0.5] [--seed 0] [--cells]
    python reference/verdicts.py committed [--reports DIR]

`simulate` prints tables in Markdown: error rates where the arms do not differ, widths of intervals, and power. --cells
adds one row for each setting and rule. All numbers repeat with the same --seed. It takes 4 minutes of one core.

`committed` holds seeds of the same arm against each other (A/A), in the reports below DIR. Nothing differs but the seed, so a rule
should decide in at most 5 % of the cases, also where the outcomes of a protocol have two modes. Ends with 1 if the rule for
claims decides more often than 5 % of the cases explain (binomial, at 1 %).

The data of a claim are D[s, i]: the score of A minus the score of B, for training seed s and test image i. Every seed
is tested on the same images. rules.py has the rules.

What is simulated:

* D = seed effect + image effect + interaction of seed and image, with means of 0. The seed effect is normal.
* The *share of the seed* is its share of the variance of the mean of one seed. The rest of that variance is split into
  the image effect, which all seeds share, and the interaction: --interaction is the share of the second.
* Images are alone, or lie in 37 groups of equal size (as far as possible). Then a quarter of the variance of an image
  effect, and of the interaction, is shared by the images of a group. Groups are *drawn* if the claim is about other
  groups as well, and *fixed* if it is about just these.
* Errors of images are normal, or skewed: 70 % lie near 0, the others are spread ten times as far and shifted to one
  side (skewness 1.9).
* A/A: both arms are the same, so no image effect is left. Both have S seeds of their own.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from records import REPORTS
from rules import LEVEL, OLD, RULES, Parts, old_rule, parts
from same_arms import compare_same
from tables import NONE, percent, table

SEEDS = (2, 3, 5, 10)
IMAGES = (60, 240, 600)
SHARES = {"demo": 0.975, "sample": 0.675, "between": 0.30, "images": 0.05}
ERRORS = ("normal", "skewed")
GROUPINGS = ("alone", "drawn", "fixed")
GROUPS = 37
OF_GROUP = 0.25  # the share of the variance of an image effect that its group has
CLAIMS = 6  # for Holm's correction
EFFECT = 3.0  # for power: the true difference in true standard errors
CHUNK = 4_000_000  # differences held at a time


@dataclass(frozen=True)
class Setting:
    seeds: int
    images: int
    share: str
    errors: str
    grouping: str

    def __str__(self) -> str:
        return f"{self.images} images, {self.share}, {self.errors}, {self.grouping}"


@dataclass
class Found:
    """Sums over the repetitions."""

    repetitions: int = 0
    wrong: float = 0.0
    wrong_corrected: float = 0.0
    width: float = 0.0
    power: float = 0.0
    wrong_aa: float = 0.0
    wrong_aa_corrected: float = 0.0

    def error(self) -> float:
        return self.wrong / self.repetitions

    def family(self) -> float:
        """Claims that share nothing: one of them is decided if its p-value is at most 5 % / 6."""
        return 1 - (1 - self.wrong_corrected / self.repetitions) ** CLAIMS

    def aa(self) -> float:
        return self.wrong_aa / self.repetitions

    def aa_family(self) -> float:
        return 1 - (1 - self.wrong_aa_corrected / self.repetitions) ** CLAIMS

    def relative_width(self) -> float:
        return self.width / self.repetitions

    def powers(self) -> float:
        return self.power / self.repetitions


Results = dict[tuple[Setting, str], Found]


def noise(random: np.random.Generator, shape: tuple[int, ...], errors: str) -> np.ndarray:
    """Of mean 0 and variance 1."""
    z = random.standard_normal(shape)
    if errors == "normal":
        return z
    far = random.random(shape, dtype=np.float32) < 0.3
    z *= np.where(far, 1.0, 0.1)
    z += far
    return (z - 0.3) / math.sqrt(0.3 * 2 + 0.7 * 0.01 - 0.3**2)


def draw(
    random: np.random.Generator, repetitions: int, seeds: int, sizes: np.ndarray, errors: str, grouped: bool
) -> Parts:
    """Parts whose effects have variance 1."""
    images = int(sizes.sum())
    e = noise(random, (repetitions, seeds, images), errors)
    v = noise(random, (repetitions, images), errors)
    v_groups = np.zeros(repetitions)
    if grouped:
        inner, outer = math.sqrt(1 - OF_GROUP), math.sqrt(OF_GROUP)
        e *= inner
        e += outer * np.repeat(random.standard_normal((repetitions, seeds, len(sizes))), sizes, axis=2)
        of_groups = outer * np.repeat(random.standard_normal((repetitions, len(sizes))), sizes, axis=1)
        v = inner * v + of_groups
        v_groups = of_groups.mean(axis=1)
    found = parts(e, sizes)
    return Parts(
        **{
            **found.__dict__,
            "u": random.standard_normal((repetitions, seeds)),
            "v": v,
            "v_groups": v_groups,
        }
    )


def simulate(repetitions: int, interaction: float, seed: int) -> Results:
    found: Results = {}
    index = 0
    for seeds in SEEDS:
        for images in IMAGES:
            for errors in ERRORS:
                for grouped in (False, True):
                    index += 1
                    random = np.random.default_rng([seed, index])
                    sizes = np.bincount(np.arange(images) * GROUPS // images, minlength=GROUPS)
                    left = repetitions
                    while left:
                        now = min(left, max(1, CHUNK // (seeds * images)))
                        drawn = draw(random, now, seeds, sizes, errors, grouped)
                        groupings = GROUPINGS[1:] if grouped else GROUPINGS[:1]
                        for share in SHARES:
                            measure(found, drawn, interaction, share, errors, groupings)
                        left -= now
    return found


def measure(
    found: Results, drawn: Parts, interaction: float, share: str, errors: str, groupings: tuple[str, ...]
) -> None:
    """Adds what the rules decide for one share of the seed."""
    seeds, images = drawn.u.shape[1], drawn.v.shape[1]
    of_group = OF_GROUP if groupings != GROUPINGS[:1] else 0.0
    between = of_group * float((drawn.sizes**2).sum()) / images**2
    within = (1 - of_group) / images
    seed_part = SHARES[share]
    rest = (1 - seed_part) / (between + within)
    of_image = math.sqrt(rest * (1 - interaction))
    factors = math.sqrt(seed_part), of_image, math.sqrt(rest * interaction)
    of = drawn.moments(*factors)
    same_arm = drawn.moments(factors[0], 0.0, factors[2])
    means = {}
    for grouping in groupings:
        truth = of_image * drawn.v_groups if grouping == "fixed" else np.zeros_like(of.mean)
        among_images = of_image**2 * (within if grouping == "fixed" else between + within)
        error = math.sqrt((seed_part + rest * interaction * (between + within)) / seeds + among_images)
        means[grouping] = truth, error
    corrected = LEVEL / CLAIMS

    for rule, half_at in RULES.items():
        half, half_corrected = half_at(of, LEVEL), half_at(of, corrected)
        aa, aa_corrected = (np.abs(same_arm.mean) > half_at(same_arm, level) for level in (LEVEL, corrected))
        for grouping, (truth, error) in means.items():
            off = of.mean - truth
            sums = found.setdefault((Setting(seeds, images, share, errors, grouping), rule), Found())
            sums.repetitions += len(off)
            sums.wrong += np.sum(np.abs(off) > half)
            sums.wrong_corrected += np.sum(np.abs(off) > half_corrected)
            sums.width += np.sum(2 * half) / error
            sums.power += np.sum(off + EFFECT * error > half)
            sums.wrong_aa += np.sum(aa)
            sums.wrong_aa_corrected += np.sum(aa_corrected)

    aa, aa_corrected = (np.sum(old_rule(same_arm, 0.0, level) != 0) for level in (LEVEL, corrected))
    for grouping, (truth, error) in means.items():
        sums = found.setdefault((Setting(seeds, images, share, errors, grouping), OLD), Found())
        sums.repetitions += len(truth)
        sums.wrong += np.sum(old_rule(of, -truth, LEVEL) != 0)
        sums.wrong_corrected += np.sum(old_rule(of, -truth, corrected) != 0)
        sums.width = math.nan
        sums.power += np.sum(old_rule(of, EFFECT * error - truth, LEVEL) > 0)
        sums.wrong_aa += aa
        sums.wrong_aa_corrected += aa_corrected


def number(value: float) -> str:
    return NONE if math.isnan(value) else f"{value:.1f}"


def at(rate: tuple[float, str]) -> str:
    return f"{percent(rate[0])}: {rate[1]}"


def worst(
    found: Results, rule: str, seeds: int, groupings: tuple[str, ...], of: Callable[[Found], float]
) -> tuple[float, str]:
    """The highest rate, and where it is."""
    return max(
        (of(x), f"{s}") for (s, r), x in found.items() if (r, s.seeds) == (rule, seeds) and s.grouping in groupings
    )


def average(found: Results, rule: str, seeds: int, share: str, of: Callable[[Found], float]) -> float:
    """Over images and errors, with groups that are drawn."""
    some = (
        of(x)
        for (s, r), x in found.items()
        if r == rule and s.seeds == seeds and s.share == share and s.grouping == "drawn"
    )
    return float(np.mean(list(some)))


def summary(found: Results) -> Iterator[str]:
    rules = [*RULES, OLD]
    of_seeds = [f"S={seeds}" for seeds in SEEDS]
    for title, of in [
        ("**Error rates in %, nominal 5**: the worst over images, shares and errors", Found.error),
        (f"**The same for {CLAIMS} claims with Holm's correction**: the share where any is decided", Found.family),
    ]:
        rows = (
            [rule, grouping, *(percent(worst(found, rule, seeds, (grouping,), of)[0]) for seeds in SEEDS)]
            for rule in rules
            for grouping in GROUPINGS
        )
        yield from table(title, ["rule", "groups"], of_seeds, rows)

    title = "**Where the error rate is highest**"
    rows = ([rule, *(at(worst(found, rule, seeds, GROUPINGS, Found.error)) for seeds in SEEDS)] for rule in rules)
    yield from table(title, ["rule", *of_seeds], [], rows)

    title = f"**A/A, both arms the same, in %**: the worst over all settings; behind the slash for {CLAIMS} claims"
    rows = (
        [
            rule,
            *(
                " / ".join(percent(worst(found, rule, seeds, GROUPINGS, of)[0]) for of in (Found.aa, Found.aa_family))
                for seeds in SEEDS
            ),
        ]
        for rule in rules
    )
    yield from table(title, ["rule"], of_seeds, rows)

    for title, of, written in [
        (
            "**Mean width of the 95 % interval in true standard errors** (3.9 if they were known), groups drawn",
            Found.relative_width,
            number,
        ),
        (
            f"**Power in %** for a true difference of {EFFECT:g} true standard errors, groups drawn",
            Found.powers,
            percent,
        ),
    ]:
        rows = (
            [rule, share, *(written(average(found, rule, seeds, share, of)) for seeds in SEEDS)]
            for rule in rules
            for share in SHARES
        )
        yield from table(title, ["rule", "share of the seed"], of_seeds, rows)


def cells(found: Results) -> Iterator[str]:
    texts = ["rule", "S", "images", "share of the seed", "errors", "groups"]
    numbers = ["error", f"{CLAIMS} claims", "width", "power", "A/A", f"A/A, {CLAIMS} claims"]
    order = [*RULES, OLD]
    rows = (
        [rule, f"{s.seeds}", f"{s.images}", s.share, s.errors, s.grouping]
        + [percent(x.error()), percent(x.family())]
        + [number(x.relative_width()), percent(x.powers())]
        + [percent(x.aa()), percent(x.aa_family())]
        for (s, rule), x in sorted(found.items(), key=lambda item: order.index(item[0][1]))
    )
    yield from table("**All settings**, rates in %", texts, numbers, rows)


def parsed() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = p.add_subparsers(dest="command", required=True)
    s = commands.add_parser("simulate", help="print error rates, widths and power of the rules")
    s.add_argument("--repetitions", type=int, default=10_000, help="of each setting")
    s.add_argument("--interaction", type=float, default=0.5, help="its share of the variance that seeds leave")
    s.add_argument("--seed", type=int, default=0)
    s.add_argument("--cells", action="store_true", help="print each setting as well")
    c = commands.add_parser("committed", help="hold seeds of the same arm against each other")
    c.add_argument("--reports", type=Path, default=REPORTS, metavar="DIR")
    return p.parse_args()


def main() -> None:
    a = parsed()
    if a.command == "committed":
        sys.exit(0 if compare_same(a.reports) else 1)
    start = time.process_time()
    found = simulate(a.repetitions, a.interaction, a.seed)
    sampling = math.sqrt(LEVEL * (1 - LEVEL) / a.repetitions)
    print(
        f"{a.repetitions:,} repetitions of each setting: an error rate of 5 % is measured within ±{2 * sampling:.1%}.\n"
    )
    print("\n".join(summary(found)))
    if a.cells:
        print("\n".join(cells(found)))
    print(f"{time.process_time() - start:.0f} seconds", file=sys.stderr)


if __name__ == "__main__":
    main()
