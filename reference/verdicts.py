#!/usr/bin/env python3
"""Measure how often rules for the claim "arm A beats arm B" decide, where the truth is known.

    python reference/verdicts.py simulate [--repetitions 10000] [--interaction 0.5] [--seed 0] [--cells]
    python reference/verdicts.py committed [--reports DIR]

`simulate` prints tables in Markdown: error rates where the arms do not differ, widths of intervals, and power. --cells
adds one row for each setting and rule. All numbers repeat with the same --seed. It takes 4 minutes of one core.

`committed` holds seeds of the same arm against each other (A/A), in the reports below DIR. Nothing differs but the seed, so a rule
should decide in at most 5 % of the cases, also where the outcomes of a protocol have two modes. Ends with 1 if a rule that a
report uses decides more often than 5 % of the cases explain (binomial, at 1 %).

The data of a claim are D[s, i]: the score of A minus the score of B, for training seed s and test image i. Every seed
is tested on the same images. `two_way` is the two-way t test of D, `summed` the test whose two terms each have their
own quantile. Both can be imported.

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
import itertools
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import optimize, stats
from scipy.special import ndtr, stdtr, stdtrit

from records import REPORTS, committed

SEEDS = (2, 3, 5, 10)
IMAGES = (60, 240, 600)
SHARES = {"demo": 0.975, "sample": 0.675, "between": 0.30, "images": 0.05}
ERRORS = ("normal", "skewed")
GROUPINGS = ("alone", "drawn", "fixed")
GROUPS = 37
OF_GROUP = 0.25  # the share of the variance of an image effect that its group has
CLAIMS = 6  # for Holm's correction
NONE = "–"
FEWEST = 3  # seeds, for a claim about arms
DRAWN = 10  # groups that count as drawn by chance
LEVEL = 0.05
LEAST = 1e-12  # p-values below are not computed
EFFECT = 3.0  # for power: the true difference in true standard errors
DRAWS = 1000  # of the seeds, in the bootstrap of the old rule
CHUNK = 4_000_000  # differences held at a time


def two_way(differences: np.ndarray) -> tuple[float, float, float, float, float]:
    """The two-way t test of `[seeds, images]`: mean, both ends of the 95 % interval, p-value and degrees of freedom.

    With one seed, or one image, there is no test: all but the mean are NaN.
    """
    of = Moments.of(differences)
    mean = float(of.mean[0])
    if of.seeds < 2 or of.images < 2:
        return mean, math.nan, math.nan, math.nan, math.nan
    v, df = (float(x[0]) for x in satterthwaite(of, of.b, of.images - 1))
    if v == 0:
        return mean, mean, mean, float(mean == 0), df
    half = float(quantile(df, LEVEL)) * math.sqrt(v)
    p = 2 * float(stdtr(df, -abs(mean) / math.sqrt(v)))
    return mean, mean - half, mean + half, p, df


def summed(differences: np.ndarray, groups: np.ndarray | None = None) -> tuple[float, float, float, float]:
    """The test with two terms of `[seeds, images]`: mean, both ends of the 95 % interval, and p-value.

    The squared half of the interval is t(S-1)^2 A + t(n-1)^2 (B-C). `groups` has the group of each image; with them,
    the second term is that of groups. p is the level at which the interval just touches 0. With one seed, image or
    group there is no test: all but the mean are NaN.
    """
    of = Moments.of(differences, groups)
    mean = float(of.mean[0])
    if of.seeds < 2 or min(of.images, of.groups) < 2:
        return mean, math.nan, math.nan, math.nan
    half_at = summed_images if groups is None else summed_groups
    return tested(mean, lambda level: float(half_at(of, level)[0]))


def summed_apart(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float, float]:
    """The same for the mean of `b` minus that of `a`, where the two share neither seeds nor images: four terms."""
    of = [Moments.of(a), Moments.of(b)]
    return tested(
        float(of[1].mean[0] - of[0].mean[0]),
        lambda level: math.sqrt(sum(float(summed_images(x, level)[0]) ** 2 for x in of)),
    )


def tested(mean: float, half_at: Callable[[float], float]) -> tuple[float, float, float, float]:
    """The mean, both ends of the 95 % interval, and the level at which half of the interval is as long as the mean."""

    def beyond(level: float) -> float:
        return half_at(level) - abs(mean)

    half = half_at(LEVEL)
    if half == 0 or mean == 0:
        p = float(mean == 0)
    elif beyond(LEAST) < 0:
        p = LEAST
    else:
        p = math.exp(optimize.brentq(lambda log: beyond(math.exp(log)), math.log(LEAST), 0.0, xtol=1e-12))
    return mean, mean - half, mean + half, p


@dataclass(frozen=True)
class Moments:
    """What the rules read from the differences: one number for each repetition."""

    seeds: int
    images: int
    groups: int
    mean: np.ndarray
    of_seeds: np.ndarray  # the mean of each seed
    a: np.ndarray  # the variance of the mean that the choice of seeds causes
    b: np.ndarray  # that of images
    c: np.ndarray  # that of the interaction, which a and b both contain
    b_groups: np.ndarray  # b and c where images of a group go together
    c_groups: np.ndarray

    @staticmethod
    def of(differences: np.ndarray, groups: np.ndarray | None = None) -> "Moments":
        """Of `[seeds, images]`, with the group of each image. Without groups, each image is one of its own."""
        d = np.asarray(differences, dtype=np.float64)[None]
        labels = np.arange(d.shape[2]) if groups is None else np.unique(groups, return_inverse=True)[1]
        order = np.argsort(labels, kind="stable")
        sizes = np.bincount(labels)
        with np.errstate(divide="ignore", invalid="ignore"):
            return parts(d[:, :, order], sizes).moments(0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Parts:
    """Seed effects, image effects and interactions, reduced to what moments need: sums of the three are cheap."""

    sizes: np.ndarray  # of the groups
    u: np.ndarray  # [repetitions, seeds], the seed effects
    v: np.ndarray  # [repetitions, images], the image effects
    e_seeds: np.ndarray  # the interaction: the mean of each seed
    e_images: np.ndarray  # the mean of each image
    e_squares: np.ndarray  # the mean square of its residuals
    e_groups: np.ndarray  # the mean square of the sums of its residuals over a group, times the number of groups
    v_groups: np.ndarray  # the mean of the image effects that is due to the groups

    def moments(self, of_seed: float, of_image: float, of_interaction: float) -> Moments:
        """The moments of the sum of the parts, each times its factor."""
        seeds, images, groups = self.u.shape[1], self.v.shape[1], len(self.sizes)
        m = of_seed * self.u + of_image * self.v.mean(axis=1, keepdims=True) + of_interaction * self.e_seeds
        a = of_image * self.v + of_interaction * self.e_images + of_seed * self.u.mean(axis=1, keepdims=True)
        mean = m.mean(axis=1)
        centred = a - mean[:, None]
        squares = (centred**2).sum(axis=1)
        sums = (group_sums(centred, self.sizes) ** 2).sum(axis=1)
        return Moments(
            seeds=seeds,
            images=images,
            groups=groups,
            mean=mean,
            of_seeds=m,
            a=variance(m) / seeds,
            b=squares / np.float64(images - 1) / images,
            c=of_interaction**2 * self.e_squares / (images * seeds),
            b_groups=sums / images**2 * groups / np.float64(groups - 1),
            c_groups=of_interaction**2 * self.e_groups / (images**2 * seeds),
        )


def variance(rows: np.ndarray) -> np.ndarray:
    return ((rows - rows.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) / np.float64(rows.shape[1] - 1)


def group_sums(rows: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Sums over the last axis, whose groups lie one after the other."""
    return np.add.reduceat(rows, np.cumsum(sizes) - sizes, axis=-1)


def parts(interaction: np.ndarray, sizes: np.ndarray) -> Parts:
    """Of interactions `[repetitions, seeds, images]`, with no other effects."""
    repetitions, seeds, images = interaction.shape
    groups = len(sizes)
    e_seeds, e_images = interaction.mean(axis=2), interaction.mean(axis=1)
    residuals = interaction - e_seeds[:, :, None] - e_images[:, None] + e_seeds.mean(axis=1)[:, None, None]
    sums = group_sums(residuals, sizes)
    return Parts(
        sizes=sizes,
        u=np.zeros((repetitions, seeds)),
        v=np.zeros((repetitions, images)),
        e_seeds=e_seeds,
        e_images=e_images,
        e_squares=np.einsum("rsi,rsi->r", residuals, residuals) / np.float64((seeds - 1) * (images - 1)),
        e_groups=np.einsum("rsg,rsg->r", sums, sums) / np.float64(seeds - 1) * groups / np.float64(groups - 1),
        v_groups=np.zeros(repetitions),
    )


def quantile(df: np.ndarray | float, level: float) -> np.ndarray:
    """Student's t for a two-sided test."""
    return -stdtrit(df, level / 2)


def satterthwaite(of: Moments, b: np.ndarray, b_df: int) -> tuple[np.ndarray, np.ndarray]:
    """The variance of the mean and its degrees of freedom, with the term of images and the degrees of that term."""
    v = np.maximum(np.maximum(of.a + b - of.c, of.a), b)
    c_df = (of.seeds - 1) * (of.images - 1)
    below = of.a**2 / (of.seeds - 1) + b**2 / b_df + of.c**2 / c_df
    df = np.divide(v**2, below, out=np.zeros_like(v), where=below > 0)
    return v, np.maximum(df, of.seeds - 1)


def two_way_images(of: Moments, level: float) -> np.ndarray:
    v, df = satterthwaite(of, of.b, of.images - 1)
    return quantile(df, level) * np.sqrt(v)


def two_way_groups(of: Moments, level: float) -> np.ndarray:
    v, df = satterthwaite(of, of.b_groups, of.groups - 1)
    return quantile(df, level) * np.sqrt(v)


def few_degrees(of: Moments, level: float) -> np.ndarray:
    v, _ = satterthwaite(of, of.b_groups, of.groups - 1)
    return quantile(min(of.seeds, of.groups) - 1, level) * np.sqrt(v)


def seeds_only(of: Moments, level: float) -> np.ndarray:
    return quantile(of.seeds - 1, level) * np.sqrt(of.a)


def summed_images(of: Moments, level: float) -> np.ndarray:
    images = quantile(of.images - 1, level) ** 2 * np.maximum(of.b - of.c, 0)
    return np.sqrt(quantile(of.seeds - 1, level) ** 2 * of.a + images)


def summed_groups(of: Moments, level: float) -> np.ndarray:
    groups = quantile(of.groups - 1, level) ** 2 * np.maximum(of.b_groups - of.c_groups, 0)
    return np.sqrt(quantile(of.seeds - 1, level) ** 2 * of.a + groups)


def images_only(of: Moments, level: float) -> np.ndarray:
    return quantile(of.images - 1, level) * np.sqrt(of.b)


# Half the width of the interval of each rule, at a level.
RULES: dict[str, Callable[[Moments, float], np.ndarray]] = {
    "two-way t": two_way_images,
    "two-way t, groups": two_way_groups,
    "S-1 degrees, groups": few_degrees,
    "t over seeds": seeds_only,
    "summed": summed_images,
    "summed, groups": summed_groups,
    "t over images": images_only,
}
OLD = "old rule"


def old_rule(of: Moments, shift: np.ndarray | float, level: float) -> np.ndarray:
    """Whether the rule that these tests replace decides for A (1), for B (-1) or not at all (0).

    It asks for a small p-value of sign flips over images, and for a percentile bootstrap over seeds and images that
    leaves out 0. Here a t test over images stands for the flips. In the bootstrap, the S-1 seeds of a resample are
    drawn, and the mean over the images of a resample is normal. `shift` is added to all differences.
    """
    mean = of.mean + shift
    small = np.abs(mean) > images_only(of, level)
    weights = seed_weights(of.seeds)
    centres = of.of_seeds @ weights.T + np.reshape(shift, (-1, 1))
    squares = (weights**2).sum(axis=1)
    spread = np.sqrt(np.maximum(of.b - of.c, 0)[:, None] + (of.c * of.seeds)[:, None] * squares)
    below = ndtr(-centres / np.maximum(spread, 1e-300)).mean(axis=1)
    apart = np.minimum(below, 1 - below) < LEVEL / 2
    return np.where(small & apart, np.sign(mean), 0)


def seed_weights(seeds: int) -> np.ndarray:
    """The weight of each seed in a resample: all resamples if they are few, otherwise some of them."""
    if seeds ** (seeds - 1) <= DRAWS:
        drawn = np.indices((seeds,) * (seeds - 1)).reshape(seeds - 1, -1).T
    else:
        drawn = np.random.default_rng(0).integers(0, seeds, (DRAWS, seeds - 1))
    return np.stack([(drawn == seed).mean(axis=1) for seed in range(seeds)], axis=1)


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


@dataclass
class Rate:
    """How often a rule decided."""

    cases: int = 0
    decided: int = 0

    def add(self, decided: bool) -> None:
        self.cases += 1
        self.decided += decided

    def __str__(self) -> str:
        return f"{self.decided} of {self.cases} ({percent(self.decided / self.cases)} %)" if self.cases else NONE

    def too_many(self, networks: int) -> bool:
        """Whether so many would be rare at 5 %. Only networks are independent: conditions, metrics and splits share them."""
        if not self.cases:
            return False
        decided = round(self.decided / self.cases * networks)
        return stats.binom.sf(decided - 1, networks, LEVEL) < 0.01


@dataclass
class Same:
    """What rules decide where nothing but the seed differs."""

    networks: int = 0
    failed: int = 0
    pairs: Rate = field(default_factory=Rate)  # of two networks, over images alone
    tested: Rate = field(default_factory=Rate)  # of two networks, by the rule of reports
    halves: Rate = field(default_factory=Rate)  # of three networks and three others, by the rule of reports
    new: Rate = field(default_factory=Rate)  # a network outside the prediction interval of the others


def decides(a: np.ndarray, b: np.ndarray, groups: np.ndarray) -> bool | None:
    """Whether reports would say that the recipe of `b` differs from that of `a`, both `[seeds, images]`. None if it is not tested."""
    if min(len(a), len(b)) < FEWEST:
        return None
    units = groups if len(set(groups)) >= DRAWN else None
    return summed(b - a, units)[3] < LEVEL


def same_arm(values: np.ndarray, groups: np.ndarray, found: Same) -> None:
    """Adds the cases of one arm, `[seeds, images]`."""
    means = values.mean(axis=1)
    for one, other in itertools.combinations(range(len(values)), 2):
        difference = values[other] - values[one]
        found.pairs.add(bool(difference.any()) and stats.ttest_1samp(difference, 0).pvalue < LEVEL)
        found.tested.add(bool(decides(values[[one]], values[[other]], groups)))
    for half in itertools.combinations(range(len(values)), FEWEST):
        rest = [seed for seed in range(len(values)) if seed not in half]
        # Each split counts once.
        for others in itertools.combinations([seed for seed in rest if seed > half[0]], FEWEST):
            found.halves.add(bool(decides(values[list(half)], values[list(others)], groups)))
    for seed in range(len(values)):
        others = np.delete(means, seed)
        if len(others) >= 2:
            half = stats.t.ppf(1 - LEVEL / 2, len(others) - 1) * others.std(ddof=1) * math.sqrt(1 + 1 / len(others))
            found.new.add(abs(means[seed] - others.mean()) > half)


def same_arms(reports: Path) -> dict[tuple[str, str], Same]:
    """By profile and protocol. An arm that several studies share counts once."""
    found: dict[tuple[str, str], Same] = {}
    seen = set()
    for of in committed(reports):
        study, groups = of.study, of.groups
        for arm, protocol in itertools.product((arm["name"] for arm in study["arms"]), study["protocols"]):
            runs = frozenset(of.runs("evaluate", arm, protocol).values())
            if len(runs) < 2 or runs in seen:
                continue
            seen.add(runs)
            same = found.setdefault((of.folder.parent.name, protocol), Same())
            majority = of.scores("majority-class", of.first_condition, "accuracy", protocol)
            accuracy = of.scores(arm, of.first_condition, "accuracy", protocol)
            if majority and accuracy:
                same.networks += len(accuracy.seeds)
                same.failed += int(np.sum(accuracy.means() <= majority.means()[0] + 1e-3))
            for condition, metric in itertools.product(study["conditions"], study["report"]["metrics"]):
                scores = of.scores(arm, condition["name"], metric, protocol)
                if scores is not None:
                    defined = ~np.isnan(scores.values).any(axis=0)
                    same_arm(scores.values[:, defined], groups[defined], same)
    return found


def compare_same(reports: Path) -> bool:
    """Prints the table, and says whether the rules of reports hold 5 %."""
    found = same_arms(reports)
    rows = (
        [
            profile,
            protocol,
            f"{same.failed} of {same.networks}" if same.networks else NONE,
            *(str(rate) for rate in (same.pairs, same.tested, same.halves, same.new)),
        ]
        for (profile, protocol), same in sorted(found.items())
    )
    title = (
        "**A/A: seeds of the same arm, decided at 5 %.** Every arm, condition and metric of the committed reports with two or more "
        "seeds. *Failed*: networks whose accuracy on undistorted images is that of the majority class"
    )
    heads = ["failed", "pairs, over images alone", "pairs, by our rule", "three against three, by our rule", "outside the prediction"]
    print("\n".join(table(title, ["profile", "protocol"], heads, rows)))
    if not found:
        print("No arm has two seeds.")
    print("A pair is one network against another, which our rule does not test. Three against three needs six seeds of an arm.")
    broken = [
        f"{profile}, {protocol}: {what} {rate}"
        for (profile, protocol), same in sorted(found.items())
        for what, rate in [("pairs", same.tested), ("three against three", same.halves), ("prediction", same.new)]
        if rate.too_many(same.networks)
    ]
    print("\n".join(f"MORE THAN 5 %: {line}" for line in broken) or "Our rules hold 5 %.")
    return not broken


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def number(value: float) -> str:
    return NONE if math.isnan(value) else f"{value:.1f}"


def at(rate: tuple[float, str]) -> str:
    return f"{percent(rate[0])}: {rate[1]}"


def table(title: str, texts: list[str], numbers: list[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """With columns of texts, then columns of numbers."""
    yield f"{title}\n"
    yield f"| {' | '.join(texts + numbers)} |"
    yield f"|{'|'.join(['---'] * len(texts) + ['---:'] * len(numbers))}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


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
