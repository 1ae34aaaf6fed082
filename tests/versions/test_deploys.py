"""Operations and deploys on each version: what the server's statements and views have to give."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.deploy.deploying import REVISION, Stage, execute, steps
from tests.versions.packages import NEWEST
from tests.versions.server import Server

ROWS = """
CREATE TABLE people (id bigint PRIMARY KEY, email text, nick text, age int, boss bigint);
CREATE INDEX ix_people_age ON people (age);
CREATE TABLE events (id bigint NOT NULL, day int NOT NULL, what text) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (1) TO (11);
CREATE TABLE events_2 PARTITION OF events DEFAULT;
INSERT INTO people SELECT n, n || '@example.org', NULL, n % 90, 1 FROM generate_series(1, 2500) n;
INSERT INTO events SELECT n, 1 + n % 20, 'event ' || n FROM generate_series(1, 500) n;
"""
OPERATIONS = REVISION.replace(
    "from alembic import op", "from migrator.operations import op"
).replace("depends_on = None", "depends_on = None\ntransactional = False")
FORWARD = (
    'op.backfill("people", {"nick": "someone"}, pause=0)',
    'op.set_not_null("people", "nick")',
    'op.create_index_concurrently("ix_people_email", "people", ["email"])',
    'op.create_index_concurrently("ix_events_what", "events", ["what"])',
    'op.replace_index("ix_people_age", "people", "USING btree (age, boss) INCLUDE (nick)")',
    'op.add_unique_concurrently("uq_people_email", "people", ["email"])',
    'op.add_check_validated(op.f("ck_people_age"), "people", "age < 200")',
    'op.add_foreign_key_validated("fk_people_boss", "people", "people", ["boss"], ["id"])',
)
BACK = (  # what commits is first
    'op.replace_index("ix_people_age", "people", "USING btree (age)")',
    'op.drop_index_concurrently("ix_people_email", "people")',
    'op.drop_constraint("fk_people_boss", "people")',
    'op.drop_constraint(op.f("ck_people_age"), "people")',
    'op.drop_constraint("uq_people_email", "people")',
    'op.execute("DROP INDEX ix_events_what")',
    'op.alter_column("people", "nick", nullable=True)',
)
INDEXES = (
    "SELECT c.relname, indisvalid FROM pg_index JOIN pg_class c ON c.oid = indexrelid"
    " WHERE relname ~ '^(ix|uq)_' ORDER BY 1"
)


def test_every_operation_goes_there_and_back(stage: Stage, tmp_path: Path) -> None:
    """With a backup, and a rollback; the same again after it."""
    stage.begin(ROWS)
    before = stage.ask(INDEXES)
    stage.history(execute("SELECT 1"))
    write_operations(stage, steps(*FORWARD), steps(*BACK))
    settings: dict[str, Any] = {"MIGRATOR_BACKUP": "true", "MIGRATOR_BACKUP_FOLDER": str(tmp_path)}
    for _ in range(2):
        output = stage.run(**settings)
        assert "applied step2" in output
        assert re.search(r"backup .*\.dump, .* tables, read back", output)
        assert stage.ask("SELECT count(*) FROM people WHERE nick IS NULL") == [(0,)]
        assert stage.ask(INDEXES) == [
            ("ix_events_what", True),
            ("ix_people_age", True),
            ("ix_people_email", True),
            ("uq_people_email", True),
        ]
        stage.run("--to", "step1", "--yes", command="rollback", **settings)
        assert stage.ask(INDEXES) == before


def test_a_backup_is_restored(stage: Stage, server_version: Server, tmp_path: Path) -> None:
    stage.begin(ROWS)
    stage.history(execute("SELECT 1"))
    file = str(tmp_path / "it.dump")
    stage.run("--output", file, command="backup")
    try:
        output = stage.run(file, "--into", "restored", "--yes", command="restore")
        assert "Restored into restored: 5 tables, at step1" in output
    finally:
        server_version.run("DROP DATABASE IF EXISTS restored WITH (FORCE)")


def test_lock_timeouts_are_retried_and_the_blocker_is_named(stage: Stage) -> None:
    stage.begin(ROWS)
    stage.history(execute("SELECT 1"), execute("ALTER TABLE people ADD more int"))
    with stage.holding("SELECT count(*) FROM people", application_name="report") as holder:
        deploy = stage.start(MIGRATOR_BLOCKER_TIMEOUT="1", MIGRATOR_BLOCKER_AGE="0.2")
        deploy.until_it_says("retrying (attempt 2)")
        who, said = holder.info.backend_pid, " ".join(deploy.output.split())
    assert f"Blocked by process {who} (report, transaction open" in said
    assert re.search(r"applied step2 in [\d.]+ s \(\d+ attempts, waited", deploy.end())


def test_a_failure_says_what_is_so(stage: Stage) -> None:
    """Of a statement that was rolled back, and of an index that was not."""
    stage.begin(ROWS, "UPDATE people SET email = 'same'")
    stage.history(execute("SELECT 1"), execute("ALTER TABLE people ADD CHECK (age < 5)"))
    said = stage.run("--no-rows", code=1)
    assert "Its transaction was rolled back. The database is at step1" in said
    unique = 'op.create_index_concurrently("ix_email", "people", ["email"], unique=True)'
    stage.history(execute("SELECT 1"))
    write_operations(stage, unique)
    said = stage.run("--no-rows", code=1)
    assert "rows of people are not unique in email" in said
    assert "The database is at step1" in said
    assert stage.ask("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]


def test_an_extension_that_needs_openssl(stage: Stage, server_version: Server) -> None:
    """The development server is built without it, which the error says."""
    stage.history(execute('CREATE EXTENSION "pgcrypto"'))
    lacks = server_version.major == NEWEST
    said = stage.run(code=1 if lacks else 0)
    assert ("is built without OpenSSL" in said) == lacks


def write_operations(stage: Stage, upgrade: str, downgrade: str = "pass") -> None:
    """Writes the revision step2, of operations outside a transaction."""
    text = OPERATIONS.format(name="step2", before="step1", upgrade=upgrade, downgrade=downgrade)
    stage.write("step2", text)
