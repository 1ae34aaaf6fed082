"""What a deploy says: no secrets, no rows, and nothing of a database that it did not look at."""

from __future__ import annotations

import os
import re
import shlex
import time
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.deploying import KEY, Stage, alone, execute, steps

ROWS = "CREATE TABLE rows (n int NOT NULL, email text)"
TABLE = execute(ROWS)
SECRET = "s3cr3t/p@ss"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://postgres:{SECRET}@db.example.com:5432/app is not there",
        f"connection failed: host=db password={SECRET} user=x",
        f"CREATE ROLE x PASSWORD '{SECRET}' failed",
        f"api_key: '{SECRET}'",
    ],
)
@pytest.mark.parametrize("json", [False, True])
def test_no_secret_of_a_revision(stage: Stage, text: str, json: bool, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    stage.history(TABLE, f"raise RuntimeError({text!r})")
    arguments = ["--json"] if json else []
    deploy = stage.start(*arguments, GITHUB_STEP_SUMMARY=str(summary))
    said, errors = deploy.process.communicate(timeout=60)
    output = said + (errors or "") + summary.read_text("utf-8")
    assert deploy.process.returncode == 1
    assert "Revision step2 failed: RuntimeError: " in output
    assert "***" in output
    assert "s3cr3t" not in output
    assert "p@ss" not in output


def test_no_secret_of_a_statement(stage: Stage) -> None:
    """Also of those that stay committed."""
    role = alone(f"CREATE ROLE told PASSWORD '{SECRET}'")
    stage.history(TABLE, steps(role, execute("SELECT 1 / 0")))
    try:
        output = stage.run(code=1)
    finally:
        with stage.connect() as admin:
            admin.execute("DROP ROLE IF EXISTS told")
    assert "CREATE ROLE told PASSWORD ***" in output
    assert "s3cr3t" not in output


ROW = [
    execute("INSERT INTO rows VALUES (NULL, 'anna@example.org')"),
    execute("CREATE UNIQUE INDEX twice ON rows (email)"),
    execute("ALTER TABLE rows ADD CHECK (email = '')"),
    execute("ALTER TABLE rows ALTER email TYPE int USING email::int"),
    execute("UPDATE rows SET n = email::date - current_date"),
    execute("SELECT email::json FROM rows"),
    "op.get_bind().exec_driver_sql(\"SELECT 'anna@example.org' FROM nosuch\")",
]


@pytest.mark.parametrize("change", ROW)
def test_no_row(stage: Stage, change: str) -> None:
    stage.history(TABLE, execute("INSERT INTO rows VALUES (1, 'anna@example.org'), (2, "
                                 "'anna@example.org')"), change)  # fmt: skip
    output = stage.run(code=1)
    assert "Revision step3 failed: " in output
    assert "anna" not in output
    assert "DETAIL" not in output
    assert "anna" in stage.run("--no-rows", "--show-queries", code=1) or "CHECK" in change


def test_what_depends_on_it_is_named(stage: Stage) -> None:
    """Which is no row."""
    stage.history(
        TABLE, execute("CREATE VIEW looks AS SELECT * FROM rows"), execute("DROP TABLE rows")
    )
    assert "view looks depends on table rows" in stage.run(code=1)


def test_the_database_moves_while_it_waits(stage: Stage) -> None:
    """What it then has to do, it says, checks and lints, as if it had been announced."""
    stage.history(
        TABLE, execute("ALTER TABLE rows ADD a int"), execute("ALTER TABLE rows ADD b int")
    )
    stage.run("--to", "step2")
    with stage.connect() as other:
        other.execute(f"SELECT pg_advisory_lock({KEY})")
        deploy = stage.start()
        deploy.until_it_says("Waiting for another deploy")
        other.execute("UPDATE alembic_version SET version_num = 'step1'")
        other.execute("ALTER TABLE rows DROP COLUMN a")
    output = deploy.end()
    moved = "While this deploy waited for the lock, the database went from step2 to step1"
    _, found, after = output.partition(moved)
    assert found
    assert "The database is at step1; 2 to apply:" in after
    assert after.count("check ") == 1
    assert after.count("lint ") == 1
    assert stage.at == "step3"


def test_what_it_finds_after_the_lock_is_refused(stage: Stage) -> None:
    """It was linted, too late to be announced, but before anything happens."""
    stage.history(TABLE, execute("DROP TABLE IF EXISTS other"), execute("SELECT 1"))
    stage.run("--to", "step2")
    with stage.connect() as other:
        other.execute("CREATE TABLE other AS SELECT 1 AS id")  # by hand, or nothing is lost
        other.execute(f"SELECT pg_advisory_lock({KEY})")
        deploy = stage.project.start(
            [".venv/bin/python", "-m", "migrator", "-c", "alembic_prod.ini", "deploy"],
            env={"DATABASE_URL": stage.url, "MIGRATOR_BACKUP": "false", "MIGRATOR_DRIFT": "false"},
            together=True,
        )
        stage.until("SELECT FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock%'"
                    " AND application_name = 'migrate'")  # fmt: skip
        other.execute("UPDATE alembic_version SET version_num = 'step1'")
        time.sleep(1)
    said, _ = deploy.communicate(timeout=60)
    assert deploy.returncode == 5, said
    assert "step2: ban-drop-table" in said
    assert stage.at == "step1"


def test_stamped_and_empty(stage: Stage) -> None:
    """A database that nobody has verified is verified, once."""
    stage.history(TABLE, execute("SELECT 1"))
    stage.begin(at="step2")
    wrong: dict[str, Any] = {"MIGRATOR_SMOKE_SQL": "SELECT to_regclass('rows') IS NOT NULL"}
    output = stage.run(code=1, **wrong)
    assert "Not verified: smoke_sql gave False. The database is at step2" in output
    with stage.connect() as admin:
        admin.execute(ROWS)
    assert "smoke_sql succeeds" in stage.run(**wrong)
    assert "Nothing to do" in stage.run(MIGRATOR_SMOKE_SQL="SELECT false")


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        ("CREATE TABLE migration_log (id int, text text)", "table"),
        ("CREATE VIEW migration_log AS SELECT 1 AS id, 'a'::text AS revision", "view"),
        ("CREATE MATERIALIZED VIEW migration_log AS SELECT 1 AS id", "relation"),
        ("CREATE SEQUENCE migration_log", "sequence"),
    ],
)
def test_a_migration_log_of_somebody_else(stage: Stage, made: str, kind: str) -> None:
    stage.history(TABLE, execute("SELECT 1"))
    stage.begin(ROWS, made)
    looks = "SELECT relkind, relnatts, relfilenode FROM pg_class WHERE relname = 'migration_log'"
    before = stage.ask(looks)
    output = stage.run(code=5)
    assert "migration_log in the database that is not the migration log of this tool" in output
    assert "Nothing was changed" in output
    assert stage.at == "step1"
    stage.run("--no-log")
    assert stage.at == "step2"
    assert stage.ask(looks) == before


def test_the_backup_of_this_run_stays(stage: Stage, tmp_path: Path) -> None:
    """Also if a clock was ahead when the others were made."""
    stage.history(TABLE)
    more: dict[str, Any] = {"MIGRATOR_BACKUP_FOLDER": str(tmp_path), "MIGRATOR_BACKUP_KEEP": "2"}
    stage.run(command="backup", **more)
    (first,) = tmp_path.iterdir()
    day = first.name.split("-")[-2][:8]
    ahead = []
    for year, seconds in (("2097", 10**9), ("2098", 2 * 10**9)):
        path = first.with_name(first.name.replace(day, f"{year}0901"))
        path.write_bytes(first.read_bytes())
        os.utime(path, (time.time() + seconds, time.time() + seconds))
        ahead.append(path)
    for _ in range(3):
        before = set(tmp_path.iterdir())
        output = stage.run(command="backup", **more)
        (new,) = set(tmp_path.iterdir()) - before
        assert str(new) in output
        assert len(list(tmp_path.iterdir())) == 2
    assert not set(ahead) & set(tmp_path.iterdir())


@pytest.mark.parametrize("where", ["> /dev/full", "| true"])
def test_a_deploy_whose_output_cannot_be_written_goes_on(stage: Stage, where: str) -> None:
    """On a full disk, or to a program that has ended: what it says is not what it does."""
    stage.history(TABLE, execute("ALTER TABLE rows ADD extra int"))
    env = {"DATABASE_URL": stage.url, "MIGRATOR_DRIFT": "false", "MIGRATOR_BACKUP": "false"}
    python = ".venv/bin/python -m migrator -c alembic_prod.ini"
    for command, code in (("deploy --no-lint", 0), ("status", 1)):
        line = f"{{ {python} {command}; echo code $? >&2; }} {where}"
        done = stage.project.run(f"sh -c {shlex.quote(line)}", env=env)
        assert "Traceback" not in done.stderr
        assert f"{command.split()[0]}: not all of the output could be written (" in done.stderr
        assert f"code {code}\n" in done.stderr
    assert stage.at == "step2"
    assert stage.ask("SELECT count(*) FROM migration_log WHERE verified = 'yes'") == [(2,)]


def test_quiet_and_verbose(stage: Stage) -> None:
    """Only the result; or also the statements, without the values of their parameters."""
    insert = (
        "op.get_bind().execute(sqlalchemy.text('INSERT INTO rows VALUES (1, :it)'), {'it': 'anna'})"
    )
    stage.history(TABLE, steps("import sqlalchemy", insert), execute("SELECT 1 / 0"))
    output = stage.run("--quiet", "--to", "step1")
    assert re.fullmatch(r"done     The database is at step1: 1 revision in .* s\.\n", output)
    output = stage.run("-v", "--to", "step2")
    assert f"sql      {ROWS}\n" not in output and "sql      INSERT INTO rows VALUES (1, " in output
    assert "applied step2" in output and "anna" not in output and "pg_stat_activity" not in output
    output = stage.run("-q", code=1)
    assert output.startswith("deploy: Revision step3 failed: division by zero.")
    assert "Nothing to do" in stage.run("-q", "--to", "step2")
    assert "not allowed with argument" in stage.run("-q", "-v", code=2)


def test_quiet_and_verbose_by_make(light_stage: Stage) -> None:
    """Also for the targets that call Alembic."""
    light_stage.history(TABLE, downgrade=execute("DROP TABLE rows"))
    project, env = light_stage.project, {"DATABASE_URL": light_stage.url}
    told = project.run("make migrate v=1", env=env).stderr
    assert "sql      CREATE TABLE rows" in told and "Running upgrade" in told
    done = project.run("make downgrade to=base q=1", env=env)
    assert done.returncode == 0 and "Running" not in done.stdout + done.stderr
    done = project.run("make deploy q=1 args=--no-drift", env=env)
    assert done.stdout.startswith("done  ") and done.stdout.count("\n") == 1
