"""Alembic's own commands, typed with the ini file for deploys."""

from __future__ import annotations

import pytest

from tests.deploy.deploying import KEY, STOP, STOPPED, Stage, execute

ALEMBIC = ".venv/bin/python -m alembic -c alembic_prod.ini"


def typed(stage: Stage, arguments: str, code: int = 0, **variables: str) -> str:
    """Runs alembic with the ini file for deploys, and returns what it said."""
    done = stage.project.run(f"{ALEMBIC} {arguments}", env={"DATABASE_URL": stage.url, **variables})
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def stage(stage: Stage) -> Stage:
    """A table with a row; step2 is for expand, step3 for contract."""
    stage.history(
        execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)"),
        execute("CREATE TABLE more (id int)"),
        f'globals()["phase"] = "contract"; {execute("CREATE TABLE last (id int)")}',
        downgrade=execute("DROP TABLE IF EXISTS last, more, kept"),
    )
    typed(stage, "upgrade step1")
    return stage


@pytest.mark.parametrize(
    "arguments",
    [
        "downgrade -1",
        "downgrade base",
        "stamp step2",
        "stamp --purge base",
        "-x by-hand=no downgrade base",
        "-x host=127.0.0.1 stamp base",
    ],
)
def test_what_takes_effect_at_once_is_refused(stage: Stage, arguments: str) -> None:
    said = typed(stage, arguments, code=5)
    assert "alembic_prod.ini is for deploys" in said and "make rollback to=REV" in said
    assert "Traceback" not in said
    assert stage.at == "step1"
    assert stage.ask("SELECT id FROM kept") == [(1,)]


def test_it_is_done_if_it_is_meant(stage: Stage) -> None:
    typed(stage, "-x by-hand=yes stamp step3")
    assert stage.at == "step3"
    typed(stage, "-x by-hand=yes stamp --purge step1")
    typed(stage, "-x by-hand=yes downgrade base")
    assert stage.at == ""
    assert stage.ask("SELECT to_regclass('kept')") == [(None,)]


def test_sql_is_only_printed(stage: Stage) -> None:
    assert "DROP TABLE IF EXISTS last" in typed(stage, "downgrade step1:base --sql")
    assert "INSERT INTO alembic_version" in typed(stage, "stamp step1 --sql")
    assert "CREATE TABLE more" in typed(stage, "upgrade step1:head --sql")
    assert stage.at == "step1"


@pytest.mark.parametrize("target", ["step2", "head", "+1"])
def test_an_upgrade_works_and_says_what_a_deploy_does_besides(stage: Stage, target: str) -> None:
    said = typed(stage, f"upgrade {target}")
    (line,) = [line for line in said.splitlines() if "deploy lock" in line]
    for what in ("backup", "blockers", "retries", "verifies", "migration log", "make deploy"):
        assert what in line
    assert stage.at == ("step3" if target == "head" else "step2")
    assert stage.ask("SELECT to_regclass('migration_log')") == [(None,)]


def test_an_upgrade_waits_for_a_deploy(stage: Stage) -> None:
    with stage.connect() as deploy:
        deploy.execute(f"SELECT pg_advisory_lock({KEY})")
        said = typed(stage, "upgrade head", code=4, MIGRATOR_DEPLOY_LOCK_TIMEOUT="1")
        assert "Another deploy still has the lock after" in said
        assert stage.at == "step1"
    typed(stage, "upgrade head")
    assert stage.at == "step3"


def test_a_deploy_waits_for_an_upgrade(stage: Stage) -> None:
    stage.history(STOP)
    typed(stage, "-x by-hand=yes stamp --purge base")
    with stage.stopping() as stop:
        patient = {"DATABASE_URL": stage.url, "MIGRATOR_LOCK_TIMEOUT": "50"}
        upgrade = stage.project.start([*ALEMBIC.split(), "upgrade", "head"], env=patient)
        stage.until(STOPPED)
        said = stage.run(code=4, MIGRATOR_DEPLOY_LOCK_TIMEOUT="1")
        assert "Another deploy still has the lock" in said
        stop.execute("SELECT pg_advisory_unlock_all()")
        upgrade.communicate(timeout=60)
        assert upgrade.wait() == 0
    assert stage.at == "step1"


def test_an_upgrade_has_the_lock_limits(stage: Stage) -> None:
    """A statement that would wait in front of everybody gives up after lock_timeout."""
    stage.history(
        execute("CREATE TABLE IF NOT EXISTS kept (id int)"),
        execute("ALTER TABLE kept ADD COLUMN more int"),
    )
    with stage.holding("LOCK TABLE kept IN ACCESS SHARE MODE"):
        said = typed(stage, "upgrade head", code=4)
        assert "lock" in said
        assert stage.at == "step1"
