"""Colours and places of a few pixels as Pillow changes them. The goldens of whole pictures are preprocess.py's."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from preprocess import other_hue
from stated import Stated, Test

PIXELS = "harness/images/src/pixels"
HUE = Test(f"{PIXELS}/hue.rs", "a_third_of_a_turn_takes_red_to_green_to_blue")
FACTOR_OF_ZERO = Test(f"{PIXELS}/enhance.rs", "a_factor_of_zero_leaves_nothing_and_one_leaves_all")
CUT = Test(f"{PIXELS}/enhance.rs", "values_are_cut_and_stay_within_a_byte")
GREY = Test(f"{PIXELS}/grey.rs", "grey_stays_grey_and_colours_get_their_luma")
NEAREST = Test(f"{PIXELS}/resize/mod.rs", "nearest_takes_the_label_under_the_centre")
TURNS = Test(f"{PIXELS}/transpose.rs", "turns_are_counter_clockwise")

PRIMARIES = [255, 0, 0, 0, 255, 0, 0, 0, 255]


def numbers() -> Iterator[Stated]:
    yield from colours()
    yield from places()


def row(rgb: list[int]) -> Image.Image:
    """A picture of one row."""
    return Image.fromarray(np.array(rgb, np.uint8).reshape(1, -1, 3))


def labels(rows: list[list[int]]) -> Image.Image:
    return Image.fromarray(np.array(rows, np.uint8))


def bytes_of(image: Image.Image) -> Any:
    return np.asarray(image).ravel()


def colours() -> Iterator[Stated]:
    for text, turns, what in [
        ("[0, 255, 0, 0, 0, 255, 255, 0, 0]", 1 / 3, "a third of a turn"),
        ("[6, 0, 255, 255, 0, 0, 0, 255, 0]", -1 / 3, "a third of a turn back"),
    ]:
        yield HUE.states(text, bytes_of(other_hue(row(PRIMARIES), turns)), what)

    image = row([255, 0, 0, 0, 255, 0, 10, 20, 40])
    found = bytes_of(ImageEnhance.Contrast(image).enhance(0.0))
    yield FACTOR_OF_ZERO.states("adjust_contrast(&rgb, 0.0), [82; 9]", found, "no contrast", numbers=[82] * 9)
    found = bytes_of(image.convert("L"))
    yield FACTOR_OF_ZERO.states("luma 76, 150 and 19", found, "luma", numbers=[76, 150, 19])
    for text, factor in [("[1, 50, 100]", 0.5), ("[4, 151, 255]", 1.5)]:
        found = bytes_of(ImageEnhance.Brightness(row([3, 101, 200])).enhance(factor))
        yield CUT.states(text, found, f"brightness {factor}")
    found = bytes_of(ImageEnhance.Contrast(row([0, 0, 0, 255, 255, 255])).enhance(1.5))
    yield CUT.states("1.5), [0, 0, 0, 255, 255, 255]", found, "contrast 1.5", numbers=[0, 0, 0, 255, 255, 255])
    found = bytes_of(row(PRIMARIES).convert("L").convert("RGB"))
    yield GREY.states("[76, 76, 76, 150, 150, 150, 29, 29, 29]", found, "luma in three channels")


def places() -> Iterator[Stated]:
    four = labels([[1, 2, 3, 1]])
    yield NEAREST.states("[2, 1]", bytes_of(four.resize((2, 1), Image.Resampling.NEAREST)), "four labels in two")
    found = bytes_of(four.resize((8, 2), Image.Resampling.NEAREST))
    twice = [1, 1, 2, 2, 3, 3, 1, 1] * 2
    yield NEAREST.states("[1, 1, 2, 2, 3, 3, 1, 1].repeat(2)", found, "four labels in two rows of eight", numbers=twice)
    six = labels([[1, 2, 3], [4, 5, 6]])
    for text, quarters in [("[3, 6, 2, 5, 1, 4]", 1), ("[6, 5, 4, 3, 2, 1]", 2), ("[4, 1, 5, 2, 6, 3]", 3)]:
        yield TURNS.states(text, bytes_of(six.rotate(90 * quarters, expand=True)), f"{quarters} quarters of a turn")
