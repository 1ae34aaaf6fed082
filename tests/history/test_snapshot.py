"""schema.sql from the outside: as rendered, kept by make, checked, and never a surprise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import QUESTIONS, Render, Renderer, Rendering

COLUMN = '    nick: Mapped[str | None] = mapped_column(comment="昵称")\n'


@pytest.fixture(scope="module", params=QUESTIONS["database"])
def project(request: pytest.FixtureRequest, renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        yield renderer.ready(database=request.param)


@pytest.fixture(autouse=True)
def as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests share a project, so each puts back the files that it changed."""
    if "project" not in request.fixturenames:
        yield
        return
    project: Rendering = request.getfixturevalue("project")
    places = [project.path / "schema.sql", project.path / "app", project.path / "migrations"]
    before = {path: path.read_bytes() for path in files(places)}
    yield
    for path in files(places):
        if path not in before:
            path.unlink()
    for path, content in before.items():
        path.write_bytes(content)


def files(places: list[Path]) -> list[Path]:
    found = [path for place in places for path in (place, *place.rglob("*")) if path.is_file()]
    return [path for path in found if "__pycache__" not in path.parts]


def add_column(project: Rendering) -> None:
    user = project.path / "app/models/user.py"
    text = user.read_text(encoding="utf-8")
    user.write_text(text.rstrip("\n") + "\n" + COLUMN, encoding="utf-8")


def newest(project: Rendering) -> Path:
    first = "5f2c81d0a7e4"
    found = [p for p in (project.path / "migrations/versions").glob("*.py") if first not in p.name]
    assert len(found) == 1
    return found[0]


def databases(project: Rendering) -> set[str]:
    """The databases on the project's server; none for SQLite."""
    url = sa.make_url(project.make("--silent db-url").strip())
    if url.get_backend_name() == "sqlite":
        return set()
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            return set(connection.scalars(sa.text("SELECT datname FROM pg_database")))
    finally:
        engine.dispose()


def test_a_fresh_rendering_has_what_make_snapshot_writes(project: Rendering) -> None:
    rendered = project.read("schema.sql")
    recorded = project.read("migrations/catalog.txt")
    assert project.make("snapshot") == "The snapshot is up to date.\n"
    (project.path / "schema.sql").unlink()
    (project.path / "migrations/catalog.txt").unlink()
    assert "Wrote catalog.txt and schema.sql" in project.make("snapshot")
    assert project.read("schema.sql") == rendered
    assert project.read("migrations/catalog.txt") == recorded


def test_it_tells_the_tables_and_nothing_of_the_server(project: Rendering) -> None:
    text = project.read("schema.sql")
    for name in ("invoices", "teams", "users", "ix_users_team_id", "uq_teams_name"):
        assert name in text
    for word in ("alembic_version", "Dumped", "restrict ", "Owner", "OWNER TO", "search_path"):
        assert word not in text
    assert not re.search(r"\d+\.\d+ ", text)


def test_make_revision_keeps_it(project: Rendering) -> None:
    before = databases(project)
    add_column(project)
    printed = project.make("revision m='add nick'")
    assert "Wrote catalog.txt and schema.sql" in printed
    assert re.search(r"\bnick\b", project.read("schema.sql"))
    if project.answers["database"] == "postgresql":
        assert "昵称" in project.read("schema.sql")
    project.make("snapshot")
    assert databases(project) == before, "a shadow database is left"
    # The new revision is written and shown, but not applied: that is `make migrate`.
    assert "base" in project.make("current")
    assert project.run(".venv/bin/python -m migrator snapshot --check").returncode == 0


def test_a_revision_edited_by_hand_makes_it_stale(project: Rendering) -> None:
    add_column(project)
    project.make("revision m='add nick'")
    text = newest(project).read_text(encoding="utf-8")
    newest(project).write_text(text.replace("nick", "nickname"), encoding="utf-8")
    before = project.read("schema.sql")
    done = project.run(".venv/bin/python -m migrator snapshot --check")
    assert done.returncode == 1
    assert "catalog.txt is stale" in done.stderr
    assert "make snapshot" in done.stderr
    assert re.search(r"nick is in catalog.txt, but not in the revisions", done.stderr)
    assert re.search(r"nickname is in the revisions, but not in catalog.txt", done.stderr)
    assert project.read("schema.sql") == before
    project.make("snapshot")
    assert project.run(".venv/bin/python -m migrator snapshot --check").returncode == 0


def test_make_check_says_when_it_is_stale(project: Rendering) -> None:
    schema = project.path / "schema.sql"
    assert project.run("make check-migrations").returncode == 0
    schema.write_text(project.read("schema.sql").replace("200", "201"), encoding="utf-8")
    done = project.run("make check-migrations")
    assert done.returncode == 2
    assert "drift: schema.sql is stale" in done.stderr


def test_a_long_difference_is_cut(project: Rendering) -> None:
    schema = project.path / "schema.sql"
    header = project.read("schema.sql").partition("\n\n")[0]
    schema.write_text(header + "\n\n" + "-- old\n" * 100, encoding="utf-8")
    done = project.run(".venv/bin/python -m migrator snapshot --check")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) < 50
    assert "lines more" in done.stderr


def test_a_conflict_in_it_is_known_and_mended(project: Rendering) -> None:
    whole = project.read("schema.sql")
    conflict = f"<<<<<<< HEAD\n{whole}=======\nCREATE TABLE x ();\n>>>>>>> other\n"
    (project.path / "schema.sql").write_text(conflict, encoding="utf-8")
    done = project.run(".venv/bin/python -m migrator snapshot --check")
    assert done.returncode == 1
    assert "has a conflict from a merge in it: run `make snapshot`" in done.stderr
    project.make("snapshot")
    assert project.read("schema.sql") == whole


def test_who_does_not_want_it_deletes_it(project: Rendering) -> None:
    (project.path / "schema.sql").unlink()
    project.make("check-migrations")
    add_column(project)
    project.make("revision m='add nick'")
    assert not (project.path / "schema.sql").exists()
    done = project.run(".venv/bin/python -m migrator snapshot --check")
    assert done.returncode == 0
    assert done.stdout == "catalog.txt matches the revisions.\n"


def test_somebody_else_s_file_is_not_overwritten(project: Rendering) -> None:
    (project.path / "schema.sql").write_text("CREATE TABLE mine ();\n", encoding="utf-8")
    done = project.run(".venv/bin/python -m migrator snapshot")
    assert done.returncode == 5
    assert "was not written by this tool" in done.stderr
    assert project.read("schema.sql") == "CREATE TABLE mine ();\n"


@pytest.mark.parametrize("broken", ["nonsense()", 'op.execute("SELECT nothing")'])
def test_a_revision_that_cannot_be_applied_leaves_it_alone(project: Rendering, broken: str) -> None:
    before = project.read("schema.sql"), databases(project)
    project.make("empty-revision m='broken'")
    text = newest(project).read_text(encoding="utf-8")
    newest(project).write_text(text.replace("pass", broken, 1), encoding="utf-8")
    done = project.run(".venv/bin/python -m migrator snapshot")
    assert done.returncode == 1
    assert "cannot be applied to an empty database" in done.stderr
    assert "nothing" in done.stderr or "nonsense" in done.stderr
    assert "Traceback" not in done.stderr
    assert (project.read("schema.sql"), databases(project)) == before


def test_it_is_the_same_whatever_the_database_is_at(project: Rendering) -> None:
    """Neither the development database nor the variables of a deploy lead it astray."""
    project.make("migrate")
    url = project.make("--silent db-url").strip()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE stray (id INTEGER)"))
    engine.dispose()
    env: dict[str, str | None] = {"MIGRATION_DATABASE_URL": url, "DATABASE_URL": url}
    done = project.run(".venv/bin/python -m migrator snapshot --check", env=env)
    assert done.returncode == 0, done.stderr
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE stray"))
    engine.dispose()


def test_production_is_no_place_for_it(project: Rendering) -> None:
    url = project.make("--silent db-url").strip()
    done = project.run(
        ".venv/bin/python -m migrator -c alembic_prod.ini snapshot", env={"DATABASE_URL": url}
    )
    assert done.returncode == 5
    assert "production" in done.stderr


def test_two_heads_are_shown_together_and_merged(project: Rendering) -> None:
    """Two branches that met: their revisions, then the merge, which changes no schema."""
    first = "5f2c81d0a7e4"
    for name in ("left", "right"):
        project.run(
            f"{project.path}/.venv/bin/python -m alembic revision -m {name} --head {first} --splice"
        )
    written = [
        p for p in (project.path / "migrations/versions").glob("*.py") if first not in p.name
    ]
    assert len(written) == 2
    for path in written:
        table = "one" if "left" in path.name else "other"
        text = path.read_text(encoding="utf-8")
        made = f'op.execute("CREATE TABLE {table} (id INTEGER)")'
        path.write_text(text.replace("pass", made, 1), encoding="utf-8")
    assert "Wrote catalog.txt and schema.sql" in project.make("merge m=merge")
    assert "one" in project.read("schema.sql") and "other" in project.read("schema.sql")


def test_an_account_that_may_not_create_databases_is_told_so(ready: Render) -> None:
    project = ready()
    url = sa.make_url(project.make("--silent db-url").strip())
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text("CREATE ROLE modest LOGIN PASSWORD 'geheim'"))
    engine.dispose()
    modest = url.set(username="modest", password="geheim").render_as_string(hide_password=False)
    ini = project.path / "alembic.ini"
    text = re.sub(
        "^sqlalchemy.url = .*$", f"sqlalchemy.url = {modest}", ini.read_text(), flags=re.M
    )
    ini.write_text(text)
    done = project.run(".venv/bin/python -m migrator snapshot")
    assert done.returncode == 1
    assert "CREATEDB" in done.stderr
    assert "geheim" not in done.stdout + done.stderr


def test_what_a_killed_command_left_is_removed(ready: Render) -> None:
    project = ready()
    url = sa.make_url(project.make("--silent db-url").strip())
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    gone, kept = (f"{url.database}_shadow_{letter * 12}" for letter in "ab")
    names = {gone, kept}
    other = f"{url.database}xshadowx"
    with engine.connect() as connection:
        for name in (*names, other):
            connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    used = sa.create_engine(url.set(database=kept))
    with used.connect():
        project.make("snapshot")
        left = databases(project)
    used.dispose()
    engine.dispose()
    assert left >= {other, kept}
    assert gone not in left
