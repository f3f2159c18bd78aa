"""Scores of small masks by torchmetrics, called as `source` of each metric says."""

import math
import warnings
from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassCalibrationError,
    MulticlassF1Score,
    MulticlassJaccardIndex,
)
from torchmetrics.functional.segmentation import mean_iou
from torchmetrics.segmentation import DiceScore

from stated import Stated, Test

METRICS = "harness/record/src/metrics"
ACCURACY = Test(f"{METRICS}/accuracy.rs", "known_values")
DICE = Test(f"{METRICS}/dice.rs", "known_values")
DICE_WRONG = Test(f"{METRICS}/dice.rs", "a_class_that_is_only_predicted_counts_as_wrong")
IOU = Test(f"{METRICS}/iou.rs", "known_values")
IOU_WRONG = Test(f"{METRICS}/iou.rs", "a_class_that_is_only_predicted_counts_as_wrong")
BATCH_DICE = Test(f"{METRICS}/batch_dice.rs", "a_class_in_neither_mask_is_left_out")
BY_NAME = Test(f"{METRICS}/mod.rs", "values_come_from_the_counts_that_a_metric_names")
ERROR = Test(f"{METRICS}/reliability.rs", "the_error_is_the_weighted_distance_of_the_bins")
SURE = Test(f"{METRICS}/reliability.rs", "what_is_right_as_often_as_it_is_sure_has_no_error")
BATCH = Test("harness/learn/src/metrics/mod.rs", "the_images_scored_together_are_a_batch")

# The classes of the pixels of an image, or of each image of a batch.
Masks = list[list[int]]

Average = Literal["micro", "macro", "none"]
Level = Literal["samplewise", "global"]

CLASSES = ["PET", "BACKGROUND", "BORDER"]

# torchmetrics computes in single precision.
WITHIN = 1e-6
UNDEFINED = math.nan


def numbers() -> Iterator[Stated]:
    # DiceScore warns of a default that is not used here.
    warnings.filterwarnings("ignore", message="DiceScore metric currently defaults")
    yield from of_accuracy()
    yield from of_dice()
    yield from of_iou()
    yield from of_batches()
    yield from calibration()


def masks(classes: Masks) -> Tensor:
    """`[images, 1, pixels]`"""
    return torch.tensor(classes)[:, None]


def dice(truth: Masks, prediction: Masks, average: Average, level: Level = "samplewise") -> list[float]:
    metric = DiceScore(num_classes=3, average=average, aggregation_level=level, input_format="index")
    metric.update(masks(prediction), masks(truth))
    return metric.compute().tolist()


def f1(truth: Masks, prediction: Masks, level: Level = "samplewise") -> list[float]:
    metric = MulticlassF1Score(num_classes=3, average="macro", multidim_average=level)
    return metric(masks(prediction), masks(truth)).tolist()


def iou(truth: Masks, prediction: Masks, per_class: bool) -> list[float]:
    """A class in neither mask is -1 there."""
    values = mean_iou(
        masks(prediction),
        masks(truth),
        num_classes=3,
        include_background=True,
        per_class=per_class,
        input_format="index",
    )
    return values.where(values >= 0, UNDEFINED).squeeze().tolist()


def jaccard(truth: Masks, prediction: Masks, average: Average) -> float:
    metric = MulticlassJaccardIndex(num_classes=3, average=average)
    return metric(masks(prediction), masks(truth)).item()


def accuracy(truth: Masks, prediction: Masks) -> list[float]:
    metric = MulticlassAccuracy(num_classes=3, average="micro", multidim_average="samplewise")
    return metric(masks(prediction), masks(truth)).tolist()


def middle(a: float, b: float) -> float:
    return (a + b) / 2


def of_accuracy() -> Iterator[Stated]:
    text = "Confusion::of(&[0, 0, 1, 1], &[0, 1, 1, 1])), Some(0.75)"
    found = accuracy([[0, 0, 1, 1]], [[0, 1, 1, 1]])
    yield ACCURACY.states(text, found, "accuracy", numbers=0.75, within=WITHIN)


def of_dice() -> Iterator[Stated]:
    masks = [[0, 0, 1, 1]], [[0, 1, 1, 1]]
    for text, name, stated, found in zip(
        ["Some(2.0 / 3.0)", "Some(0.8)", "None"],
        CLASSES,
        [2 / 3, 0.8, UNDEFINED],
        dice(*masks, "none"),
        strict=True,
    ):
        text = f"value(&{name}, &truth, &prediction), {text}"
        yield DICE.states(text, found, f"DiceScore of a class, {name}", numbers=stated, within=WITHIN)
    text = "value(&MACRO, &truth, &prediction), Some(f64::midpoint(2.0 / 3.0, 0.8))"
    stated = middle(2 / 3, 0.8)
    yield DICE.states(text, dice(*masks, "macro"), "DiceScore, macro", numbers=stated, within=WITHIN)
    yield DICE.states(text, f1(*masks), "MulticlassF1Score, macro", numbers=stated, within=WITHIN)
    text = "value(&MICRO, &truth, &prediction), Some(0.75)"
    yield DICE.states(text, dice(*masks, "micro"), "DiceScore, micro", numbers=0.75, within=WITHIN)

    masks = [[0, 0]], [[0, 2]]
    text = "value(&BORDER, &[0, 0], &[0, 2]), Some(0.0)"
    yield DICE_WRONG.states(text, dice(*masks, "none")[2], "DiceScore of a class, BORDER", numbers=0)
    text = "value(&MACRO, &[0, 0], &[0, 2]), Some(f64::midpoint(2.0 / 3.0, 0.0))"
    yield DICE_WRONG.states(text, dice(*masks, "macro"), "DiceScore, macro", numbers=1 / 3, within=WITHIN)
    yield DICE_WRONG.states(text, f1(*masks), "MulticlassF1Score, macro", numbers=1 / 3, within=WITHIN)


def of_iou() -> Iterator[Stated]:
    masks = [[0, 0, 1, 1]], [[0, 1, 1, 1]]
    for text, name, stated, found in zip(
        ["Some(0.5)", "Some(2.0 / 3.0)", "None"],
        CLASSES,
        [0.5, 2 / 3, UNDEFINED],
        iou(*masks, per_class=True),
        strict=True,
    ):
        text = f"value(&{name}, &truth, &prediction), {text}"
        yield IOU.states(text, found, f"mean_iou of a class, {name}", numbers=stated, within=WITHIN)
    text = "value(&MACRO, &truth, &prediction), Some(f64::midpoint(0.5, 2.0 / 3.0))"
    stated = middle(0.5, 2 / 3)
    yield IOU.states(text, iou(*masks, per_class=False), "mean_iou", numbers=stated, within=WITHIN)
    yield IOU.states(text, jaccard(*masks, "macro"), "MulticlassJaccardIndex, macro", numbers=stated, within=WITHIN)
    text = "value(&MICRO, &truth, &prediction), Some(0.75 / 1.25)"
    yield IOU.states(text, jaccard(*masks, "micro"), "MulticlassJaccardIndex, micro", numbers=0.6, within=WITHIN)
    text = "value(&MACRO, &[2, 1, 0, 0], &[2, 1, 0, 1]).unwrap() - 2.0 / 3.0"
    found = jaccard([[2, 1, 0, 0]], [[2, 1, 0, 1]], "macro")
    yield IOU.states(text, found, "the example of its documentation", numbers=2 / 3, within=WITHIN)

    masks = [[0, 0]], [[0, 2]]
    text = "value(&BORDER, &[0, 0], &[0, 2]), Some(0.0)"
    yield IOU_WRONG.states(text, iou(*masks, per_class=True)[2], "mean_iou of a class, BORDER", numbers=0)
    text = "value(&MACRO, &[0, 0], &[0, 2]), Some(0.25)"
    yield IOU_WRONG.states(text, iou(*masks, per_class=False), "mean_iou", numbers=0.25, within=WITHIN)
    yield IOU_WRONG.states(text, jaccard(*masks, "macro"), "MulticlassJaccardIndex, macro", numbers=0.25, within=WITHIN)


def of_batches() -> Iterator[Stated]:
    """torchmetrics has no functional.dice any more, which the metric names. These two give what it gave (in 1.5.2)."""
    two_images = [[0, 0, 1, 1], [2, 2, 1, 1]], [[0, 1, 1, 1], [2, 2, 2, 1]]
    for test, text, stated, masks in [
        (
            BATCH_DICE,
            "Confusion::of(&[0, 0, 1, 1], &[0, 1, 1, 1])), Some(f64::midpoint(2.0 / 3.0, 0.8))",
            middle(2 / 3, 0.8),
            ([[0, 0, 1, 1]], [[0, 1, 1, 1]]),
        ),
        # The images have two pixels and three, so they stand here as one of five.
        (
            BY_NAME,
            'value("batch_dice").unwrap() - (2.0 / 3.0 + 0.8 + 1.0) / 3.0',
            (2 / 3 + 0.8 + 1) / 3,
            ([[0, 1, 1, 1, 2]], [[0, 0, 1, 1, 2]]),
        ),
        (BATCH, "let dice = (2.0 / 3.0 + 0.75 + 0.8) / 3.0", (2 / 3 + 0.75 + 0.8) / 3, two_images),
    ]:
        found = dice(*masks, "macro", "global")
        yield test.states(text, found, "DiceScore of the batch", numbers=stated, within=WITHIN)
        found = f1(*masks, "global")
        yield test.states(text, found, "MulticlassF1Score of the batch", numbers=stated, within=WITHIN)
    yield BATCH.states("[0.75, 0.75]", accuracy(*two_images), "accuracy of each image", within=WITHIN)
    text = 'value(0, "dice") - f64::midpoint(2.0 / 3.0, 0.8)'
    first = f1(*two_images)[0]
    yield BATCH.states(text, first, "MulticlassF1Score of the first image", numbers=middle(2 / 3, 0.8), within=WITHIN)


def calibration_error(pixels: list[tuple[float, bool]]) -> float:
    """Of pixels that are predicted with a probability, and right or not."""
    probabilities = torch.tensor([[sure, (1 - sure) / 2, (1 - sure) / 2] for sure, _ in pixels])
    truth = torch.tensor([0 if right else 1 for _, right in pixels])
    return MulticlassCalibrationError(num_classes=3, n_bins=15, norm="l1")(probabilities, truth).item()


def calibration() -> Iterator[Stated]:
    for test, text, stated, pixels in [
        (
            ERROR,
            "all.expected_error().unwrap() - 0.45",
            0.45,
            [(0.9, True), (0.9, False), (0.5, True), (0.5, True)],
        ),
        (
            SURE,
            "(all.expected_error(), all.overconfidence()), (Some(0.0)",
            0.0,
            [(0.75, True), (0.75, True), (0.75, True), (0.75, False)],
        ),
    ]:
        found = calibration_error(pixels)
        yield test.states(text, found, "MulticlassCalibrationError", numbers=stated, within=WITHIN)
