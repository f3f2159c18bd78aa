#!/usr/bin/env python3
"""Recompute what the committed reports say, from the records of their runs alone, and hold the two against each other.

    python reference/reports.py [--reports DIR] [REPORT...]     REPORT as in sample/blurring; all without it

For every claim under every protocol: difference, 95 % interval, p-value with Holm's correction, and verdict. For every
printed figure: our figure, the 95 % prediction interval of one more seed, and the verdict. Ends with 1 if a report says
something else.

* A claim with three or more seeds is tested over seeds and images (`summed` of rules.py). The report must agree to
  the last digit that it prints.
* A claim within the same networks, or beside a baseline, with fewer seeds: bootstrap over images within their groups,
  and sign flips. Both draw at random, here as there, so the two agree within Monte Carlo error (five standard errors).
  A verdict that such an error could turn around counts as agreeing, and is reported as close.
* A claim between two arms with fewer seeds is not tested.
* A verdict that a failed health check withholds is named, and its numbers are checked like others.
"""

import argparse
import csv
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import stats

from records import BASELINES, REPORTS, Records, committed
from rules import summed

SEEDS = 3  # the fewest that a claim about arms is tested with
GROUPS = 10  # the fewest that count as drawn by chance
LEVEL = 0.05
MARGIN = 0.02  # of equivalence, where the spec states none
THEIRS = 10_000  # draws of the report
OURS = 100_000
SIGMAS = 5.0
CLAIM = re.compile(r"^(\S+)\.(\w+) (>=|<=|>|<) (\S+)\.(\w+)(?: ([+-]) (\S+))?$")


@dataclass
class Found:
    """A claim as it is recomputed."""

    mean: float
    low: float
    high: float
    p: float | None  # None if it is not tested
    images: int
    seeds: int
    random: bool = False  # whether interval and p come from draws
    end_error: float = 0.0  # of an end of the interval, one standard error of both draws together
    corrected: float = math.nan
    p_error: float = 0.0
    verdict: str = ""
    close: bool = False


@dataclass
class Tally:
    checked: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    close: list[str] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    verdicts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        self.checked[what] = self.checked.get(what, 0) + 1


def one_less(groups: np.ndarray) -> list[np.ndarray]:
    """The images of each group, as places. Groups of one image go together; a single one joins the smallest group."""
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    several = [m for m in members if len(m) > 1]
    lone = [m for m in members if len(m) == 1]
    if len(lone) > 1 or (lone and not several):
        several.append(np.concatenate(lone))
    elif lone:
        least = min(range(len(several)), key=lambda i: len(several[i]))
        several[least] = np.concatenate([several[least], lone[0]])
    return several


def bootstrap(values: np.ndarray, groups: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Means of resamples: of the n images of each group n - 1 are drawn, and the group keeps its share."""
    total = np.zeros(OURS)
    for members in one_less(groups):
        draws = max(len(members) - 1, 1)
        drawn = random.integers(0, len(members), (OURS, draws))
        total += values[members][drawn].mean(axis=1) * len(members) / len(values)
    return total


def sign_flips(values: np.ndarray, random: np.random.Generator) -> float:
    """The two-sided p-value. Up to 13 differences all flips count."""
    n, least = len(values), abs(values.sum()) - 1e-12 * np.abs(values).sum()
    if n <= 13:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return float(np.mean(np.abs(signs @ values) >= least))
    far = 0
    for _ in range(10):
        signs = 1 - 2 * random.integers(0, 2, (OURS // 10, n), dtype=np.int8)
        far += int(np.sum(np.abs(signs @ values) >= least))
    return (far + 1) / (OURS + 1)


def test(records: Records, sides: list[tuple[str, str, str]], protocol: str, offset: float) -> Found | str:
    """A difference with its test, or why there is none."""
    batches = [records.column(arm, metric, protocol).startswith("batch_") for arm, _, metric in sides]
    scores = [records.scores(arm, condition, metric, protocol) for arm, condition, metric in sides]
    measured = [
        bool(records.measured("evaluate", "test", arm, condition, metric, protocol)) if batch else score is not None
        for (arm, condition, metric), batch, score in zip(sides, batches, scores, strict=True)
    ]
    if not all(measured):
        return "not run"
    if any(batches):
        return "not comparable"
    difference = scores[0].minus(scores[1])
    defined = ~np.isnan(difference.values).any(axis=0)
    values, groups = difference.values[:, defined] - offset, records.groups[defined]
    seeds, images = len(difference.seeds), values.shape[1]
    if seeds >= SEEDS:
        units = groups if len(set(groups)) >= GROUPS else None
        mean, low, high, p = summed(values, units)
        return Found(mean, low, high, p, images, seeds)
    mean = float(values.mean())
    if len({arm for arm, _, _ in sides if arm not in BASELINES}) > 1:
        return Found(mean, math.nan, math.nan, None, images, seeds)
    random = np.random.default_rng(17)
    per_image = values.mean(axis=0)
    means = bootstrap(per_image, groups, random)
    low, high = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2])
    p = sign_flips(per_image, random)
    # The error of a quantile of a normal distribution, of both draws.
    density = stats.norm.pdf(stats.norm.ppf(LEVEL / 2)) / means.std()
    end = math.sqrt(LEVEL / 2 * (1 - LEVEL / 2) * (1 / THEIRS + 1 / OURS)) / density if means.std() else 0.0
    return Found(mean, float(low), float(high), p, images, seeds, random=True, end_error=end)


def holm(found: list[Found]) -> None:
    """Corrects the p-values of a family, and their errors with them."""
    least, error = 0.0, 0.0
    for rank, one in enumerate(sorted(found, key=lambda one: one.p)):
        times = len(found) - rank
        draws = 1 / THEIRS + 1 / OURS
        own = times * math.sqrt(one.p * (1 - one.p) * draws + draws**2) if one.random else 0.0
        if one.p * times >= least:
            least, error = min(one.p * times, 1.0), own
        one.corrected, one.p_error = least, max(error, own)


def judge(one: Found, relation: str) -> None:
    """The verdict, and whether an error of the draws could turn it around."""

    def verdict(low: float, high: float, p: float) -> str:
        above, below = {
            ">": (low > 0, high <= 0),
            ">=": (low >= 0, high < 0),
            "<": (high < 0, low >= 0),
            "<=": (high <= 0, low > 0),
        }[relation]
        return "undecided" if p >= LEVEL else "supported" if above else "contradicted" if below else "undecided"

    if one.p is None:
        one.verdict = "not tested"
        return
    one.verdict = verdict(one.low, one.high, one.corrected)
    room, p_room = SIGMAS * one.end_error, SIGMAS * one.p_error
    others = {
        verdict(one.low + a, one.high + b, max(one.corrected + c, 0.0))
        for a in (-room, room)
        for b in (-room, room)
        for c in (-p_room, p_room)
    }
    one.close = one.random and others != {one.verdict}


def plain(cell: str) -> str:
    """A cell without links and code."""
    return re.sub(r"\[([^\]]*)\]\[[^\]]*\]", r"\1", cell).replace("`", "").replace("\u2212", "-").strip()


def tables(markdown: str, caption: str) -> list[dict[str, str]]:
    """The rows of the table with a caption, by the heads of its columns."""
    lines = iter(markdown.splitlines())
    for line in lines:
        if line.startswith(f"Table: {caption}"):
            break
    table = []
    for line in lines:
        if line.startswith("|"):
            table.append([plain(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif table:
            break
    return [dict(zip(table[0], row, strict=True)) for row in table[2:]] if table else []


def digits(text: str) -> int:
    return len(text.partition(".")[2])


def agrees(text: str, value: float, error: float = 0.0) -> bool:
    """Whether a printed number is the value, rounded, within some error."""
    try:
        return abs(float(text) - value) <= 0.5001 * 10 ** -digits(text) + error
    except ValueError:
        return False


def check_claims(records: Records, tally: Tally) -> None:
    markdown = (records.folder / "report.md").read_text()
    study = records.study
    for protocol in study["protocols"]:
        said = tables(markdown, f"claims under the {protocol} protocol")
        asked = []
        for claim in study["report"].get("claims", []):
            if claim.get("protocol") in (None, protocol):
                left, metric_a, relation, right, metric_b, sign, size = CLAIM.match(claim["expect"]).groups()
                sides = []
                for place, metric in ((left, metric_a), (right, metric_b)):
                    arm, _, condition = place.partition("@")
                    sides.append((arm, condition or records.first_condition, metric))
                offset = float(size or 0) * (-1 if sign == "-" else 1)
                asked.append((claim, relation, test(records, sides, protocol, offset)))
        holm([found for _, _, found in asked if isinstance(found, Found) and found.p is not None])
        if len(said) != len(asked):
            tally.differences.append(
                f"{records.name}, {protocol}: {len(said)} claims in the report, {len(asked)} asked"
            )
            continue
        for (claim, relation, found), row in zip(asked, said, strict=True):
            check_claim(f"{records.name}, {protocol}, {claim['expect']}", found, relation, row, tally)


def check_claim(where: str, found: Found | str, relation: str, row: dict[str, str], tally: Tally) -> None:
    verdict, _, _ = row["Verdict"].partition(": ")
    tally.count("claims")
    tally.verdicts[verdict] = tally.verdicts.get(verdict, 0) + 1

    def hold(what: str, said: str, ours: str, same: bool) -> None:
        tally.count("numbers")
        if not same:
            tally.differences.append(f"{where}: {what} is {said} in the report, {ours} here")

    if isinstance(found, str):
        hold("the verdict", verdict, found, verdict == found)
        return
    judge(found, relation)
    if verdict == "withheld":
        tally.withheld.append(f"{where}: withheld; {found.verdict} without the check")
    else:
        hold("the verdict", verdict, found.verdict, verdict == found.verdict or found.close)
    if found.close:
        tally.close.append(f"{where}: {found.verdict}, by little")
    hold("the difference", row["Difference"], f"{found.mean:+.4f}", agrees(row["Difference"], found.mean))
    hold("the number of images", row["Images"], str(found.images), row["Images"].replace(",", "") == str(found.images))
    if found.seeds:
        hold("the number of seeds", row["Seeds"], str(found.seeds), row["Seeds"] == str(found.seeds))
    interval, p = row["95\u00a0% interval"], row["p (Holm)"]
    if found.p is None:
        hold("the interval", interval, "none", interval == "\u2013")
        hold("p", p, "none", p == "\u2013")
        return
    room = SIGMAS * found.end_error
    ends = interval.split(" to ")
    same = len(ends) == 2 and agrees(ends[0], found.low, room) and agrees(ends[1], found.high, room)
    hold("the interval", interval, f"{found.low:+.4f} to {found.high:+.4f}", same)
    ours = f"{found.corrected:.4f}"
    room = SIGMAS * found.p_error
    bounded = p.startswith("\u2264")
    hold("p", p, ours, found.corrected - room < 0.001 if bounded else agrees(p, found.corrected, room))


def prediction(values: list[float]) -> tuple[float, float] | None:
    """Where one more seed would lie: mean ± t·s·√(1 + 1/k)."""
    k = len(values)
    if k < SEEDS:
        return None
    half = stats.t.ppf(1 - LEVEL / 2, k - 1) * np.std(values, ddof=1) * math.sqrt(1 + 1 / k)
    return float(np.mean(values) - half), float(np.mean(values) + half)


def published(records: Records, row: dict[str, str], table: dict) -> tuple[float | None, list[float]]:
    """Our figure of a printed one, and its value under each seed."""
    first = records.first_condition
    by_arm = table["rows"] == "arm"
    arm, condition = (row["variant"], first) if by_arm else (table["arm"], row["variant"])
    if row["split"] != "test":
        if condition != first:
            return None, []
        split = {"val": "validation"}.get(row["split"], row["split"])
        values = records.measured("finetune", split, arm, condition, row["metric"], "published")
        return (float(np.mean(values)) if values else None), values
    values = records.measured("evaluate", "test", arm, condition, row["metric"], "published")
    if records.column(arm, row["metric"], "published").startswith("batch_"):
        return (float(np.mean(values)) if values else None), values
    scores = records.scores(arm, condition, row["metric"], "published")
    return (None, []) if scores is None else (float(np.nanmean(scores.values)), list(scores.means()))


def verdict_on(row: dict[str, str], ours: float | None, seeds: list[float], margin: float, fidelity: str) -> str:
    if ours is None:
        return "not run"
    if fidelity != "full":
        return "not comparable"
    interval = prediction(seeds)
    if interval is None:
        return "not tested"
    value, unit = float(row["value"]), 0.5 * 10 ** -digits(row["value"])
    least, most = value - unit - margin, value + unit + margin
    if least <= interval[0] and interval[1] <= most:
        return "reproduced"
    return "differs" if interval[1] < least or most < interval[0] else "undecided"


def check_published(records: Records, tally: Tally) -> None:
    path = records.folder / "data/published.csv"
    if not path.exists():
        return
    stated = {table["table"]: table for table in records.study["report"].get("published", [])}
    with path.open(newline="") as file:
        said = list(csv.DictReader(file))
    for row in said:
        tally.count("printed figures")
        where = f"{records.name}, {row['table']}, {row['variant']}, {row['split']} {row['metric']}"
        table = stated[row["table"]]
        ours, seeds = published(records, row, table)
        interval = prediction(seeds)
        verdict = verdict_on(row, ours, seeds, table.get("margin", MARGIN), records.study["fidelity"])
        expected = {"reproduced": ours, "low": interval and interval[0], "high": interval and interval[1]}
        for what, value in expected.items():
            tally.count("numbers")
            cell = row[what]
            empty = cell in ("", "not run")
            if empty != (value is None) or (not empty and abs(float(cell) - value) > 2e-6):
                tally.differences.append(f"{where}: {what} is {cell or 'empty'} in the report, {value} here")
        tally.count("numbers")
        if row["verdict"] != verdict:
            tally.differences.append(f"{where}: the verdict is {row['verdict']} in the report, {verdict} here")


def summary(tally: Tally) -> Iterator[str]:
    yield ", ".join(f"{count:,} {what}" for what, count in tally.checked.items())
    yield "verdicts on claims: " + ", ".join(f"{n} {word}" for word, n in sorted(tally.verdicts.items()))
    for word, lines in [("CLOSE", tally.close), ("WITHHELD", tally.withheld), ("DIFFERS", tally.differences)]:
        yield from (f"{word:8} {line}" for line in lines)
    yield "all agree" if not tally.differences else f"{len(tally.differences)} differ"


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--reports", type=Path, default=REPORTS, metavar="DIR")
    p.add_argument("report", nargs="*", help="only these, as in sample/blurring")
    a = p.parse_args()
    found = [records for records in committed(a.reports) if not a.report or records.name in a.report]
    missing = set(a.report) - {records.name for records in found}
    if missing or not found:
        p.error(f"no report {', '.join(sorted(missing)) or 'there'} in {a.reports}")
    tally = Tally()
    for records in found:
        check_claims(records, tally)
        check_published(records, tally)
        print(f"{records.name}: seeds {', '.join(map(str, records.study['seeds']))}", flush=True)
    print("\n".join(summary(tally)))
    sys.exit(1 if tally.differences else 0)


if __name__ == "__main__":
    main()
