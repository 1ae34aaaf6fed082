"""What `make` lists: in groups, in 80 columns, what can be done with this database."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, TEMPLATE_FOLDER, Render, Renderer, Rendering

# Of no use without a PostgreSQL.
POSTGRESQL = {"lint-migrations", "trace", "db-start", "db-stop"}
COLUMNS = 80


def listed(text: str) -> list[str]:
    return re.findall(r"^  ([a-z-]+)  +\S", text, re.MULTILINE)


def targets(project: Rendering) -> set[str]:
    """All that are declared."""
    makefiles = (project.read("Makefile") + project.read("migrations.mk")).replace("\\\n", " ")
    found = re.findall(r"^\.PHONY:(.*)$", makefiles, re.MULTILINE)
    return {name for line in found for name in line.split()}


def of_fleets(project: Rendering) -> set[str]:
    """Those for many tenants, which only a project with [fleet] has."""
    return {name for name in targets(project) if name.startswith("fleet-")}


@pytest.fixture
def with_fleet(renderer: Renderer) -> Rendering:
    """A project that deploys to many tenants."""
    project = renderer.copied({})
    with (project.path / "alembic_prod.ini").open("a", encoding="utf-8") as ini:
        ini.write("\n[fleet]\nschemas_sql = SELECT 'a' AS schema\n")
    return project


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_make_lists_what_can_be_done_with_the_database(database: str, rendered: Render) -> None:
    project = rendered(database=database)
    short, whole = project.make(""), project.make("help-all")
    possible = targets(project) - of_fleets(project)
    assert sorted(listed(whole)) == sorted(possible)
    left_out = POSTGRESQL if database == "sqlite" else set()
    assert sorted(listed(short)) == sorted(possible - left_out)
    for text in (short, whole):
        assert max(map(len, text.splitlines())) <= COLUMNS
        groups = re.findall(r"^\n(\S.*)$", text, re.MULTILINE)
        assert groups[:2] == ["This project", "Change the schema"]
        assert groups[-1] == "Help"
        assert len(groups) == len(set(groups)) > 5


def test_a_fleet_has_targets_of_its_own(with_fleet: Rendering) -> None:
    assert len(of_fleets(with_fleet)) == 6
    for goals in ("", "help-all"):
        text = with_fleet.make(goals)
        assert sorted(listed(text)) == sorted(targets(with_fleet))
        assert "\nDeploy to many tenants\n" in text
        assert max(map(len, text.splitlines())) <= COLUMNS


def test_all_arguments_are_described(with_fleet: Rendering) -> None:
    project = with_fleet
    arguments = re.findall(r"^migration_arguments := (.*)$", project.read("migrations.mk"), re.M)
    whole = project.make("help-all")
    for name in arguments[0].split():
        assert re.search(rf"\b{name}=", whole), name
    own = project.make("migrations-help all=1").partition("\nHelp\n")[0]
    assert own.count("\n") > 50 and own in whole


def test_a_copy_lists_apart_what_needs_the_package(tmp_path: Path, rendered: Render) -> None:
    """With Alembic alone, and no more of this template than the one file."""
    shutil.copy(REPOSITORY / TEMPLATE_FOLDER / "migrations.mk", tmp_path)
    (tmp_path / "Makefile").write_text("PYTHON = python3 -S\ninclude migrations.mk\n", "utf-8")
    (tmp_path / "alembic.ini").write_text("[alembic]\n", "utf-8")
    text = Rendering(tmp_path, {}).make("")
    works, apart = text.split("These need the package alembic-starter")
    assert {"migrate", "revision", "history", "current"} <= set(listed(works))
    assert {"deploy", "plan", "diagram"} <= set(apart.split())
    assert not set(listed(works)) & set(apart.split())
