"""`python -m migrator` as a program of its own: what start-up scripts and pipelines call."""

import subprocess

import pytest

from tests.conftest import Render, Rendering, users_environment

MIGRATOR = ".venv/bin/python -m migrator"


@pytest.fixture
def project(ready: Render) -> Rendering:
    return ready(database="sqlite")


def test_check_says_where_the_database_should_be(project: Rendering) -> None:
    done = project.run(f"{MIGRATOR} check")
    assert done.returncode == 3
    assert "is at base, this code expects 5f2c81d0a7e4" in done.stderr
    project.make("migrate")
    done = project.run(f"{MIGRATOR} check")
    assert (done.returncode, done.stderr) == (0, "")


def test_wait_ends_when_somebody_has_migrated(project: Rendering) -> None:
    waiting = subprocess.Popen(
        [*MIGRATOR.split(), "wait", "--timeout", "120"],
        cwd=project.path,
        env=users_environment({"PYTHONUNBUFFERED": "1"}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(timeout=2)
    project.make("migrate")
    assert waiting.wait(timeout=60) == 0, waiting.communicate()[0]


def test_wait_gives_up(project: Rendering) -> None:
    done = project.run(f"{MIGRATOR} wait --timeout 0")
    assert done.returncode == 3
    assert "Waited 0 s" in done.stderr


def test_the_configuration_may_be_named_after_the_command(project: Rendering) -> None:
    env: dict[str, str | None] = {"DATABASE_URL": f"sqlite:///{project.path}/named.db"}
    script = ".venv/bin/python scripts/deploy_migrations.py"
    assert "Done" in project.run(f"{script} -c alembic_prod.ini", env=env).stdout
    assert project.run(f"{MIGRATOR} plan -c alembic_prod.ini", env=env).returncode == 0
    done = project.run(f"{script} -c alembic_pro.ini", env=env)
    assert done.returncode == 2
    assert "There is no alembic_pro.ini" in done.stderr


def test_a_database_of_another_code(project: Rendering) -> None:
    project.make("migrate")
    (revision,) = (project.path / "migrations/versions").glob("*.py")
    text = revision.read_text("utf-8").replace("5f2c81d0a7e4", "0001")
    revision.write_text(text, "utf-8")
    done = project.run(f"{MIGRATOR} plan")
    assert done.returncode == 1
    assert "is at revision 5f2c81d0a7e4, which this code does not have" in done.stderr


def test_wrong_usage(project: Rendering) -> None:
    for arguments in ("", "destroy", "db", "wait --timeout soon"):
        done = project.run(f"{MIGRATOR} {arguments}")
        assert done.returncode == 2, arguments
        assert "usage:" in done.stderr
