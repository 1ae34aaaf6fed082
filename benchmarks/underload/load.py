"""The load: pgbench in an open loop, the report that holds the table, and what users felt."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from benchmarks.measuring import environment
from benchmarks.underload.changes import ROWS, SCRIPTS
from benchmarks.underload.requests import Requests, read_log

RATE, CLIENTS = 300, 16
# pgbench's own threads: as many as processors, of which one is enough at this rate.
THREADS = min(2, os.cpu_count() or 1)
WARM_UP = 0.7  # seconds from the last client's connecting to the begin of the report
REPORT = 8.0  # seconds
LIMIT = 600  # seconds after which pgbench ends by itself, if we are not there to end it


@dataclass
class Load:
    """A running pgbench. See `load`."""

    process: subprocess.Popen[bytes]
    folder: Path
    since: float = field(default_factory=time.time)

    def stop(self) -> Requests:
        """Let the requests that are under way end, and return what became of all.

        Raises:
            RuntimeError: pgbench had ended before, or with an error of its own.
        """
        # The signal that pgbench's own clock sends when its time is over.
        self.process.send_signal(signal.SIGALRM)
        code = self.process.wait(60)
        said = (self.folder / "stderr").read_text()
        aborted = said.count(" aborted")  # a client that met an SQL error sends no more
        if code not in (0, 2) or (code == 2 and not aborted):
            raise RuntimeError(f"pgbench ended with exit code {code}:\n{said}")
        return read_log(self.folder, self.since, aborted)


@contextmanager
def load(
    programs: Path,
    folder: Path,
    url: str,
    options: str = "",
    scripts: Mapping[str, tuple[str, int]] = SCRIPTS,
    chosen: str = f"\\set id random(1, {ROWS})",
) -> Iterator[Load]:
    """Yield the load on the database `url`, warmed up.

    Args:
        options: PGOPTIONS of its sessions.
        scripts: what the requests are, and how many there are of each.
        chosen: where each request goes.
    """
    folder.mkdir()
    files = []
    for name, (statement, weight) in scripts.items():
        path = folder / f"{name}.sql"
        path.write_text(f"{chosen}\n{statement};\n")
        files += ["-f", f"{path}@{weight}"]
    at = urlsplit(url)
    where = ["-h", str(at.hostname), "-p", str(at.port), "-U", str(at.username), at.path[1:]]
    how = ["-c", str(CLIENTS), "-j", str(THREADS), "--rate", str(RATE), "-T", str(LIMIT), "-n"]
    log = ["-l", "--log-prefix", str(folder / "log")]
    with (folder / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            [programs / "pgbench", *how, *log, *files, *where],
            env=environment(PGPASSWORD=str(at.password), PGAPPNAME="load", PGOPTIONS=options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'load'"
            while connection.execute(count).fetchone() != (CLIENTS,):
                if process.poll() is not None:
                    raise RuntimeError(f"pgbench did not start: {(folder / 'stderr').read_text()}")
                time.sleep(0.02)
        time.sleep(WARM_UP)
        yield Load(process, folder)
    finally:
        process.kill()
        process.wait()


@contextmanager
def report(url: str, seconds: float = REPORT) -> Iterator[None]:
    """Read the table in one long statement, from the begin of the block on; wait for its end."""
    with psycopg.connect(url, autocommit=True, application_name="report") as connection:
        query = f"SELECT pg_sleep({seconds}) FROM accounts LIMIT 1"
        reader = threading.Thread(target=connection.execute, args=(query,))
        reader.start()
        try:
            yield
        finally:
            reader.join()
