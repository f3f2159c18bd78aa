"""Bootstrap intervals by NumPy, tests of differences and quantiles by SciPy, and Holm's correction by statsmodels."""

from collections.abc import Iterator

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from stated import Stated, Test

STATISTICS = "harness/report/src/figures/statistics"
BOOTSTRAP = f"{STATISTICS}/bootstrap/tests.rs"
ONE_SEED = Test(BOOTSTRAP, "intervals_are_those_of_numpy")
SEEDS = Test(BOOTSTRAP, "several_seeds_are_resampled_as_well")
APART = Test(BOOTSTRAP, "samples_that_are_independent_are_drawn_independently")
QUANTILES = Test(BOOTSTRAP, "quantiles_lie_between_neighbours")
SIGN_FLIPS = f"{STATISTICS}/sign_flips/tests.rs"
FEW = Test(SIGN_FLIPS, "few_differences_are_tested_exactly")
MANY = Test(SIGN_FLIPS, "many_differences_are_tested_by_drawn_flips")
UNIFORM = Test(SIGN_FLIPS, "p_is_uniform_where_nothing_differs")
HOLM = Test(SIGN_FLIPS, "holm_corrects_for_the_number_of_tests")
SUMMARY = f"{STATISTICS}/summary.rs"
STUDENT = Test(SUMMARY, "student_t_has_the_tabulated_points")
OF_SEEDS = Test(SUMMARY, "seeds_have_an_interval_from_two_on")

IMAGES = np.arange(60)
CLASSES = IMAGES % 3
RESAMPLES = 400_000
ENDS = [0.025, 0.975]

EIGHT = np.array([0.12, -0.03, 0.08, 0.05, -0.01, 0.09, 0.02, 0.04])
TWENTY = np.array(
    [0.031, -0.012, 0.044, 0.006, -0.027, 0.018, 0.022, -0.009, 0.035, 0.011]
    + [-0.02, 0.016, 0.027, -0.004, 0.013, 0.008, -0.016, 0.021, 0.03, -0.007]
)


def numbers() -> Iterator[Stated]:
    yield from bootstrap()
    yield from sign_flips()
    yield from student()


def scores() -> np.ndarray:
    """`scores` of the test: 60 numbers of three classes."""
    noise = np.abs(np.modf(np.sin(IMAGES * 12.9898 + 1) * 43758.5453)[0])
    return 0.5 + 0.3 * noise + 0.1 * CLASSES


def means(rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Means of resamples of each row: of the 20 images of each class 19, the same for all rows. `[rows, resamples]`."""
    of_classes = []
    for name in range(3):
        drawn = random.integers(0, 20, (RESAMPLES, 19))
        of_classes.append([row[CLASSES == name][drawn].mean(axis=1) for row in rows])
    return np.sum(of_classes, axis=0) / 3


def bootstrap() -> Iterator[Stated]:
    # What is stated was drawn from one generator in this order. Other generators move the ends by up to 0.0002.
    random = np.random.default_rng(0)
    v = scores()
    last = 1e-6  # the last digit
    yield ONE_SEED.states("0.765_171_654_649_573_9", v.mean(), "mean", within=1e-12)
    found = np.quantile(means(v[None], random)[0], ENDS)
    yield ONE_SEED.states("0.744_681, 0.785_383", found, "ends, classes apart", within=last)
    found = np.quantile(v[random.integers(0, 60, (RESAMPLES, 59))].mean(axis=1), ENDS)
    yield ONE_SEED.states("0.736_122, 0.794_173", found, "ends, without classes", within=last)

    rows = np.stack([v, v + 0.05 + 0.02 * np.cos(IMAGES), v + 0.02 - 0.02 * np.sin(IMAGES)])
    yield SEEDS.states("0.788_366_975_886_883_5", rows.mean(), "mean", within=1e-12)
    of_rows = means(rows, random)
    two = np.take_along_axis(of_rows, random.integers(0, 3, (RESAMPLES, 2)).T, axis=0)
    found = np.quantile(two.mean(axis=0), ENDS)
    yield SEEDS.states("0.755_014, 0.824_125", found, "ends, of three seeds two", within=last)

    found = np.quantile(means(v[None], random)[0] - means(v[None], random)[0], ENDS)
    text = "(low + 0.0287).abs() < 0.0015 && (high - 0.0287)"
    yield APART.states(text, found, "ends of the difference", numbers=[-0.0287, 0.0287], within=1e-4)

    for text, values, share, quantile in [
        ("&mut [2.0, 0.0, 1.0], 0.25), 0.5)", [2, 0, 1], 0.25, 0.5),
        ("&mut [4.0], 0.975), 4.0)", [4], 0.975, 4),
        ("&mut [3.0, 1.0, 2.0], 1.0), 3.0)", [3, 1, 2], 1, 3),
    ]:
        found = np.quantile(values, share)
        yield QUANTILES.states(text, found, f"quantile {share} of {values}", numbers=quantile)


def p_value(differences: np.ndarray) -> float:
    """Two-sided, of all sign flips."""
    return stats.permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        n_resamples=np.inf,
        alternative="two-sided",
        batch=1 << 16,
    ).pvalue


def effect(differences: np.ndarray) -> float:
    """The mean in standard deviations."""
    return differences.mean() / differences.std(ddof=1)


def sign_flips() -> Iterator[Stated]:
    yield FEW.states("0.054_687_5", p_value(EIGHT), "p of eight differences")
    yield FEW.states("0.882_522_608_121_828", effect(EIGHT), "effect of eight", within=1e-12)
    thirteen = TWENTY[:13]
    yield FEW.states("&TWENTY[..13], [0; 32]).p, 0.102_539_062_5", p_value(thirteen), "p of 13", numbers=0.1025390625)
    yield FEW.states("turned.p, 0.102_539_062_5", p_value(-thirteen), "p of 13 with other signs", numbers=0.1025390625)
    yield MANY.states("0.052_254", p_value(TWENTY), "p of 20", within=5e-7)
    yield MANY.states("0.468_346_562_019_849_8", effect(TWENTY), "effect of 20", within=1e-12)

    # Kolmogorov and Smirnov's distance in units of 1 / sqrt(400).
    yield UNIFORM.states("1.95 / 20.0", stats.kstwobign.ppf(0.999), "99.9 % point", numbers=1.95, within=5e-3)

    for text, p, corrected in [
        ("[0.03, 0.06, 0.06, 0.02]", [0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ("holm(&[0.6, 0.7]), [1.0, 1.0]", [0.6, 0.7], [1, 1]),
    ]:
        found = multipletests(p, method="holm")[1]
        yield HOLM.states(text, found, f"{p} corrected", numbers=corrected, within=1e-12)


def student() -> Iterator[Stated]:
    last = 5e-4
    for degrees, t in [(1, 12.706), (5, 2.571), (9, 2.262), (12, 2.179), (39, 2.023), (1000, 1.962)]:
        found = stats.t.ppf(0.975, degrees)
        yield STUDENT.states(f"({degrees}, {t})", found, f"t of {degrees}", numbers=t, within=last)
    values = [1, 3]
    found = stats.t.interval(0.95, 1, loc=np.mean(values), scale=stats.sem(values))
    text = "(low - (2.0 - 12.706)).abs() < 1e-9 && (high - (2.0 + 12.706))"
    yield OF_SEEDS.states(text, found, f"ends of {values}", numbers=[2 - 12.706, 2 + 12.706], within=last)
