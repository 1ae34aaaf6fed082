"""A synchronous standby that does not answer: no lock is held while a deploy waits for it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.deploy.deploying import Deploy, Stage, alone, execute

ROWS = "CREATE TABLE rows AS SELECT n, n % 7 AS m FROM generate_series(1, 1000) n"
TABLE = execute(ROWS)
CHANGE = execute("ALTER TABLE rows ADD extra int")
MORE = execute("INSERT INTO rows VALUES (0, 0)")
WAITS = (
    "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()"
)
FILL = (
    "__import__('migrator.operations').operations.op.backfill("
    "'rows', {'extra': 1}, key='n', batch=500, pause=0)"
)


@pytest.fixture
def stuck(stage: Stage) -> Iterator[Stage]:
    """A database at step1 whose commits wait for a standby that is not there."""
    stage.begin(ROWS)
    stage.history(TABLE, CHANGE, MORE)
    with psycopg.connect(stage.server, autocommit=True) as admin:
        admin.execute("ALTER DATABASE deployed SET synchronous_commit = 'on'")
        admin.execute("SET synchronous_commit = 'off'")
        admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nosuch'")
        admin.execute("SELECT pg_reload_conf()")
        try:
            stage.until("SELECT WHERE current_setting('synchronous_standby_names') <> ''")
            yield stage
        finally:
            admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
            admin.execute("SELECT pg_reload_conf()")
            stage.until("SELECT WHERE current_setting('synchronous_standby_names') = ''")


def read_while_it_runs(stage: Stage, deploy: Deploy, seconds: float = 60) -> float:
    """Reads the table again and again; returns the longest time that one read took."""
    longest, deadline = 0.0, time.monotonic() + seconds
    with stage.connect() as reader:
        reader.execute("SET lock_timeout = '20s'")
        while deploy.process.poll() is None and time.monotonic() < deadline:
            began = time.monotonic()
            reader.execute("SELECT count(*) FROM rows")
            longest = max(longest, time.monotonic() - began)
    return longest


@pytest.mark.parametrize(
    "change",
    [
        CHANGE,
        alone("ALTER TABLE rows ADD extra int"),
        alone("ALTER TABLE rows ADD CONSTRAINT rows_n CHECK (n >= 0) NOT VALID"),
        execute("DROP TABLE rows; CREATE TABLE rows (n int)"),
    ],
    ids=["transaction", "alone", "constraint", "several"],
)
def test_readers_get_through(stuck: Stage, change: str) -> None:
    stuck.history(TABLE, change, MORE)
    deploy = stuck.start(MIGRATOR_STANDBY_TIMEOUT="3")
    assert read_while_it_runs(stuck, deploy) < 2
    output = deploy.end(code=1)
    assert "no synchronous standby has confirmed its commit within 3 s (standby_timeout)" in output
    assert "The database is at step2 (1 of 2 revisions applied)" in output
    assert "rolled back" not in output
    assert stuck.at == "step2"


def test_the_next_deploy_waits_for_the_standby_too(stuck: Stage) -> None:
    """Also with nothing to apply, until one confirms."""
    stuck.history(TABLE, CHANGE)
    stuck.run(code=1, MIGRATOR_STANDBY_TIMEOUT="1")
    output = stuck.run(code=1, MIGRATOR_STANDBY_TIMEOUT="1")
    assert "Not verified: no synchronous standby has confirmed" in output
    with psycopg.connect(stuck.server, autocommit=True) as admin:
        admin.execute("SET synchronous_commit = 'off'")
        admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
        admin.execute("SELECT pg_reload_conf()")
        stuck.until("SELECT WHERE current_setting('synchronous_standby_names') = ''")
    assert "verify   the target is reached" in stuck.run()


@pytest.mark.parametrize("how", ["SIGTERM", "cut"])
def test_it_ends_while_it_waits(stuck: Stage, how: str) -> None:
    """What is committed is said to be."""
    deploy = stuck.start(MIGRATOR_STANDBY_TIMEOUT="0")
    (pid,) = stuck.until(WAITS, deploy)
    if how == "SIGTERM":
        deploy.send(signal.SIGTERM)
    else:
        stuck.ask(f"SELECT pg_terminate_backend({pid})")
    output = deploy.end(code=130 if how == "SIGTERM" else 1)
    assert "rolled back" not in output
    assert "The failure came when all of the revision had been committed." in output
    assert "The database is at step2 (1 of 2 revisions applied)" in output
    assert stuck.at == "step2"


def test_a_backfill(stuck: Stage) -> None:
    """Each batch is committed here, and who waits for one of its rows gets on."""
    stuck.history(
        TABLE,
        alone("ALTER TABLE rows ADD extra int") + "\n    " + FILL.replace("key='n'", "key=['n']"),
    )
    deploy = stuck.start(MIGRATOR_STANDBY_TIMEOUT="2")
    output = deploy.end(code=1)
    assert "no synchronous standby has confirmed" in output
    assert stuck.ask("SELECT count(extra) FROM rows") == [(1000,)]
    assert stuck.at == "step2"
