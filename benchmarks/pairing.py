"""Compare commands side by side, so that a noisy machine disturbs all sides alike.

In each round every contestant runs once, and each round begins with the next one. A ratio is
taken within a round, then the median of the rounds: what slows the machine for some seconds slows
both sides of a ratio.
"""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measuring import Contestant, Run, measure


@dataclass(frozen=True)
class Effort:
    """How long to go on: `most` rounds, or from `least` on as soon as `seconds` are spent."""

    least: int = 5
    most: int = 15
    seconds: float = 20


@dataclass(frozen=True)
class Ratio:
    """The median of the ratios within rounds, and their quartiles."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """All runs by contestant, one of each for each round."""

    runs: Mapping[str, Sequence[Run]]

    @property
    def rounds(self) -> int:
        """How many runs each median rests on."""
        return min(map(len, self.runs.values()))

    def seconds(self, name: str) -> float:
        """Return the median time of one contestant on the clock."""
        return statistics.median(run.seconds for run in self.runs[name])

    def ratio(self, ours: str, theirs: str, cpu: bool = False) -> Ratio:
        """Return how many times as long `ours` took as `theirs`, below 1 when it was faster."""
        pairs = zip(self.runs[ours], self.runs[theirs], strict=True)
        ratios = [a.cpu / b.cpu if cpu else a.seconds / b.seconds for a, b in pairs]
        if len(ratios) == 1:
            return Ratio(ratios[0], ratios[0], ratios[0])
        low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return Ratio(median, low, high)


def compare(contestants: Sequence[Contestant], effort: Effort) -> Comparison:
    """Measure contestants in turns, after one round that only warms the caches up.

    Raises:
        SystemExit: a command failed, so that there is nothing to compare; its output is shown.
    """
    runs: dict[str, list[Run]] = {each.name: [] for each in contestants}
    for each in contestants:
        measure(each)
    begin = time.perf_counter()
    for round_ in range(effort.most):
        if round_ >= effort.least and time.perf_counter() - begin > effort.seconds:
            break
        first = round_ % len(contestants)
        for each in (*contestants[first:], *contestants[:first]):
            runs[each.name].append(measure(each))
    return Comparison(runs)
