"""PgBouncer, a pooler, before a server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.deploy.deploying import PATIENCE


@contextmanager
def pooler(folder: Path, url: str, mode: str, *lines: str) -> Iterator[str]:
    """The URL of a PgBouncer before the database of `url`; skips where there is none.

    Args:
        mode: session, transaction or statement.
        lines: more of its configuration.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        pytest.skip("PgBouncer is not installed here")
    known = psycopg.conninfo.conninfo_to_dict(url)
    process, port = listening(program, folder, url, mode, lines)
    try:
        yield f"postgresql://postgres:{known['password']}@127.0.0.1:{port}/{known['dbname']}"
    finally:
        process.terminate()
        process.wait(PATIENCE)


def listening(
    program: str, folder: Path, url: str, mode: str, lines: tuple[str, ...]
) -> tuple[subprocess.Popen[bytes], int]:
    """A PgBouncer before the server of `url`, and its port: another one, if it was taken."""
    known = psycopg.conninfo.conninfo_to_dict(url)
    where = " ".join(f"{name}={known[name]}" for name in ("host", "port", "user", "password"))
    configuration, log = folder / "pgbouncer.ini", folder / "pgbouncer.log"
    command = [program, str(configuration)]
    if os.geteuid() == 0:  # it refuses to run as root, and reads the file before it changes
        command += ["-u", "nobody"]
    deadline = time.monotonic() + PATIENCE
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        configuration.write_text(
            "\n".join(
                [
                    "[databases]",
                    f"* = {where}",
                    "[pgbouncer]",
                    "listen_addr = 127.0.0.1",
                    f"listen_port = {port}",
                    "unix_socket_dir =",
                    "auth_type = any",
                    f"pool_mode = {mode}",
                    *lines,
                ]
            ),
            encoding="utf-8",
        )
        with log.open("w") as file:
            pooler = subprocess.Popen(command, stdout=file, stderr=file)
        while pooler.poll() is None:
            try:
                psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/{known['dbname']}").close()
                return pooler, port
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
        assert "in use" in log.read_text() and time.monotonic() < deadline, log.read_text()
