"""The account of a hosted PostgreSQL: what it can do, and what is lost without each right.

The page says the same: each of the program's sentences here stands in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import REPOSITORY, TEMPLATE_FOLDER, Renderer, Rendering
from tests.deploy.deploying import Stage, execute
from tests.versions import packages
from tests.versions.server import Server, serving

PAGE = REPOSITORY / TEMPLATE_FOLDER / "docs/production.md"
TABLE = execute("CREATE TABLE made (n int)")
CHANGE = execute("ALTER TABLE other ADD more int")
DROP = 'op.execute("DROP TABLE made")'
# The administrator of a hosted server: no superuser, but it makes roles and databases.
ACCOUNT = (
    "CREATE ROLE deployer LOGIN NOSUPERUSER CREATEDB",
    "GRANT pg_read_all_stats TO deployer",
    "CREATE DATABASE deployed TEMPLATE template0 OWNER deployer",
)
GONE = (
    "DROP DATABASE IF EXISTS deployed WITH (FORCE)",
    "DROP DATABASE IF EXISTS again WITH (FORCE)",
    "DROP ROLE IF EXISTS deployer",
)
WARNING = "cannot see how old other users' transactions are"


@pytest.fixture(scope="module")
def server(renderer: Renderer) -> Iterator[Server]:
    with serving(renderer, packages.NEWEST) as server:
        yield server


@pytest.fixture
def stage(project: Rendering, server: Server) -> Iterator[Stage]:
    """The project with an empty database of the account, which a test takes rights from."""
    server.run(*ACCOUNT)
    stage = Stage(project, server.url("postgres"), server.url("deployed", "deployer"))
    stage.history(TABLE, downgrade=DROP)
    try:
        yield stage
    finally:
        for path in stage.files:
            path.unlink(missing_ok=True)
        server.run(*GONE)


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    return {"MIGRATOR_BACKUP": "true", "MIGRATOR_BACKUP_FOLDER": str(tmp_path / "backups")}


def in_page(sentence: str) -> str:
    """A sentence of the program, which has to be in the page."""
    assert sentence in " ".join(PAGE.read_text("utf-8").split()), sentence
    return sentence


def test_the_account_needs_no_superuser(
    stage: Stage, settings: dict[str, Any], tmp_path: Path
) -> None:
    stage.run(command="plan", code=3)
    said = stage.run(**settings)
    assert "applied step1" in said
    assert "no blockers" in said
    assert WARNING not in said
    file = str(tmp_path / "it.dump")
    stage.run("--output", file, command="backup")
    assert "Restored into again: 3 tables" in stage.run(
        file, "--into", "again", "--yes", command="restore"
    )
    assert "step1" in stage.run(command="log")
    stage.run(command="check")
    said = stage.run("--to", "base", "--yes", command="rollback", **settings)
    assert "reverted step1" in said


def test_without_pg_read_all_stats(stage: Stage, server: Server, settings: dict[str, Any]) -> None:
    server.run("REVOKE pg_read_all_stats FROM deployer")
    assert in_page(WARNING) in stage.run(**settings)
    assert stage.at == "step1"


def test_without_createdb(stage: Stage, server: Server, tmp_path: Path) -> None:
    """An administrator types what is said; then it works."""
    server.run("ALTER ROLE deployer NOCREATEDB")
    stage.run()
    file = str(tmp_path / "it.dump")
    stage.run("--output", file, command="backup")
    again = (file, "--into", "again", "--yes")
    said = stage.run(*again, command="restore", code=5)
    assert in_page("may not create databases") in said
    statement = said.partition("As an administrator: ")[2].partition(";")[0]
    server.run(statement)
    assert "Restored into again: 3 tables" in stage.run(*again, command="restore")


def test_without_create_on_the_schema(stage: Stage, server: Server) -> None:
    server.run("ALTER DATABASE deployed OWNER TO postgres")
    said = stage.run(code=1)
    assert in_page("permission denied for schema public") in said
    server.run("GRANT CREATE ON SCHEMA public TO deployer", database="deployed")
    stage.run()


def test_without_usage_of_the_schema(stage: Stage, server: Server) -> None:
    server.run("ALTER DATABASE deployed OWNER TO postgres")
    server.run("REVOKE ALL ON SCHEMA public FROM PUBLIC", database="deployed")
    said = stage.run(code=5)
    assert in_page("no schema of search_path") in said
    server.run("GRANT USAGE, CREATE ON SCHEMA public TO deployer", database="deployed")
    stage.run()


def test_without_owning_a_table(stage: Stage, server: Server) -> None:
    server.run("CREATE TABLE other (n int)", "INSERT INTO other VALUES (1)", database="deployed")
    stage.history(CHANGE)
    said = stage.run(code=1)
    assert in_page("must be owner of table other") in said
    assert "none of" in said or "(no revision was applied)" in said
    server.run("ALTER TABLE other OWNER TO deployer", database="deployed")
    stage.run()


def test_without_reading_a_table(stage: Stage, server: Server, settings: dict[str, Any]) -> None:
    """A backup has all tables in it, or there is none."""
    server.run("CREATE TABLE other (n int)", "INSERT INTO other VALUES (1)", database="deployed")
    said = stage.run(code=1, **settings)
    assert "No backup was made" in said
    assert in_page("permission denied for table other") in said
    assert stage.at == ""
    server.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO deployer", database="deployed")
    stage.run(**settings)


def test_without_bypassing_row_security(
    stage: Stage, server: Server, settings: dict[str, Any]
) -> None:
    with psycopg.connect(stage.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE other AS SELECT 1 AS n")
        connection.execute("ALTER TABLE other ENABLE ROW LEVEL SECURITY")
        connection.execute("ALTER TABLE other FORCE ROW LEVEL SECURITY")
    said = stage.run(code=1, **settings)
    assert in_page("query would be affected by row-level security policy") in said
    assert stage.at == ""
    server.run("ALTER ROLE deployer BYPASSRLS")
    stage.run(**settings)
