"""Intervals and tests: bootstraps by NumPy, sign flips, Student's t and the crossed test by SciPy, Holm by statsmodels."""

from collections.abc import Iterator

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from rules import summed, summed_apart
from stated import Stated, Test

STATISTICS = "harness/report/src/figures/statistics"
BOOTSTRAP = f"{STATISTICS}/bootstrap/tests.rs"
ONE_SEED = Test(BOOTSTRAP, "intervals_are_those_of_numpy")
SEEDS = Test(BOOTSTRAP, "several_seeds_are_resampled_as_well")
QUANTILES = Test(BOOTSTRAP, "quantiles_lie_between_neighbours")
SIGN_FLIPS = f"{STATISTICS}/sign_flips/tests.rs"
FEW = Test(SIGN_FLIPS, "few_differences_are_tested_exactly")
MANY = Test(SIGN_FLIPS, "many_differences_are_tested_by_drawn_flips")
UNIFORM = Test(SIGN_FLIPS, "p_is_uniform_where_nothing_differs")
HOLM = Test(SIGN_FLIPS, "holm_corrects_for_the_number_of_tests")
SUMMARY = f"{STATISTICS}/summary.rs"
STUDENT = Test(SUMMARY, "quantiles_are_those_of_student")
OF_SEEDS = Test(SUMMARY, "seeds_have_an_interval_from_two_on")
NEW_SEED = Test(SUMMARY, "a_new_seed_has_a_wider_interval_than_the_mean")
CROSSED = Test(f"{STATISTICS}/crossed.rs", "intervals_and_p_values_are_those_of_the_reference")
SEEDS_ALONE = Test(f"{STATISTICS}/crossed.rs", "seeds_alone_have_students_test")

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
    yield from crossed()


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


def sign_flips() -> Iterator[Stated]:
    yield FEW.states("0.054_687_5", p_value(EIGHT), "p of eight differences")
    thirteen = TWENTY[:13]
    stated = 0.1025390625
    yield FEW.states("&TWENTY[..13], [0; 32]), 0.102_539_062_5", p_value(thirteen), "p of 13", numbers=stated)
    text = "TWENTY.map(|d| -d)[..13], [0; 32]), 0.102_539_062_5"
    yield FEW.states(text, p_value(-thirteen), "p of 13 with other signs", numbers=stated)
    yield MANY.states("0.052_254", p_value(TWENTY), "p of 20", within=5e-7)

    # Kolmogorov and Smirnov's distance in units of 1 / sqrt(400).
    yield UNIFORM.states("1.95 / 20.0", stats.kstwobign.ppf(0.999), "99.9 % point", numbers=1.95, within=5e-3)

    for text, p, corrected in [
        ("[0.03, 0.06, 0.06, 0.02]", [0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ("holm(&[0.6, 0.7]), [1.0, 1.0]", [0.6, 0.7], [1, 1]),
    ]:
        found = multipletests(p, method="holm")[1]
        yield HOLM.states(text, found, f"{p} corrected", numbers=corrected, within=1e-12)


def student() -> Iterator[Stated]:
    last = 1e-9
    for degrees, text in [(1, "12.706_204_736"), (2, "4.302_652_730"), (9, "2.262_157_163"), (1000, "1.962_339_081")]:
        found = stats.t.ppf(0.975, degrees)
        yield STUDENT.states(f"({degrees}, {text})", found, f"t of {degrees}", numbers=float(text), within=last)
    values = [1, 3]
    found = stats.t.interval(0.95, 1, loc=np.mean(values), scale=stats.sem(values))
    text = "(low + 10.706_204_736).abs() < 1e-8 && (high - 14.706_204_736)"
    yield OF_SEEDS.states(text, found, f"ends of {values}", numbers=[-10.706204736, 14.706204736], within=last)
    for text, seeds, ends in [
        (
            "[0.851, 0.846, 0.862]), 0.812_332_912_991, 0.893_667_087_009",
            [0.851, 0.846, 0.862],
            (0.812332912991, 0.893667087009),
        ),
        (
            "[0.42, 0.44, 0.41, 0.45, 0.43]), 0.381_910_560_134, 0.478_089_439_866",
            [0.42, 0.44, 0.41, 0.45, 0.43],
            (0.381910560134, 0.478089439866),
        ),
    ]:
        k = len(seeds)
        scale = np.std(seeds, ddof=1) * np.sqrt(1 + 1 / k)
        found = stats.t.interval(0.95, k - 1, loc=np.mean(seeds), scale=scale)
        yield NEW_SEED.states(text, found, f"where one more of {seeds} lies", numbers=ends, within=1e-12)


THREE = np.array(
    [
        [0.0367, 0.0374, 0.0018, -0.0087, 0.0123, 0.029],
        [-0.0022, 0.0286, -0.0027, -0.0106, -0.0138, 0.0146],
        [0.0315, 0.0396, 0.0138, 0.0106, 0.0101, 0.0161],
    ]
)
STEADY = np.array([[0.5, 0.4, 0.6], [0.51, 0.41, 0.61], [0.49, 0.39, 0.59]])


def crossed() -> Iterator[Stated]:
    for text, found, what in [
        (
            "[0.013_561_111_111_111_112, -0.014_647_597_499_600_663, 0.041_769_819_721_822_886, 0.197_293_852_725_348_4]",
            summed(THREE),
            "three seeds of six images",
        ),
        (
            "[0.5, 0.250_347_249_711_733_3, 0.749_652_750_288_266_6, 0.013_200_605_005_207_821]",
            summed(STEADY),
            "three seeds that hardly differ",
        ),
        (
            "[0.486_438_888_888_888_8, 0.235_197_516_961_453_97, 0.737_680_260_816_323_7, 0.014_085_492_472_841_035]",
            summed_apart(THREE, STEADY),
            "the two of them apart",
        ),
    ]:
        yield CROSSED.states(text, found, f"mean, ends and p: {what}", within=1e-9)
    differences = [0.02, 0.05, 0.01, 0.04]
    test = stats.ttest_1samp(differences, 0)
    ends = test.confidence_interval(0.95)
    text = "[0.03, 0.000_948_372_842_452_350_3, 0.059_051_627_157_547_65, 0.046_205_091_353_363_28]"
    found = [np.mean(differences), ends.low, ends.high, test.pvalue]
    yield SEEDS_ALONE.states(text, found, "mean, ends and p of four seeds", within=1e-12)
