"""How many images of a breed scikit-learn's `train_test_split` puts into each part, with `stratify`."""

from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import train_test_split

from stated import Stated, Test

FILE = "harness/images/tests/splits/main.rs"
MERGED = Test(FILE, "merged_and_stratified_as_scikit_learn_does_it")
OFFICIAL = Test(FILE, "a_stratified_official_cut_as_scikit_learn_does_it")

# Images of each of the 37 breeds in trainval and test: `listed` of the test. Where sizes are equal, names do not matter.
LISTED = [
    (100, 98),
    (96, 88),
    (93, 97),
    (99, 100),
    *[(100, 99)] * 3,
    *[(96, 100)] * 2,
    (100, 89),
    *[(100, 100)] * 27,
]
SEEDS = range(50)


def numbers() -> Iterator[Stated]:
    assert np.sum(LISTED, axis=0).tolist() == [3680, 3669]
    yield from merged()
    yield from official()


def breeds(sizes: list[int]) -> np.ndarray:
    """The number of its breed for each image."""
    return np.repeat(np.arange(len(sizes)), sizes)


def by_size(sizes: list[int], parts: list[np.ndarray]) -> dict[int, set[tuple[int, ...]]]:
    """By the size of a breed: how many of its images are in each part, all that occurs."""
    counts = np.stack([np.bincount(part, minlength=len(sizes)) for part in parts], axis=1)
    return {size: {tuple(counts[i]) for i, of in enumerate(sizes) if of == size} for size in sizes}


def merged() -> Iterator[Stated]:
    """All images: 0.2 of them for the test, 0.3 of the others for validation."""
    sizes = [trainval + test for trainval, test in LISTED]
    found: dict[int, set[tuple[int, ...]]] = {size: set() for size in sizes}
    for seed in SEEDS:
        images = breeds(sizes)
        rest, test = train_test_split(images, test_size=0.2, stratify=images, random_state=seed)
        train, validation = train_test_split(rest, test_size=0.3, stratify=rest, random_state=seed)
        parts = [train, validation, test]
        for size, counts in by_size(sizes, parts).items():
            found[size] |= counts
    yield MERGED.states("(4115, 1764, 1470)", [len(part) for part in parts], "images that train, validate and test")
    for size, expected in {
        184: (103, 44, 37),
        189: (106, 45, 38),
        190: (107, 45, 38),
        196: (110, 47, 39),
        198: (111, 48, 39),
        199: (111, 48, 40),
        200: (112, 48, 40),
    }.items():
        text = f"({size}, {expected})"
        what = f"of {size}, under {len(SEEDS)} seeds"
        yield MERGED.states(text, sorted(found[size]), what, numbers=expected)


def official() -> Iterator[Stated]:
    """The official trainval list: a share of it, or a number of images, for validation."""
    sizes = [trainval for trainval, _ in LISTED]
    images = breeds(sizes)
    for amount, text, total, expected in [
        (0.2, "Amount::Share(0.2), 736", 736, {93: (19, 19), 96: (19, 19), 99: (20, 20), 100: (20, 20)}),
        (500, "Amount::Images(500), 500", 500, {93: (13, 13), 96: (13, 13), 99: (13, 13), 100: (13, 14)}),
    ]:
        found: dict[int, set[int]] = {size: set() for size in sizes}
        for seed in SEEDS:
            _, validation = train_test_split(images, test_size=amount, stratify=images, random_state=seed)
            for size, counts in by_size(sizes, [validation]).items():
                found[size] |= {count for (count,) in counts}
        yield OFFICIAL.states(text, len(validation), f"images that validate, of {amount}", numbers=total)
        of_sizes = ", ".join(f"({size}, {least}..={most})" for size, (least, most) in expected.items())
        for size, ends in expected.items():
            what = f"fewest and most of {size}, of {amount}, under {len(SEEDS)} seeds"
            yield OFFICIAL.states(of_sizes, [min(found[size]), max(found[size])], what, numbers=ends)
