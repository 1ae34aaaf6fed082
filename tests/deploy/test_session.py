"""Every revision starts from the same session, and what it commits by itself is said."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.deploy.deploying import DATABASE, STOP, Stage, execute, renamed, steps

TABLES = (
    "SELECT table_schema, table_name FROM information_schema.tables"
    " WHERE table_schema IN ('public', 'other') AND table_name IN ('rows', 'leaked') ORDER BY 2"
)
FIRST = execute("CREATE SCHEMA IF NOT EXISTS other")
ROWS = "CREATE TABLE rows (n int)"


@pytest.mark.parametrize(
    "setting",
    [
        "SET search_path = other, public",
        "SELECT set_config('search_path', '', false)",
        "SET ROLE pg_read_all_data",
        "SET lock_timeout = 0; SET statement_timeout = 1; SET statement_timeout = 0",
        "SET SESSION AUTHORIZATION pg_monitor",
        "SET default_transaction_read_only = on",
        "SET row_security = off; SET bytea_output = 'escape'",
        "SET check_function_bodies = off; SET TIME ZONE 'Asia/Tokyo'; SET DateStyle = 'German'",
        "SET LOCAL search_path = other",
        "CREATE TEMP TABLE leaked (n int)",
        "SELECT pg_advisory_lock(7)",
        "RESET ALL",
        "DISCARD PLANS; SET my.own = 'x'",
    ],
)
def test_what_a_revision_sets(stage: Stage, setting: str) -> None:
    show = (
        "SELECT string_agg(name || '=' || setting, ', ' ORDER BY name) || current_user"
        " || coalesce(current_setting('my.own', true), '')"
        " || (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7)"
        " AS shown FROM pg_settings WHERE name <> 'application_name'"
        " AND name !~ '^transaction_(iso|read|def)' AND setting <> ''"
    )
    stage.begin("CREATE SCHEMA other", at="step1")
    stage.history(
        FIRST,
        execute(f"CREATE TABLE before AS {show}"),
        execute(setting),
        steps(execute("CREATE TABLE leaked (n int)"), execute(f"CREATE TABLE after AS {show}")),
    )
    stage.run()
    assert stage.ask(TABLES) == [("public", "leaked")]
    assert stage.ask("SELECT shown FROM before") == stage.ask("SELECT shown FROM after")
    assert stage.at == "step4"


@pytest.mark.parametrize(
    ("how", "after"),
    [
        ("op.get_bind().commit()", execute("SELECT 1 / 0")),
        (execute("COMMIT"), execute("SELECT 1 / 0")),
        (execute("INSERT INTO rows VALUES (1); COMMIT"), execute("SELECT 1 / 0")),
        (execute("/* now */ commit work;"), "raise RuntimeError('stop')"),
        (execute("END; BEGIN"), execute("SELECT 1 / 0")),
        ("op.get_bind().connection.commit()", execute("SELECT 1 / 0")),
        ("op.get_bind().connection.dbapi_connection.commit()", "raise RuntimeError('stop')"),
    ],
)
def test_a_revision_that_commits_by_itself(stage: Stage, how: str, after: str) -> None:
    stage.begin(ROWS)
    stage.history(execute(ROWS), steps(execute("ALTER TABLE rows ADD q1 int"), how, after))
    output = stage.run(code=1)
    assert "Its transaction was rolled back" not in output
    assert "What the revision had committed before remains." in output
    assert "committed    ALTER TABLE rows ADD q1 int" in output
    assert stage.at == "step1"


DRIVER = "op.get_bind().connection"


def test_a_revision_that_commits_what_only_the_driver_knows(stage: Stage) -> None:
    stage.begin(ROWS)
    alter = f"{DRIVER}.cursor().execute('ALTER TABLE rows ADD q1 int')"
    stage.history(execute(ROWS), steps(alter, f"{DRIVER}.commit()", "1 / 0"))
    output = stage.run(code=1)
    assert "What the revision had committed before remains." in output
    assert "committed    statements run with the driver's connection (of step2" in output


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_revision_that_ends_a_transaction_that_only_reads(stage: Stage, end: str) -> None:
    stage.begin(ROWS)
    read = f"{DRIVER}.cursor().execute('SELECT count(*) FROM rows')"
    stage.history(execute(ROWS), steps(read, f"{DRIVER}.{end}()"))
    stage.run()
    stage.history(execute(ROWS), execute("SELECT 1"), steps(read, f"{DRIVER}.{end}()", "1 / 0"))
    assert "Its transaction was rolled back." in stage.run(code=1)


@pytest.mark.parametrize(
    "how", ["op.get_bind().rollback()", execute("ROLLBACK"), f"{DRIVER}.rollback()"]
)
def test_a_revision_that_rolls_back_by_itself(stage: Stage, how: str) -> None:
    stage.begin(ROWS)
    change = execute("ALTER TABLE rows ADD q1 int")
    stage.history(execute(ROWS), steps(change, how, execute("SELECT 1 / 0")))
    assert "Its transaction was rolled back." in stage.run(code=1)


def test_a_session_that_works_on(stage: Stage) -> None:
    """Its client is gone, and nobody can tell what it will commit: it is ended, then asked."""
    stage.begin(ROWS)
    busy = "DO $$ BEGIN PERFORM pg_sleep(1); END $$"
    stage.history(execute(ROWS), steps(execute("ALTER TABLE rows ADD q1 int"), STOP, execute(busy)))
    with stage.stopping():
        deploy = stage.start(MIGRATOR_LOCK_TIMEOUT="0")
        stage.until("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted", deploy)
        stage.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'migrate:step2'"
        )
    output = deploy.end(code=1)
    assert "Its transaction was rolled back. The database is at step1" in output


def test_an_operation_that_finds_another_one_behind_one_that_is_done(stage: Stage) -> None:
    """What the first one has committed is said; what the catalog was asked by is no change."""
    stage.begin(
        ROWS, "CREATE INDEX ix ON rows (n)", "ALTER TABLE rows ADD CONSTRAINT x CHECK (n > 0)"
    )
    stage.history(
        execute(ROWS),
        steps(
            "from migrator.operations import op",
            "op.create_index_concurrently('ix', 'rows', ['n'])",
            "op.create_index_concurrently('ix2', 'rows', ['n'])",
            "op.add_check_validated('x', 'rows', 'n > 1')",
        ),
    )
    stage.files[-1].write_text(
        stage.files[-1].read_text().replace("\ndepends_on", "\ntransactional = False\ndepends_on")
    )
    output = stage.run(code=1)
    assert "There is another constraint x on rows already" in output
    assert "Nothing was changed" not in output
    (committed,) = [line for line in output.splitlines() if line.startswith("  committed")]
    assert "ix2 ON rows (n) (of step2, before it failed)" in committed
    assert "TEMPORARY" not in committed


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_an_account_that_writes_another_encoding(
    stage: Stage, tmp_path: Path, encoding: str
) -> None:
    """Also with a backup: its connections are others, and pg_dump would take that encoding."""
    stage.begin("CREATE TABLE texts AS SELECT '\u20ac' AS text")
    stage.history(execute(ROWS), execute(ROWS))
    with stage.connect() as connection:
        connection.execute(f"ALTER DATABASE {DATABASE} SET client_encoding = '{encoding}'")
    stage.run(MIGRATOR_BACKUP="true", MIGRATOR_BACKUP_FOLDER=str(tmp_path))
    (made,) = tmp_path.glob("*.dump")
    output = stage.run(str(made), "--into", "again", "--yes", command="restore")
    assert "Restored into again: 2 tables, at step1" in output
    with psycopg.connect(renamed(stage.url, "again"), client_encoding="utf8") as connection:
        assert connection.execute("SELECT text FROM texts").fetchall() == [("\u20ac",)]
    with stage.connect() as connection:
        connection.execute("DROP DATABASE again")
