"""Deploys that meet: one works, the others wait, and nobody does anything twice."""

import fcntl
import signal
from pathlib import Path

import pytest

from tests.conftest import Renderer
from tests.deploy.deploying import KEY, Stage, alone, execute

REVISIONS = [
    execute("CREATE TABLE steps (n int)"),
    execute("INSERT INTO steps SELECT generate_series(1, 1000)"),
    alone("CREATE INDEX CONCURRENTLY ix_steps_n ON steps (n)"),
    execute("INSERT INTO steps VALUES (0)"),
]
# A deploy that waits tries again, for longer than it may wait for one that does not back up.
STILL_WAITS = """
SELECT FROM pg_stat_activity WHERE application_name = 'migrate'
AND query LIKE '%pg_try_advisory_lock%' AND query_start > backend_start + interval '2 s'
"""


@pytest.fixture
def stage(stage: Stage) -> Stage:
    stage.history(*REVISIONS)
    return stage


@pytest.mark.parametrize("deployers", [3, 10])
def test_deployers_at_once(stage: Stage, deployers: int) -> None:
    """CREATE INDEX CONCURRENTLY among them: a lock that blocks would never let it end."""
    running = [stage.start() for _ in range(deployers)]
    outputs = [deploy.end() for deploy in running]
    assert sum(output.count(" applied ") for output in outputs) == len(REVISIONS), outputs
    assert stage.ask("SELECT count(*) FROM steps") == [(1001,)]
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_steps_n'::regclass"
    assert stage.ask(valid) == [(True,)]


def test_a_holder_that_never_ends(stage: Stage) -> None:
    with stage.connect(application_name="stuck") as holder:
        holder.execute(f"SELECT pg_advisory_lock({KEY})")
        output = stage.run(code=4, MIGRATOR_DEPLOY_LOCK_TIMEOUT="1")
        assert "Another deploy still has the lock after 1 s of waiting: " in output
        assert f"process {holder.info.backend_pid} (stuck" in output
        assert stage.at == ""
    stage.run()


def test_the_time_of_a_backup_does_not_count(stage: Stage, tmp_path: Path) -> None:
    """Whoever waits would fail while the first deploy of a large database still goes well."""
    stage.begin("CREATE TABLE steps (n int)")
    backup = {"MIGRATOR_BACKUP": "true", "MIGRATOR_BACKUP_FOLDER": str(tmp_path)}
    with stage.holding("LOCK TABLE steps"):  # which pg_dump wants to read
        first = stage.start(**backup)
        stage.until("SELECT FROM pg_stat_activity WHERE application_name = 'pg_dump'", first)
        second = stage.start(**backup, MIGRATOR_DEPLOY_LOCK_TIMEOUT="1")
        second.until_it_says("Waiting for another deploy, which is backing up: process")
        stage.until(STILL_WAITS, second)
    assert first.end().count(" applied ") == 3
    assert "Nothing left to do" in second.end()


def test_a_holder_that_hangs_after_its_backup(stage: Stage) -> None:
    with stage.connect(application_name="migrate:backup") as holder:
        holder.execute(f"SELECT pg_advisory_lock({KEY})")
        deploy = stage.start(MIGRATOR_DEPLOY_LOCK_TIMEOUT="1")
        deploy.until_it_says("which is backing up")
        stage.until(STILL_WAITS, deploy)
        holder.execute("SET application_name = 'migrate'")
        output = deploy.end(code=4)
    assert "after 1 s of waiting (and " in output
    assert " s during its backup): process" in output


def test_with_nothing_to_do_nobody_waits(stage: Stage) -> None:
    stage.begin(at="step4")
    assert "Nothing to apply, but to verify" in stage.run()  # nobody has, so far
    with stage.connect() as holder:
        holder.execute(f"SELECT pg_advisory_lock({KEY})")
        assert "Nothing to do" in stage.run(MIGRATOR_DEPLOY_LOCK_TIMEOUT="1")


def test_on_sqlite_it_is_a_file(renderer: Renderer) -> None:
    with renderer.stopping():
        project = renderer.ready(database="sqlite")
        for path in (project.path / "migrations/versions").glob("*.py"):
            path.unlink()
        file = project.path / "deployed.db"
        stage = Stage(project, "", f"sqlite:///{file}")
        stage.history(REVISIONS[0], REVISIONS[3])
        running = [stage.start() for _ in range(3)]
        outputs = [deploy.end() for deploy in running]
        assert sum(output.count(" applied ") for output in outputs) == 2, outputs
        file.unlink()
        with Path(f"{file}.deploy-lock").open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            output = stage.run(code=4, MIGRATOR_DEPLOY_LOCK_TIMEOUT="1")
        assert "deployed.db.deploy-lock" in output
        assert not file.exists() or file.stat().st_size == 0


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_deploy_says_where_it_stands(stage: Stage, sent: signal.Signals) -> None:
    """And the statement that it was in does not go on without it."""
    stage.begin("CREATE TABLE steps (n int)")
    with stage.holding("LOCK TABLE steps"):  # the second revision waits for it
        deploy = stage.start("--no-blockers", MIGRATOR_LOCK_TIMEOUT="0")
        stage.until("SELECT FROM pg_locks WHERE NOT granted", deploy)
        deploy.send(sent)
        output = deploy.end(code=130)
        stage.until_quiet()
    assert "Stopped in revision step2. Its transaction was rolled back" in output
    assert "The database is at step1 (no revision was applied)" in output
    assert stage.at == "step1"
