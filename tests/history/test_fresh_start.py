"""Beginning the history anew: `make squash from=database`, and what happens by hand without it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import Renderer, Rendering

FIRST = "5f2c81d0a7e4"
COMMAND = ".venv/bin/python -m migrator squash -m 起点 --from database"


@pytest.fixture
def project(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        project = renderer.ready()
        renderer.serve(project)
        yield project


@pytest.fixture
def url(project: Rendering) -> str:
    """A database at the first revision, with what no model describes."""
    server = project.database_url()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE anew")
    url = server.rpartition("/")[0] + "/anew"
    project.make("migrate", env={"DATABASE_URL": url})
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO teams (name) VALUES ('研发')")
        connection.execute("CREATE VIEW named AS SELECT name FROM teams")
    return url


def squash(project: Rendering, url: str, words: str = "") -> subprocess.CompletedProcess[str]:
    return project.run(f"{COMMAND} {words}", env={"DATABASE_URL": url})


def versions(project: Rendering) -> list[str]:
    found = (project.path / "migrations/versions").glob("*.py")
    return sorted(path.name for path in found)


def at(url: str) -> list[tuple[str]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchall()


def test_after_all_revisions_were_deleted(project: Rendering, url: str) -> None:
    """As tutorials have it: rm versions/*.py. Databases are then at a revision that is no more."""
    for name in versions(project):
        (project.path / "migrations/versions" / name).unlink()
    refused = squash(project, url)
    assert refused.returncode == 5, refused.stdout + refused.stderr
    assert versions(project) == []
    done = squash(project, url, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Databases at {FIRST} need no action" in done.stdout
    assert "  view public.named\n" in done.stdout
    assert "The models differ" not in done.stdout and "be compared" not in done.stderr
    (name,) = versions(project)
    assert FIRST in name
    assert at(url) == [(FIRST,)]
    plan = project.run("make plan", env={"DATABASE_URL": url})
    assert (plan.returncode, "Nothing is pending" in plan.stdout) == (0, True), plan.stdout
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT name FROM named").fetchall() == [("研发",)]
    project.make("snapshot")
    assert "agree" in project.make("check-migrations")


def test_after_a_new_revision_was_written_by_hand(project: Rendering, url: str) -> None:
    """rm, then autogenerate: the new revision has another name, and every database is lost."""
    commit = "git -c user.name=x -c user.email=x@example.org commit --quiet --message x"
    for command in ("git init --quiet", "git add migrations", commit):
        assert project.run(command).returncode == 0
    for name in versions(project):
        (project.path / "migrations/versions" / name).unlink()
    project.make('revision m="anew"', env={"DATABASE_URL": url})
    (by_hand,) = versions(project)
    for command in ("git add migrations", commit):
        assert project.run(command).returncode == 0
    for command in ("make plan", "make migrate"):
        lost = project.run(command, env={"DATABASE_URL": url})
        assert lost.returncode != 0
        assert 'make squash m="start" from=database' in lost.stdout + lost.stderr, lost.stderr
    project.make('squash m="start" from=database yes=1', env={"DATABASE_URL": url})
    (name,) = versions(project)
    assert name != by_hand and FIRST in name
    assert project.run("make plan", env={"DATABASE_URL": url}).returncode == 0


def test_a_history_that_no_longer_runs(project: Rendering, url: str) -> None:
    """A squash replays it; a fresh start does not."""
    project.make('empty-revision m="once"')
    (new,) = [name for name in versions(project) if FIRST not in name]
    path = project.path / "migrations/versions" / new
    text = path.read_text("utf-8")
    body = (
        '    op.execute("UPDATE teams SET name = name WHERE 1 / (SELECT count(*) FROM teams) = 1")'
    )
    path.write_text(text.replace("    pass", body, 1), "utf-8")
    env = {"DATABASE_URL": url}
    pending = squash(project, url, "--yes")
    assert pending.returncode == 3, pending.stderr
    assert f"Your database is at {FIRST}, and the newest revision is" in pending.stderr
    project.make("upgrade", env=env)
    assert project.run("make squash m=x", env=env).returncode != 0
    done = squash(project, url, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    (name,) = versions(project)
    assert f'replaces: tuple[str, ...] = ("{FIRST}",)' in (
        project.path / "migrations/versions" / name
    ).read_text("utf-8").replace("(\n    ", "(").replace(",\n)", ",)")
    assert project.run("make plan", env=env).returncode == 0


def test_not_without_tables_nor_with_the_production_ini(project: Rendering, url: str) -> None:
    server = project.database_url()
    before = versions(project)
    empty = squash(project, server, "--yes")
    assert empty.returncode == 2, empty.stderr
    assert "has no tables" in empty.stderr
    ignored = squash(project, url, "--yes --keep-data all")
    assert ignored.returncode == 2
    assert "replays no revision" in ignored.stderr
    prod = ".venv/bin/python -m migrator -c alembic_prod.ini squash -m x --from database --yes"
    assert project.run(prod, env={"DATABASE_URL": url}).returncode == 5
    assert versions(project) == before
