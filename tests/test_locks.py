"""Deploys that meet: one works, the others wait, and nobody does anything twice."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import Render, Renderer, Rendering, users_environment

DEPLOY = [".venv/bin/python", "scripts/deploy_migrations.py"]
REVISION = '''"""step {number}"""

import sqlalchemy as sa
from alembic import op

revision = "step{number}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    pass
'''
STEPS = [
    'op.create_table("steps", sa.Column("n", sa.Integer()))',
    'op.execute("INSERT INTO steps SELECT generate_series(1, 1000)")',
    'with op.get_context().autocommit_block():\n        op.create_index("ix_steps_n", "steps", '
    '["n"], postgresql_concurrently=True)',
    'op.execute("INSERT INTO steps VALUES (0)")',
]
# The key as migrator/locks.py makes it, written down so that it cannot change unseen: two
# versions of the code that disagree about it would deploy side by side.
KEY = "hashtextextended('migrate/public/alembic_version', 0)"


def add_revisions(project: Rendering, steps: list[str]) -> None:
    before = "5f2c81d0a7e4"
    for number, step in enumerate(steps, start=1):
        text = REVISION.format(number=number, before=before, upgrade=step)
        (project.path / f"migrations/versions/step{number}.py").write_text(text, "utf-8")
        before = f"step{number}"


def start(project: Rendering, url: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        DEPLOY,
        cwd=project.path,
        env=users_environment({"DATABASE_URL": url, **more}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        project = renderer.ready()
        add_revisions(project, STEPS)
        project.make("db-start")
        yield project


@pytest.fixture
def url(project: Rendering) -> Iterator[str]:
    """A new database on the project's server."""
    server = project.make("-s db-url").strip().replace("+psycopg", "")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE deployed")
        yield server.rpartition("/")[0] + "/deployed"
        connection.execute("DROP DATABASE deployed WITH (FORCE)")


@pytest.mark.parametrize("deployers", [3, 10])
def test_deployers_at_once(project: Rendering, url: str, deployers: int) -> None:
    """CREATE INDEX CONCURRENTLY among them: a lock that blocks would never let it end."""
    running = [start(project, url) for _ in range(deployers)]
    outputs = [process.communicate(timeout=300)[0] for process in running]
    assert [process.returncode for process in running] == [0] * deployers, outputs
    applied = [line for output in outputs for line in output.splitlines() if "applied" in line]
    assert len(applied) == len(STEPS) + 1, outputs
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT count(*) FROM steps").fetchone()
        assert rows == (1001,)
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_steps_n'::regclass"
        assert connection.execute(valid).fetchone() == (True,)


def test_a_holder_that_never_ends(project: Rendering, url: str) -> None:
    with psycopg.connect(url, autocommit=True, application_name="stuck") as holder:
        holder.execute(f"SELECT pg_advisory_lock({KEY})")
        deploy = start(project, url, MIGRATOR_DEPLOY_LOCK_TIMEOUT="1")
        output = deploy.communicate(timeout=60)[0]
        assert deploy.returncode == 4, output
        assert "Another deploy has had the lock" in output
        assert f"process {holder.info.backend_pid} (stuck" in output
        assert holder.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,)
    deploy = start(project, url)
    assert deploy.wait(timeout=60) == 0, deploy.communicate()[0]


def test_a_killed_deploy_leaves_no_lock(project: Rendering, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as other, other.transaction(force_rollback=True):
        other.execute("CREATE TABLE teams ()")  # the first revision waits for its name
        deploy = start(project, url, MIGRATOR_LOCK_TIMEOUT="0")
        while not other.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
            assert deploy.poll() is None, deploy.communicate()[0]
            time.sleep(0.05)
        deploy.kill()
        deploy.wait()
    again = start(project, url, MIGRATOR_DEPLOY_LOCK_TIMEOUT="30")
    output = again.communicate(timeout=60)[0]
    assert again.returncode == 0, output


def test_with_nothing_to_do_nobody_waits(project: Rendering, url: str) -> None:
    assert start(project, url).wait(timeout=60) == 0
    with psycopg.connect(url, autocommit=True) as holder:
        holder.execute(f"SELECT pg_advisory_lock({KEY})")
        deploy = start(project, url, MIGRATOR_DEPLOY_LOCK_TIMEOUT="1")
        assert "Nothing to do" in deploy.communicate(timeout=60)[0]
        assert deploy.returncode == 0


def test_on_sqlite_it_is_a_file(ready: Render) -> None:
    project = ready(database="sqlite")
    add_revisions(project, [STEPS[0], 'op.execute("INSERT INTO steps VALUES (1)")'])
    url = f"sqlite:///{project.path / 'deployed.db'}"
    running = [start(project, url) for _ in range(3)]
    outputs = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], outputs
    assert sum(output.count("applied") for output in outputs) == 3, outputs
    code = (
        "import fcntl, sys, time\n"
        "f = open(sys.argv[1])\n"
        "fcntl.flock(f, fcntl.LOCK_EX)\n"
        "print(flush=True)\n"
        "time.sleep(60)\n"
    )
    (project.path / "deployed.db").unlink()
    lock = str(project.path / "deployed.db.deploy-lock")
    with subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        deploy = start(project, url, MIGRATOR_DEPLOY_LOCK_TIMEOUT="1")
        output = deploy.communicate(timeout=60)[0]
        holder.kill()
    assert deploy.returncode == 4, output
    assert "deployed.db.deploy-lock" in output


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_deploy_says_where_it_stands(
    project: Rendering, url: str, sent: signal.Signals
) -> None:
    """And the statement that it was in does not go on without it."""
    with psycopg.connect(url, autocommit=True) as other:
        with other.transaction(force_rollback=True):
            other.execute("CREATE TABLE steps ()")  # the second revision waits for its name
            deploy = start(project, url, MIGRATOR_LOCK_TIMEOUT="0")
            while not other.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
                assert deploy.poll() is None, deploy.communicate()[0]
                time.sleep(0.05)
            deploy.send_signal(sent)
            output = deploy.communicate(timeout=30)[0]
            left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'migrate'"
            assert other.execute(left).fetchone() == (0,)
        assert deploy.returncode == 130, output
        assert "Stopped in revision step1, whose transaction was rolled back" in output
        assert "The database is at 5f2c81d0a7e4 (1 of 5 revisions stand)" in output
        assert "Traceback" not in output
