"""The records of a committed report: `reports/<profile>/<study>/data` and the runs beside it, as NumPy arrays."""

import csv
import json
import math
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "reports"
# What the names of a spec mean: the column under the published protocol, that of a network whose Dice is one of batches,
# and that under the corrected protocol. Every other name is that of its column.
COLUMNS = {
    "dice": ("soft_dice", "batch_dice", "dice"),
    "iou": ("soft_iou", "batch_iou", "iou"),
    "hard_dice": ("dice",) * 3,
    "hard_iou": ("iou",) * 3,
}
BASELINES = ("all-background", "majority-class", "perfect-in-unit-range")

Rows = list[dict[str, str]]


@cache
def rows(path: Path) -> Rows:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def number(cell: str) -> float:
    """NaN for an empty cell."""
    value = float(cell) if cell else math.nan
    return value if math.isfinite(value) else math.nan


@dataclass(frozen=True)
class Scores:
    """One score for each seed and image. Values without a seed, those of baselines, have one row and no seeds."""

    seeds: tuple[int, ...]
    values: np.ndarray  # [seeds or 1, images]

    def means(self) -> np.ndarray:
        """The mean of each row over its images."""
        return np.nanmean(self.values, axis=1)

    def minus(self, other: "Scores") -> "Scores":
        """Image by image, and seed by seed for the seeds that both have."""
        if not self.seeds or not other.seeds:
            return Scores(self.seeds or other.seeds, self.values - other.values)
        both = tuple(seed for seed in self.seeds if seed in other.seeds)
        return Scores(both, self.of(both) - other.of(both))

    def of(self, seeds: tuple[int, ...]) -> np.ndarray:
        return self.values[[self.seeds.index(seed) for seed in seeds]]


@dataclass(frozen=True)
class Records:
    """A report's data."""

    folder: Path  # reports/<profile>/<study>

    @property
    def name(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"

    @cached_property
    def study(self) -> dict:
        return json.loads((self.folder / "data/study.json").read_text())

    @cached_property
    def places(self) -> Rows:
        return rows(self.folder / "data/places.csv")

    def run(self, key: str) -> Path:
        return self.folder.parent / "runs" / key[:8]

    def runs(self, stage: str, arm: str, protocol: str) -> dict[int, Path]:
        """The runs of an arm, by seed."""
        found = (p for p in self.places if (p["stage"], p["arm"], p["protocol"]) == (stage, arm, protocol))
        return {int(p["seed"]): self.run(p["run"]) for p in found}

    @cached_property
    def images(self) -> dict[str, tuple[int, str]]:
        """The place and the group of each test image, by name."""
        groups = {}
        for place in self.places:
            if place["stage"] == "evaluate":
                for row in rows(self.run(place["run"]) / "per_image.csv"):
                    if row["split"] == "test":
                        groups[row["image"]] = row["group"]
        return {name: (i, groups[name]) for i, name in enumerate(sorted(groups))}

    @property
    def groups(self) -> np.ndarray:
        return np.array([group for _, group in self.images.values()])

    @property
    def first_condition(self) -> str:
        return self.study["conditions"][0]["name"]

    def column(self, arm: str, metric: str, protocol: str) -> str:
        if metric not in COLUMNS:
            return metric
        soft, batch, hard = COLUMNS[metric]
        if protocol != "published":
            return hard
        found = next((a for a in self.study["arms"] if a["name"] == arm), {})
        return batch if (found.get("published") or {}).get("dice") == "batch" else soft

    def scores(self, arm: str, condition: str, metric: str, protocol: str) -> Scores | None:
        """The scores of an arm or a baseline; None if nothing was measured.

        An image without a score under some of the seeds has the mean of its others there.
        """
        column = self.column(arm, metric, protocol)
        if arm in BASELINES:
            first = next((p for p in self.places if p["stage"] == "evaluate"), None)
            tables = [] if first is None else [rows(self.run(first["run"]) / "baselines.csv")]
            seeds: tuple[int, ...] = ()
            is_wanted = lambda row: row["predictor"] == arm
        else:
            runs = self.runs("evaluate", arm, protocol)
            seeds = tuple(sorted(runs))
            tables = [rows(runs[seed] / "per_image.csv") for seed in seeds]
            is_wanted = lambda row: row["predictor"] == "model" and row["condition"] == condition
        values = np.full((len(tables), len(self.images)), math.nan)
        for line, table in zip(values, tables, strict=True):
            for row in table:
                if row["split"] == "test" and is_wanted(row):
                    line[self.images[row["image"]][0]] = number(row[column])
        if not len(values) or np.isnan(values).all():
            return None
        gaps = np.isnan(values) & ~np.isnan(values).all(axis=0)
        if gaps.any():
            values = np.where(gaps, np.nanmean(values, axis=0), values)
        return Scores(seeds, values)

    def measured(self, stage: str, split: str, arm: str, condition: str, metric: str, protocol: str) -> list[float]:
        """The values in `metrics.csv`, one for each seed: of a test, or of training at the epoch that was kept."""
        column, found = self.column(arm, metric, protocol), []
        for _, run in sorted(self.runs(stage, arm, protocol).items()):
            kept = json.loads((run / "run.json").read_text())["kept_epoch"]
            for row in rows(run / "metrics.csv"):
                here = (row["split"], row["predictor"], row["metric"]) == (split, "model", column)
                at = row["condition"] == condition if stage == "evaluate" else int(row["epoch"]) == kept
                if here and at and math.isfinite(float(row["value"])):
                    found.append(float(row["value"]))
        return found


def committed(reports: Path = REPORTS) -> list[Records]:
    """All reports below a folder, in the order of their names."""
    return [Records(data.parent) for data in sorted(reports.glob("*/*/data")) if (data / "places.csv").exists()]
