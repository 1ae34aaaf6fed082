"""Failed deploys in the migration log: when, who, which revision, why, and for how long."""

from __future__ import annotations

import json
import shlex
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Rendering
from tests.deploy.deploying import COMMAND, KEY, STOP, STOPPED, Stage, execute, steps

TABLE = execute("CREATE TABLE rows (n int UNIQUE, email text)")
ROW = execute("INSERT INTO rows VALUES (1, 'anna@example.org')")
FAILURES = (
    "SELECT revision, direction, failure ->> 'step', failure ->> 'reason',"
    " failure ->> 'exit_code', who FROM migration_log WHERE failure IS NOT NULL ORDER BY id"
)
SECRET = "s3cr3t/p@ss"


def failures(stage: Stage) -> list[tuple[Any, ...]]:
    """The failed deploys in the log, oldest first."""
    return stage.ask(FAILURES)


def test_a_failed_revision(stage: Stage) -> None:
    stage.history(TABLE, steps(execute("SELECT pg_sleep(0.3)"), ROW, ROW))
    output = stage.run("--show-queries", code=1, GITHUB_ACTOR="octo cat", GIT_COMMIT="0123abcdef")
    assert "DETAIL" in output
    ((revision, direction, step, reason, code, who),) = failures(stage)
    assert (revision, direction, step, code, who) == (
        *("step2", "failed upgrade", "apply", "1", "octo cat"),
    )
    assert reason == 'duplicate key value violates unique constraint "rows_n_key".'
    # What was applied counts, and what failed does not.
    assert stage.ask("SELECT revision FROM migration_log WHERE direction = 'upgrade'") == [
        ("step1",)
    ]
    ((seconds,),) = stage.ask("SELECT seconds FROM migration_log WHERE failure IS NOT NULL")
    assert 0.3 < seconds < 60
    shown = stage.run(command="log")
    assert "failed upgrade" in shown
    assert "    apply: duplicate key value violates unique constraint" in shown
    assert "octo cat" in shown
    assert "0123abcdef" in shown


def test_the_newest_failures_are_kept(stage: Stage) -> None:
    """And every line of what was applied."""
    stage.history(TABLE, execute("SELECT 1 / 0"))
    stage.run(code=1)
    columns = "revision, down_revision, direction, started_at, seconds, attempts, waited, who"
    columns += ", host, code_commit, tool_version, verified, failure"
    with stage.connect() as connection:
        for which in ("IS NULL", "IS NOT NULL"):
            connection.execute(
                f"INSERT INTO migration_log ({columns}) SELECT {columns} FROM migration_log,"
                f" generate_series(1, 150) WHERE failure {which}"
            )
    stage.run(code=1)
    counted = "SELECT failure IS NULL, count(*) FROM migration_log GROUP BY 1 ORDER BY 1"
    assert stage.ask(counted) == [(False, 100), (True, 151)]
    newest = "SELECT failure IS NULL FROM migration_log ORDER BY id DESC LIMIT 1"
    assert stage.ask(newest) == [(False,)]


def test_no_secret_and_no_row(stage: Stage) -> None:
    stage.history(TABLE, f"raise RuntimeError('postgresql://postgres:{SECRET}@db.example/app')")
    stage.run("--show-queries", code=1)
    bad = execute("INSERT INTO rows SELECT 1, 'anna@example.org' FROM generate_series(1, 2)")
    stage.history(TABLE, bad)
    stage.run("--show-queries", code=1)
    assert "***" in failures(stage)[0][3]
    everything = str(stage.ask("SELECT log::text FROM migration_log log"))
    assert "s3cr3t" not in everything
    assert "p@ss" not in everything
    assert "anna" not in everything


def test_a_deploy_that_ended_before_it_applied(stage: Stage) -> None:
    """In the maintenance window's check, in lint, and after the wait for the deploy lock."""
    stage.history(TABLE)
    stage.run(code=5, MIGRATOR_WINDOW="Mon 00:00-00:01 UTC, Tue 00:00-00:01 UTC")
    with stage.connect() as other:
        other.execute(f"SELECT pg_advisory_lock({KEY})")
        stage.run(code=4, MIGRATOR_DEPLOY_LOCK_TIMEOUT="0.5")
    stage.history(steps(TABLE, ROW), execute("DROP TABLE rows"))
    stage.run("--to", "step1")
    lint = stage.project.run(shlex.join([*COMMAND, "deploy"]), env={"DATABASE_URL": stage.url})
    assert lint.returncode == 5, lint.stderr
    found = [each[:3] + each[4:5] for each in failures(stage)]
    assert found == [
        ("step1", "failed upgrade", "check", "5"),
        ("step1", "failed upgrade", "lock", "4"),
        ("step2", "failed upgrade", "lint", "5"),
    ]
    assert "maintenance window" in failures(stage)[0][3]


def test_nobody_else_is_disturbed_by_the_line(stage: Stage) -> None:
    """While another deploy creates the table, one that gives up waiting does not."""
    stage.history(steps(TABLE, STOP))
    with stage.stopping() as stopper:
        first = stage.start()
        stage.until(STOPPED, first)
        stage.run(code=4, MIGRATOR_DEPLOY_LOCK_TIMEOUT="0.5")
        assert stage.ask("SELECT to_regclass('migration_log')") == [(None,)]
        stopper.execute("SELECT pg_advisory_unlock(1)")
        first.end()
    assert failures(stage) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_deploy_that_was_stopped(stage: Stage, number: signal.Signals) -> None:
    stage.history(TABLE, STOP)
    with stage.stopping():
        deploy = stage.start()
        stage.until(STOPPED, deploy)
        deploy.send(number)
        deploy.end(130)
    ((revision, *_, reason, code, _),) = failures(stage)
    assert (revision, reason, code) == ("step2", "interrupted.", "130")


def test_a_verification_that_fails(stage: Stage) -> None:
    """It is logged, and what is to be verified stays so."""
    stage.history(TABLE)
    stage.run(code=1, MIGRATOR_SMOKE_SQL="SELECT false")
    ((revision, _, step, reason, *_),) = failures(stage)
    assert (revision, step, reason) == ("step1", "verify", "smoke_sql gave False.")
    assert "the target is reached" in stage.run(MIGRATOR_SMOKE_SQL="SELECT true")
    assert "Nothing to do" in stage.run()


def test_a_rollback_that_fails_or_is_not_confirmed(stage: Stage) -> None:
    stage.history(TABLE, ROW, downgrade=execute("SELECT 1 / 0"))
    stage.run()
    stage.run("--to", "step1", command="rollback", code=2)
    assert failures(stage) == []
    stage.run("--to", "step1", "--yes", command="rollback", code=1)
    ((revision, direction, step, reason, *_),) = failures(stage)
    assert (revision, direction, step) == ("step2", "failed downgrade", "apply")
    assert reason == "division by zero."


def test_a_database_that_nobody_has_verified(stage: Stage) -> None:
    """A failure creates the log, and the database is still verified once."""
    stage.begin("CREATE TABLE rows (n int)")
    stage.history("pass")
    stage.run(code=1, MIGRATOR_SMOKE_SQL="SELECT false")
    stage.run(code=1, MIGRATOR_SMOKE_SQL="SELECT false")
    assert "the target is reached" in stage.run()
    assert "Nothing to do" in stage.run()
    stage.history("pass", execute("SELECT 1 / 0"))
    stage.run(code=1)
    stage.history("pass")
    assert "Nothing to do" in stage.run()


@pytest.mark.parametrize("columns", [("failure",), ("failure", "unfinished_before", "verified")])
def test_a_log_of_an_older_version(stage: Stage, columns: tuple[str, ...]) -> None:
    stage.history(TABLE)
    stage.run()
    with stage.connect() as connection:
        for column in columns:
            connection.execute(f"ALTER TABLE migration_log DROP COLUMN {column}")
    assert "step1" in stage.run(command="log")
    assert "Nothing to do" in stage.run()
    stage.history(TABLE, execute("SELECT 1 / 0"))
    stage.run(code=1)
    assert [each[0] for each in failures(stage)] == ["step2"]
    stage.history(TABLE, ROW)
    stage.run()


def test_a_log_that_cannot_be_written(stage: Stage) -> None:
    """The failure itself is what is said in the end."""
    stage.history(TABLE)
    stage.run()
    with stage.connect() as connection:
        connection.execute("ALTER TABLE migration_log ADD CHECK (failure IS NULL)")
    stage.history(TABLE, execute("SELECT 1 / 0"))
    output = stage.run(code=1)
    assert "This failure is not logged: " in output
    assert "Revision step2 failed: division by zero." in output
    assert stage.at == "step1"
    lines = stage.lines(code=1)
    assert "division by zero" in lines[-1]["message"]
    assert [line["status"] for line in lines if line["step"] == "log"] == ["warning"]


def test_no_log_is_no_log(stage: Stage) -> None:
    stage.history(TABLE, execute("SELECT 1 / 0"))
    stage.run("--no-log", code=1)
    assert stage.ask("SELECT to_regclass('migration_log')") == [(None,)]


def test_a_relation_that_is_not_the_log(stage: Stage) -> None:
    with stage.connect() as connection:
        connection.execute("CREATE TABLE migration_log (id int)")
    stage.history(TABLE)
    output = stage.run(code=5)
    assert "not logged" not in output
    assert stage.ask("SELECT count(*) FROM migration_log") == [(0,)]


LAST = """
import json, sys
from dataclasses import asdict
from alembic.config import Config
from migrator import database
from migrator.config.context import Context
from migrator.revisions import log_failures
with database.connect(Context.of(Config("alembic_prod.ini"))) as connection:
    found = log_failures.last(connection, limit=2)
print(json.dumps([asdict(each) for each in found], default=str))
"""


def last(project: Rendering, url: str) -> list[dict[str, Any]]:
    """What `log_failures.last` gives in a process of its own."""
    asked = project.run(shlex.join([".venv/bin/python", "-c", LAST]), env={"DATABASE_URL": url})
    assert asked.returncode == 0, asked.stderr
    return list(json.loads(asked.stdout))


def test_the_last_ones_as_data(stage: Stage) -> None:
    assert last(stage.project, stage.url) == []
    stage.history(TABLE, execute("SELECT 1 / 0"), ROW)
    for _ in range(3):
        stage.run(code=1)
    first, second = last(stage.project, stage.url)
    assert first["started_at"] > second["started_at"]
    assert (first["revision"], first["direction"], first["resolved"]) == ("step2", "upgrade", False)
    assert first["cause"] == {
        "step": "apply",
        "reason": "division by zero.",
        "exit_code": 1,
        "pending": ["step2", "step3"],
        "backup": "",
        "state": "",
    }
    stage.history(TABLE, ROW)
    stage.run()
    assert [each["resolved"] for each in last(stage.project, stage.url)] == [True, True]


def test_sqlite(light_stage: Stage, tmp_path: Path) -> None:
    light_stage.history(TABLE, steps(ROW, ROW))
    light_stage.run("--no-backup", code=1)
    with closing(sqlite3.connect(tmp_path / "deployed.db")) as connection:
        rows = connection.execute(
            "SELECT revision, direction, failure FROM migration_log ORDER BY id"
        ).fetchall()
    assert [row[:2] for row in rows] == [("step1", "upgrade"), ("step2", "failed upgrade")]
    assert json.loads(rows[1][2])["reason"] == "UNIQUE constraint failed: rows.n."
    assert "    apply: UNIQUE constraint failed: rows.n." in light_stage.run(command="log")
    (found,) = last(light_stage.project, light_stage.url)
    assert (found["revision"], found["cause"]["step"]) == ("step2", "apply")
