"""make diagram from the outside: the page, when it is stale, and databases without a project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import QUESTIONS, Renderer, Rendering

PAGE = "docs/schema.md"
HOSTILE = """
CREATE TABLE "one" (id INTEGER PRIMARY KEY, "pk" INTEGER NOT NULL UNIQUE, "用户" INTEGER);
CREATE TABLE "direction TB" (
  a INTEGER NOT NULL, b INTEGER NOT NULL, "x ""%%{init" INTEGER, PRIMARY KEY (a, b));
CREATE TABLE "<b>$$x$$" (a INTEGER, b INTEGER, one INTEGER NOT NULL REFERENCES "one" (id),
  FOREIGN KEY (a, b) REFERENCES "direction TB" (a, b));
CREATE TABLE nothing_else (id INTEGER PRIMARY KEY REFERENCES "one" (id));
CREATE UNIQUE INDEX one_only ON "<b>$$x$$" (one)
"""
RELATIONS = {
    'direction#32;TB" |o--o{ "#60;b#62;#36;#36;x#36;#36;" : "a, b',
    'one" ||--o| "#60;b#62;#36;#36;x#36;#36;" : "one',
    'one" ||--o| "nothing_else" : "id',
}


@pytest.fixture(scope="module", params=QUESTIONS["database"])
def project(request: pytest.FixtureRequest, renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        yield renderer.ready(database=request.param)


@pytest.fixture(scope="module")
def hostile(project: Rendering, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a database that has no project, and names that Mermaid cannot take."""
    folder = tmp_path_factory.mktemp("alone")
    url = sa.make_url(project.make("--silent db-url").strip())
    if url.get_backend_name() == "sqlite":
        url = url.set(database=str(folder / "alone.db"))
    else:
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE hostile")
        engine.dispose()
        url = url.set(database="hostile")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in HOSTILE.split(";"):
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    engine.dispose()
    shown = url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-m", "migrator", "diagram", "--database-url", shown],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def blocks(page: str) -> list[str]:
    return re.findall(r"^```mermaid\n(.*?)\n```$", page, re.DOTALL | re.MULTILINE)


def test_the_page_has_the_tables_keys_and_references_of_the_models(project: Rendering) -> None:
    assert project.make("diagram").endswith(f"Wrote {PAGE}.\n")
    page = project.read(PAGE)
    (drawn,) = blocks(page)
    for line in ("id PK", "user_id FK", '"teams" |o--o{ "users" : "team_id"', "email UK"):
        assert line in drawn
    assert "alembic_version" not in page
    assert project.make("diagram").endswith(f"{PAGE} is up to date.\n")


def test_make_check_says_when_it_is_stale(project: Rendering) -> None:
    page = project.path / PAGE
    page.unlink(missing_ok=True)
    assert PAGE not in project.make("check-migrations")  # who has none is not asked for one
    project.make("diagram")
    assert f"{PAGE} matches the models.\n" in project.make("check-migrations")
    page.write_text(project.read(PAGE).replace("email", "e_mail"), encoding="utf-8")
    done = project.run("make check-migrations")
    assert done.returncode == 2
    assert f"drift: {PAGE} is stale" in done.stderr
    page.write_text("# Our own page\n", encoding="utf-8")
    assert PAGE not in project.make("check-migrations")
    page.unlink()


def test_somebody_else_s_page_is_not_overwritten(project: Rendering) -> None:
    page = project.path / PAGE
    page.write_text("# Our own page\n", encoding="utf-8")
    done = project.run("make diagram")
    assert "was not written by `make diagram`" in done.stderr
    assert project.read(PAGE) == "# Our own page\n"
    assert project.make("diagram out=docs/picture.md").endswith("Wrote docs/picture.md.\n")
    page.unlink()
    (project.path / "docs/picture.md").unlink()


def test_a_database_alone_is_enough(hostile: str) -> None:
    (drawn,) = blocks(hostile)
    found = {line.strip()[1:-1] for line in drawn.splitlines() if "--" in line}
    assert found == RELATIONS


def test_a_file_that_is_missing_is_not_created(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/missing.db"
    done = subprocess.run(
        [sys.executable, "-m", "migrator", "diagram", "--database-url", url],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 2
    assert "There is no file" in done.stderr
    assert not list(tmp_path.iterdir())


def test_mermaid_draws_it(hostile: str, tmp_path: Path) -> None:
    """In a browser, with the mermaid.min.js that MERMAID_JS names."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    library = os.environ.get("MERMAID_JS")
    if not browser or not library:
        pytest.skip("needs Chromium, and mermaid.min.js (from npm) in MERMAID_JS")
    (drawn,) = blocks(hostile)
    page = tmp_path / "page.html"
    escaped = drawn.replace("&", "&amp;").replace("<", "&lt;")
    page.write_text(
        f'<meta charset="utf-8"><pre id="text">{escaped}</pre><p id="result"></p>'
        f'<script src="file://{Path(library).resolve()}"></script><script>'
        'mermaid.initialize({startOnLoad: false}); mermaid.render("d",'
        'document.getElementById("text").textContent).then(r => {'
        'document.body.innerHTML = r.svg; document.title = "drawn"},'
        "e => document.title = String(e))</script>",
        encoding="utf-8",
    )
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000"]
    done = subprocess.run(
        [browser, *options, "--dump-dom", page.as_uri()],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert "<title>drawn</title>" in done.stdout, done.stdout[:2000]
    for text in ("direction TB", "&lt;b&gt;$$x$$", "用户", "a, b"):
        assert text in done.stdout
