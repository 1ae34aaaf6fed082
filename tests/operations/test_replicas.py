"""A backfill gives way to a replica that falls behind: a real one, which streams."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator

import psycopg
import pytest

from migrator.devserver import DevServer
from tests.conftest import Process
from tests.operations.operating import Project

FILLED = "SELECT count(*) FROM users WHERE nick = 'x'"
LOOKS = """
SELECT query_start FROM pg_stat_activity
WHERE query LIKE '%pg_stat_replication%' AND pid <> pg_backend_pid()
"""
WAITS = "backfill of users waits: replica walreceiver at 127.0.0.1 is "


@pytest.fixture(scope="module")
def replica(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that follows the project's, as a development server of its own."""
    root = tmp_path_factory.mktemp("replica")
    folder = root / ".postgres"
    folder.mkdir(mode=0o700)
    copy = [f"{project.programs}/pg_basebackup", "-D", f"{folder}/data", "-R", "-X", "stream"]
    subprocess.run([*copy, "-c", "fast", "-d", project.server], check=True, capture_output=True)
    shutil.copy(project.rendering.path / ".postgres/password", folder)
    server = DevServer(root)
    try:
        yield server.ensure("filled").replace("+psycopg", "")
    finally:
        server.stop()


@pytest.fixture
def there(url: str, replica: str) -> Iterator[psycopg.Connection]:
    """A session in the same database of the replica, which replays again in the end."""
    port = psycopg.conninfo.conninfo_to_dict(replica)["port"]
    with when_it_is_there(psycopg.conninfo.make_conninfo(url, port=port)) as connection:
        yield connection
        connection.execute("SELECT pg_wal_replay_resume()")


def when_it_is_there(address: str) -> psycopg.Connection:
    """A session in a database that the replica may not have yet."""
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


def looked_again(here: psycopg.Connection) -> None:
    """Waits until the upgrade has asked how far the replica is behind, three times."""
    asked: set[tuple[object, ...]] = set()
    deadline = time.monotonic() + 60
    while len(asked) < 3:
        assert time.monotonic() < deadline
        asked |= set(here.execute(LOOKS).fetchall())
        time.sleep(0.1)


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
        looked_again(here)
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
        assert "The rows that are filled stay so" in output
        filled = count(here)
        assert 0 < filled < 2500
        there.execute("SELECT pg_wal_replay_resume()")
        output = project.alembic(url)
        assert f"backfill of users: {2500 - filled} rows, done" in output
