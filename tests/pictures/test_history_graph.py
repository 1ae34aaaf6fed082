"""make history-graph from the outside: what the page says of a branch and a merge."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import QUESTIONS, Renderer, Rendering

FIRST = "5f2c81d0a7e4"
GIT = (
    "init --quiet --initial-branch main",
    "add --all",
    "-c user.name=me -c user.email=me@example.org commit --quiet -m start",
    "checkout --quiet -b feature",
)
HOSTILE = '</script><img src=x onerror=alert(1)> "口号" & `x`'
REVISION = """
from alembic import op

revision = "{name}"
down_revision = {parents}
depends_on = {depends}
branch_labels = None
phase = "contract"


def upgrade() -> None:
    {body}


def downgrade() -> None:
    pass
"""


def add(project: Rendering, name: str, parents: object, body: str, depends: object = None) -> None:
    text = f'"""{HOSTILE}"""\n' + REVISION.format(
        name=name, parents=repr(parents), depends=repr(depends), body=body
    )
    path = project.path / f"migrations/versions/{name}.py"
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module", params=QUESTIONS["database"])
def project(request: pytest.FixtureRequest, renderer: Renderer) -> Iterator[Rendering]:
    """At the first revision; main has that, and a branch adds two revisions and their merge."""
    with renderer.stopping():
        project = renderer.ready(database=request.param)
        for command in GIT:
            assert project.run(f"git {command}").returncode == 0
        project.make("migrate")
        add(project, "left", FIRST, 'op.execute("ALTER TABLE teams ADD COLUMN motto TEXT")')
        add(project, "right", FIRST, 'op.execute("DROP TABLE invoices")')
        add(project, "joined", ("left", "right"), "pass")
        yield project


def data(project: Rendering, page: str = "history.html") -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', project.read(page), re.DOTALL)
    assert found
    loaded: dict[str, Any] = json.loads(found[1])
    return loaded


def test_it_shows_revisions_branches_and_where_the_database_is(project: Rendering) -> None:
    assert "Wrote history.html: 4 revisions." in project.make("history-graph")
    page = data(project)
    revisions = {each["revision"]: each for each in page["revisions"]}
    first, *_, last = revisions
    assert (first, last) == ("joined", FIRST)
    assert set(revisions["joined"]["parents"]) == {"left", "right"}
    assert [each["on_branch"] for each in revisions.values()] == [True, True, True, False]
    assert revisions["left"]["message"] == HOSTILE
    assert revisions["left"]["phase"] == "contract"
    assert [each["at"] for each in page["databases"]] == [[FIRST]]
    assert page["databases"][0]["name"].startswith("development")
    assert page["notes"] == []


def test_it_has_the_tables_before_and_after_a_revision_and_the_branch(project: Rendering) -> None:
    project.make("history-graph")
    page = data(project)
    revisions = {each["revision"]: each for each in page["revisions"]}
    (teams,) = revisions["left"]["changes"]
    motto = next(line for line in teams["lines"] if line["name"] == "motto")
    assert (motto["before"], str(motto["after"]).lower()) == (None, "text")
    assert any(line["before"] == line["after"] != "" for line in teams["lines"])
    assert "ALTER TABLE teams ADD COLUMN motto TEXT;" in revisions["left"]["sql"]
    (invoices,) = revisions["right"]["changes"]
    assert all(line["after"] is None for line in invoices["lines"])
    assert [each["name"] for each in page["branch_changes"]] == ["invoices", "teams"]
    assert page["branch"].startswith("Changed by 3 revisions that branch feature adds to main")
    assert "invoices" not in page["tables"] and "teams" in page["tables"]


def test_without_a_server_it_shows_the_sql(project: Rendering) -> None:
    done = project.run(".venv/bin/python -m migrator history-graph --newest 0 --output sql.html")
    assert done.returncode == 0
    found = data(project, "sql.html")["revisions"]
    assert all(each["changes"] is None for each in found)
    assert any("DROP TABLE invoices" in each["sql"] for each in found)


def test_a_revision_that_fails_ends_the_changes_and_is_named(project: Rendering) -> None:
    add(project, "broken", "joined", 'op.execute("SELECT nothing FROM nowhere")')
    try:
        printed = project.run("make history-graph").stderr
        page = data(project)
        assert "up to revision broken, which fails" in printed
        assert page["revisions"][0]["changes"] is None
        assert page["revisions"][1]["changes"] == []
    finally:
        (project.path / "migrations/versions/broken.py").unlink()


def test_the_database_of_the_environment_is_another_one_and_has_no_secret(
    project: Rendering,
) -> None:
    url = project.make("--silent db-url").strip()
    if url.startswith("sqlite"):
        url = url.replace(".db", "-elsewhere.db")
    else:
        url = re.sub("@127.0.0.1:", "@nowhere.invalid:", url)
    done = project.run(
        ".venv/bin/python -m migrator history-graph --newest 0", env={"DATABASE_URL": url}
    )
    assert done.returncode == 0, done.stderr
    page = data(project)
    development, other = page["databases"]
    assert development["at"] == [FIRST]
    assert other["name"] == "DATABASE_URL"
    assert other["note"]
    if "@" in url:
        password = url.split(":")[2].split("@")[0]
        assert password not in project.read("history.html")
