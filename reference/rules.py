"""Rules for the claim "arm A beats arm B", as functions of the differences D[s, i] of seed s and image i.

`two_way` is the two-way t test of D, `summed` the test whose two terms each have their own quantile, the one that reports use.
`RULES` holds these and others for verdicts.py, which simulates them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize
from scipy.special import ndtr, stdtr, stdtrit

LEVEL = 0.05
LEAST = 1e-12  # p-values below are not computed
DRAWS = 1000  # of the seeds, in the bootstrap of the old rule


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
