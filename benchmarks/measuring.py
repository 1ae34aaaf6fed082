"""Time one command from outside, as its user feels it: from start to end, imports and all."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# What the environment of whoever runs this must not lend to either side.
HIDDEN_PREFIXES = ("DATABASE_", "MIGRATION_", "MIGRATOR_", "PG", "PYTHON", "LC_", "LANG")


@dataclass(frozen=True)
class Run:
    """One run: `seconds` on the clock, `cpu` seconds of its processes (not of the server)."""

    seconds: float
    cpu: float


@dataclass(frozen=True)
class Contestant:
    """A command to measure.

    `before` and `after` each run, and are not measured. The names of the contestants in one
    comparison differ.
    """

    name: str
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    before: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None


def measure(contestant: Contestant) -> Run:
    """Run one contestant once.

    Raises:
        SystemExit: it failed; its output is shown.
    """
    contestant.before()
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            contestant.command,
            cwd=contestant.folder,
            env=contestant.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            said = output.read().decode(errors="replace")
            sys.exit(
                f"{contestant.name}: {' '.join(contestant.command)} ended with exit code"
                f" {process.returncode} in {contestant.folder}, so it cannot be measured:\n{said}"
            )
    contestant.after()
    return Run(seconds, usage.ru_utime + usage.ru_stime)


def environment(**changes: str) -> dict[str, str]:
    """Return the environment that both sides get: this Python's programs first on PATH."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(HIDDEN_PREFIXES)}
    programs = str(Path(sys.executable).parent)
    path = os.pathsep.join([programs, kept.get("PATH", os.defpath)])
    return kept | {"PATH": path, "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8"} | changes
