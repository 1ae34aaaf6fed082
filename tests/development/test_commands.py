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
    assert "The database is at" in project.run(f"{script} -c alembic_prod.ini", env=env).stdout
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


BROKEN = {
    "syntax": ("def (\n", "A revision file cannot be read: broken.py: SyntaxError"),
    "variable": (
        "import os\n\nx = os.environ['NOWHERE']\n",
        "A revision file cannot be read: broken.py: KeyError: 'NOWHERE'",
    ),
    "parent": ('revision = "b"\ndown_revision = "gone"\n', "'gone' is missing, but another"),
    "copy": (
        'revision = "5f2c81d0a7e4"\ndown_revision = None\n',
        "Two files have the same revision",
    ),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_revision_file_is_one_sentence(project: Rendering, text: str, said: str) -> None:
    (project.path / "migrations/versions/broken.py").write_text(text, "utf-8")
    done = project.run(f"{MIGRATOR} plan")
    assert done.returncode == 1
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_alembic_ends_with_the_documented_exit_codes(project: Rendering) -> None:
    assert project.run(".venv/bin/alembic -c alembic_prod.ini upgrade head").returncode == 2
    project.make("migrate")
    (project.path / "app/models/billing/invoice.py").unlink()
    done = project.run(".venv/bin/alembic revision --autogenerate -m x")
    assert done.returncode == 5
    assert done.stdout.count("would drop invoices") == 1


@pytest.mark.parametrize("url", ["mysql://u:geheim@h/d", "sqlite://", "http://h"])
def test_databases_that_cannot_be(project: Rendering, url: str) -> None:
    done = project.run("make deploy", env={"DATABASE_URL": url})
    assert "Error 2" in done.stderr
    assert "not supported" in done.stderr or "in memory" in done.stderr
    assert "geheim" not in done.stderr
    assert not list(project.path.glob("*.deploy-lock"))


def test_an_error_of_the_database_is_one_paragraph(project: Rendering) -> None:
    project.make("empty-revision m=wrong")
    name = max((project.path / "migrations/versions").glob("*wrong.py"))
    text = name.read_text("utf-8").replace("    pass", '    op.execute("SELECT nonsense")', 1)
    name.write_text(text, "utf-8")
    done = project.run("make migrate")
    assert "no such column: nonsense" in done.stdout
    assert "The statement was: SELECT nonsense" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_variables_of_the_environment_are_not_arguments(project: Rendering) -> None:
    project.make("migrate")
    env: dict[str, str | None] = {"to": "base", "PYTHON": "3.12", "m": "x"}
    assert "5f2c81d0a7e4" in project.make("current", env=env)
    assert "Nothing is pending" in project.make("plan", env=env)
    assert "needs a message" in project.run("make revision", env=env).stderr


def test_merging(project: Rendering) -> None:
    assert "nothing to merge" in project.make("merge m=x")
    for name in ("left", "right"):
        text = f'revision = "{name}"\ndown_revision = "5f2c81d0a7e4"\n'
        text += "def upgrade() -> None: ...\ndef downgrade() -> None: ...\n"
        (project.path / f"migrations/versions/{name}.py").write_text(text, "utf-8")
    assert "make merge" in project.run("make migrate").stdout
    project.make("merge m=joined")
    project.make("migrate")
    assert "to=REV" in project.run("make downgrade").stdout
    project.make("test")
