"""Seeds of the same arm held against each other (A/A), in committed reports: nothing differs but the seed."""

import itertools
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import stats

from records import committed
from rules import LEVEL, summed
from tables import NONE, percent, table

FEWEST = 3  # seeds, for a claim about arms
DRAWN = 10  # groups that count as drawn by chance


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
    """By profile and protocol. Networks that several studies share count once."""
    found: dict[tuple[str, str], Same] = {}
    seen = set()
    for of in committed(reports):
        study, groups = of.study, of.groups
        for arm, protocol in itertools.product((arm["name"] for arm in study["arms"]), study["protocols"]):
            networks = frozenset(of.runs("finetune", arm, protocol).values())
            if len(networks) < 2 or networks in seen:
                continue
            seen.add(networks)
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
    heads = [
        "failed",
        "pairs, over images alone",
        "pairs, by our rule",
        "three against three, by our rule",
        "outside the prediction",
    ]
    print("\n".join(table(title, ["profile", "protocol"], heads, rows)))
    if not found:
        print("No arm has two seeds.")
    print(
        "A pair is one network against another, which our rule does not test. Three against three needs six seeds of an arm. "
        "Where some networks of an arm fail and others do not, the prediction interval of a few seeds is too short."
    )
    broken = [
        f"{profile}, {protocol}: {what} {rate}"
        for (profile, protocol), same in sorted(found.items())
        for what, rate in [("pairs", same.tested), ("three against three", same.halves)]
        if rate.too_many(same.networks)
    ]
    print("\n".join(f"MORE THAN 5 %: {line}" for line in broken) or "Our rules hold 5 %.")
    return not broken
