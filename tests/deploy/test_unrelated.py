"""Whom a deploy waits for, and for how long: not for those who hold nothing that it needs."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.deploy.deploying import Stage, alone, execute, steps

ROWS = "CREATE TABLE rows AS SELECT n, n % 7 AS m FROM generate_series(1, 1000) n"
TABLE = execute(ROWS)
CHANGES = [execute(f"ALTER TABLE rows ADD extra{number} int") for number in range(6)]
BUILDING = "SELECT FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting for%'"
GATE: dict[str, Any] = {"MIGRATOR_BLOCKER_TIMEOUT": "4"}


@pytest.fixture
def rows(stage: Stage) -> Stage:
    stage.begin(ROWS, "CREATE TABLE unrelated (n int)")
    stage.history(TABLE, *CHANGES)
    return stage


def old(stage: Stage, *statements: str) -> psycopg.Connection:
    """A session whose transaction is old enough to be waited for."""
    connection = stage.connect()
    connection.execute("BEGIN")
    for each in statements:
        connection.execute(each)
    time.sleep(0.7)
    return connection


def test_a_transaction_that_holds_nothing_of_it(rows: Stage) -> None:
    """Six revisions, and no second for it."""
    with old(rows, "LOCK TABLE unrelated"):
        began = time.monotonic()
        output = rows.run(**GATE)
    assert "Waiting for process" not in output
    assert time.monotonic() - began < 20
    assert rows.at == "step7"


def test_a_transaction_is_waited_for_once(rows: Stage) -> None:
    """Where the tables are not known: code of Python, a function, a block."""
    block = "DO $$ BEGIN ALTER TABLE rows ADD x{} int; END $$"
    rows.history(TABLE, *(execute(block.format(number)) for number in range(6)))
    with old(rows, "LOCK TABLE unrelated"):
        output = rows.run(**GATE)
    assert output.count("No longer waiting for process") == 1
    assert rows.at == "step7"


def test_a_holder_of_a_table_is_waited_for(rows: Stage) -> None:
    with old(rows, "SELECT FROM rows"):
        output = rows.run(code=4, MIGRATOR_BLOCKER_TIMEOUT="3", MIGRATOR_LOCK_DEADLINE="5")
    assert "Waiting for process" in output


@pytest.fixture
def prepared(rows: Stage) -> Iterator[Stage]:
    """A prepared transaction that has written into the table."""
    try:
        rows.ask("SELECT count(*) FROM rows")
        with rows.connect() as connection:
            connection.execute("BEGIN")
            connection.execute("INSERT INTO rows VALUES (0)")
            connection.execute("PREPARE TRANSACTION 'order 4711'")
    except psycopg.errors.ObjectNotInPrerequisiteState:
        pytest.skip("max_prepared_transactions is 0")
    yield rows
    with rows.connect() as connection:
        connection.execute("ROLLBACK PREPARED 'order 4711'")


@pytest.mark.parametrize(
    "change",
    [
        execute("ALTER TABLE rows ADD extra int"),
        alone("CREATE INDEX CONCURRENTLY ix_rows_n ON rows (n)"),
        steps(
            "import migrator.operations",
            "migrator.operations.op.create_index_concurrently('ix_rows_n', 'rows', ['n'])",
        ),
    ],
    ids=["table", "index", "operation"],
)
def test_a_prepared_transaction(prepared: Stage, change: str) -> None:
    """It is named, and nothing waits for it longer than lock_deadline."""
    prepared.history(TABLE, change)
    began = time.monotonic()
    output = prepared.run(code=4, MIGRATOR_LOCK_DEADLINE="5")
    assert time.monotonic() - began < 12, output
    assert "the prepared transaction 'order 4711' (COMMIT PREPARED or" in output
    assert prepared.at == "step1"


def test_readers_that_overlap(rows: Stage) -> None:
    """None of them is old; it says what would get the lock, and what that costs."""
    rows.history(TABLE, CHANGES[0])
    over = threading.Event()

    def read() -> None:
        with rows.connect() as reader:
            while not over.is_set():
                reader.execute("BEGIN; SELECT FROM rows; SELECT pg_sleep(3); COMMIT")

    readers = [threading.Thread(target=read) for _ in range(12)]
    for reader in readers:
        reader.start()
        time.sleep(0.25)  # so that one of them has a lock all the time
    young: dict[str, Any] = {"MIGRATOR_BLOCKER_AGE": "60"}
    try:
        output = rows.run(code=4, MIGRATOR_LOCK_DEADLINE="4", **young)
        assert re.search(r"The transactions that hold it take up to \d\.", output)
        assert re.search(r"With lock_timeout_max = \d\.", output)
        longer: dict[str, Any] = {"MIGRATOR_LOCK_TIMEOUT": "5", "MIGRATOR_LOCK_TIMEOUT_MAX": "5"}
        rows.run(MIGRATOR_LOCK_DEADLINE="40", **longer, **young)
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert rows.at == "step2"


def test_the_moment_between_two_readers(rows: Stage) -> None:
    """The lock is never free, but one who begins when the reader is about to end gets it."""
    rows.history(TABLE, *CHANGES[:1], *[execute("ALTER TABLE rows ADD CHECK (true)")] * 3)
    over, next_one = threading.Event(), threading.Semaphore()

    def read() -> None:
        with rows.connect() as reader:
            while not over.is_set():
                next_one.acquire()
                reader.execute("BEGIN; SELECT FROM rows; SELECT pg_sleep(3.9)")
                next_one.release()
                reader.execute("SELECT pg_sleep(0.1); COMMIT")

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    limits: dict[str, Any] = {
        "MIGRATOR_BLOCKER_AGE": "60",
        "MIGRATOR_LOCK_TIMEOUT": "0.5",
        "MIGRATOR_LOCK_TIMEOUT_MAX": "0.5",
    }
    try:
        rows.run(**limits)
    finally:
        over.set()
        for reader in readers:
            reader.join()
    # At random moments, it would be ten for each.
    (attempts,) = rows.ask("SELECT sum(attempts) FROM migration_log WHERE revision > 'step1'")[0]
    assert attempts <= 12
