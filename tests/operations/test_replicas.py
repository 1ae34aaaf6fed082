"""A backfill gives way to a replica that falls behind: a real one, which streams."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import Process
from tests.operations.operating import Project

# As the project starts its own server, which is not as root either.
LAUNCH = """
import os, sys
from pathlib import Path
from migrator.devserver import process
data = Path(sys.argv[1])
log = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)
account = process.account(Path.cwd(), data)
process.give(data, account)
port = process.free_port()
print(process.launch(data, port, log, account, log).pid, port)
"""
FILLED = "SELECT count(*) FROM users WHERE nick = 'x'"
WAITS = "backfill of users waits: replica walreceiver at 127.0.0.1 is "


@pytest.fixture(scope="module")
def port(project: Project) -> Iterator[str]:
    """That of a server that follows the project's."""
    folder = project.rendering.path / ".postgres"
    copy = [f"{project.programs}/pg_basebackup", "-D", f"{folder}/replica", "-R", "-X", "stream"]
    subprocess.run([*copy, "-c", "fast", "-d", project.server], check=True, capture_output=True)
    script = [
        ".venv/bin/python",
        "-c",
        LAUNCH,
        str(folder / "replica"),
        str(folder / "replica.log"),
    ]
    started = subprocess.run(
        script, cwd=project.rendering.path, capture_output=True, encoding="utf-8", check=True
    )
    pid, number = started.stdout.split()
    yield number
    os.kill(int(pid), signal.SIGQUIT)


@pytest.fixture
def there(url: str, port: str) -> Iterator[psycopg.Connection]:
    """A session in the same database of the replica, which replays again in the end."""
    address = psycopg.conninfo.make_conninfo(url, port=port)
    with when_it_answers(address) as connection:
        yield connection
        connection.execute("SELECT pg_wal_replay_resume()")


def when_it_answers(address: str) -> psycopg.Connection:
    deadline = time.monotonic() + 60
    while True:
        try:
            return psycopg.connect(address, autocommit=True)
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def count(connection: psycopg.Connection) -> int:
    row = connection.execute(FILLED).fetchone()
    assert row is not None
    return int(row[0])


def fallen_behind(project: Project, url: str, there: psycopg.Connection) -> Process:
    """An upgrade that goes on while the replica stops."""
    upgrade = project.start(url)
    while not count(there):  # it has followed so far, so that its lag is known
        assert upgrade.poll() is None, upgrade.communicate()[0]
    there.execute("SELECT pg_wal_replay_pause()")
    return upgrade


def test_it_waits_until_the_replica_has_caught_up(
    project: Project, url: str, there: psycopg.Connection
) -> None:
    project.write('op.backfill("users", {"nick": "x"}, batch=10, pause=0.05, max_lag=1)')
    with psycopg.connect(url, autocommit=True) as here:
        upgrade = fallen_behind(project, url, there)
        assert upgrade.stdout is not None
        said = next((line for line in upgrade.stdout if WAITS in line), "")
        assert said.endswith("s behind, and 1 s are allowed\n"), "it was done before it noticed"
        filled = count(here)
        assert 0 < filled < 2500
        time.sleep(2)
        assert count(here) == filled
        there.execute("SELECT pg_wal_replay_resume()")
        output = upgrade.communicate(timeout=60)[0]
        assert upgrade.returncode == 0, output
        assert count(here) == 2500
        while count(there) < 2500:
            time.sleep(0.1)


def test_a_replica_that_does_not_catch_up(
    project: Project, url: str, there: psycopg.Connection
) -> None:
    """A replay that somebody paused, or one that is delayed on purpose: it would wait for ever."""
    call = 'op.backfill("users", {"nick": "x"}, batch=10, pause=0.05, max_lag=1, max_wait=2)'
    project.write(call)
    with psycopg.connect(url, autocommit=True) as here:
        upgrade = fallen_behind(project, url, there)
        output = upgrade.communicate(timeout=60)[0]
        assert upgrade.returncode == 1, output
        assert output.count(WAITS) == 1
        assert "The backfill of users has waited " in output
        assert "and walreceiver at 127.0.0.1 is still " in output
        assert "The rows that are filled stand" in output
        filled = count(here)
        assert 0 < filled < 2500
        there.execute("SELECT pg_wal_replay_resume()")
        output = project.alembic(url)
        assert f"backfill of users: {2500 - filled} rows, done" in output
