"""Requests to the copy while the deploy runs there: what users would have noticed."""

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrator.config.context import Context
from migrator.errors import MigratorError, UsageError

CLIENTS = 4
NOTICED = 0.25  # seconds
SLICE = 3  # seconds; pgbench writes its log at the end, and waits for requests that are blocked
AROUND = 2.0  # seconds of requests before the deploy


class NothingSeen(MigratorError):
    """No request was answered."""


@dataclass
class Load:
    """How many seconds each request took, and how many failed."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    deploy_seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "clients": CLIENTS,
            "requests": len(self.seconds),
            "longest_seconds": round(max(self.seconds, default=0.0), 6),
            "over_250_ms": sum(each > NOTICED for each in self.seconds),
            "failed": self.failed,
            "deploy_seconds": round(self.deploy_seconds, 3),
        }


def pgbench(context: Context) -> str:
    """Return the path of pgbench.

    Raises:
        UsageError: it is not installed, or this is another database.
    """
    if context.target.dialect != "postgresql":
        raise UsageError("--load is for PostgreSQL; nothing was restored.")
    from migrator.backup import programs  # needs psycopg

    for place in [*(str(found.folder) for found in programs.find(context, 0)), None]:
        if path := shutil.which("pgbench", path=place):
            return path
    raise UsageError(
        "--load needs pgbench, which comes with the PostgreSQL server: install it (Debian:"
        " postgresql), or set pg_bin to its folder. Nothing was restored."
    )


@contextmanager
def running(context: Context, program: str, file: Path) -> Iterator[Load]:
    """Let clients repeat the transaction in `file` while the block runs, and a little before.

    Raises:
        NothingSeen: none of them got an answer.
    """
    load, end, errors = Load(), threading.Event(), [""]
    with tempfile.TemporaryDirectory() as folder:

        def run() -> None:
            while not end.is_set():
                errors[0] = _slice(context, program, file, Path(folder), load) or errors[0]

        thread = threading.Thread(target=run)
        thread.start()
        try:
            time.sleep(AROUND)
            began = time.monotonic()
            yield load
            load.deploy_seconds = time.monotonic() - began
        finally:
            end.set()
            thread.join()
    if not load.seconds:
        raise NothingSeen(
            f"pgbench could not run {file} on the copy ({errors[0]}), so nothing is known about"
            " what users would notice."
        )


def _slice(context: Context, program: str, file: Path, folder: Path, load: Load) -> str:
    """Send requests for some seconds, and return what went wrong."""
    from migrator.backup import libpq_database, processes

    database = libpq_database.database(context)
    options = ["--no-vacuum", f"--file={file.absolute()}", f"--client={CLIENTS}",
               f"--jobs={CLIENTS}", f"--time={SLICE}", "--log",
               f"--log-prefix={folder / 'log'}"]  # fmt: skip
    done = processes.run([program, *options, database.name], database.environment)
    for path in folder.glob("log*"):
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if len(words) >= 6 and words[2].isdigit():
                load.seconds.append(int(words[2]) / 1e6)
            else:
                load.failed += 1
        path.unlink()
    # A client gives up for the rest of its time when a statement fails.
    load.failed += done.stderr.count("aborted in command")
    if done.returncode:
        time.sleep(0.1)
        return processes.error_output(done)
    return ""
