"""Inventories that are wrong, each refused in a sentence."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fleet.fleets import Fleet


@contextmanager
def inventory(fleet: Fleet, line: str) -> Iterator[None]:
    """The tenants are found in another way for a while."""
    ini = fleet.project.path / "alembic_prod.ini"
    before = ini.read_text(encoding="utf-8")
    start = before.index("schemas_sql")
    end = before.index("\n", start)
    ini.write_text(before[:start] + line + before[end:], encoding="utf-8")
    try:
        yield
    finally:
        ini.write_text(before, encoding="utf-8")


QUERIES = {
    "SELECT NULL AS schema": "Row 1 of schemas_sql (without a name) has no schema",
    "SELECT 'acme' AS name, '' AS schema": "Row 1 of schemas_sql (acme) has no schema",
    "SELECT 'a' AS x": "has to give a column called schema, with a name in every row; it gives x.",
    "INSERT INTO shared.plans (name) VALUES ('x')": "it gives no rows.",
    "SELECT 'a' AS schema, NULL AS name": "A tenant needs a name (row 1 of schemas_sql).",
    "SELECT 'a' AS schema, 'a,b' AS name": "The name 'a,b' of a tenant has a comma",
    "SELECT 'a' AS schema, E'a\\nb' AS name": "or a control character",
    "SELECT 'a' AS schema UNION ALL SELECT 'a'": "Two tenants have the same name: a and a.",
    "SELECT 'a' AS schema, 1 AS id": "A tenant has no id (row 1 of schemas_sql)",
}


def test_queries(fleet: Fleet) -> None:
    for query, sentence in QUERIES.items():
        with inventory(fleet, f"schemas_sql = {query}"):
            assert sentence in fleet.run("status", code=2), query
    assert fleet.ask("SELECT count(*) FROM shared.plans") == [(0,)]


def test_a_thousand_names(fleet: Fleet) -> None:
    """Unicode too; what is not there is named."""
    query = "SELECT 'Kunde 日本 ' || g AS schema FROM generate_series(1, 1000) g"
    with inventory(fleet, f"schemas_sql = {query}"):
        assert "1000 not readable" in fleet.run("status")
        said = fleet.run("deploy --no-backup", code=5)
        assert "there is no schema Kunde 日本 1" in said


@pytest.mark.parametrize("whole", [True, False])
def test_one_place_under_two_names(fleet: Fleet, tmp_path: Path, whole: bool) -> None:
    """That is seen only when the URLs are known."""
    fleet.tenants(["t1"])
    schema = {} if whole else {"schema": "t1"}
    lines = [
        {"name": "a", "url_env": "DATABASE_URL", **schema},
        {"name": "b", "url_env": "ALSO", **schema},
    ]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    with inventory(fleet, f"targets_file = {tmp_path / 't.jsonl'}"):
        said = fleet.run("status", env={"ALSO": fleet.url})
        assert "it has the same place as a" in said


def test_values_that_are_no_texts(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"name": "a", "schema": ["b"]}', encoding="utf-8")
    with inventory(fleet, f"targets_file = {tmp_path / 't.jsonl'}"):
        assert "The schema of a tenant has to be a text (line 1" in fleet.run("status", code=2)


def test_tenants_with_one_version_table(fleet: Fleet) -> None:
    ini = fleet.project.path / "alembic_prod.ini"
    before = ini.read_text(encoding="utf-8")
    fleet.tenants(["t1"])
    try:
        text = before.replace("[alembic]\n", "[alembic]\nversion_table_schema = shared\n", 1)
        ini.write_text(text, encoding="utf-8")
        assert "would give all tenants one version table" in fleet.run("status", code=2)
    finally:
        ini.write_text(before, encoding="utf-8")


def test_names_for_a_new_tenant(fleet: Fleet) -> None:
    words = (".venv/bin/python", "-m", "migrator", "-c", "alembic_prod.ini", "fleet", "create")
    for name, sentence in {
        "": "A tenant needs a name",
        " ": "A tenant needs a name",
        "a,b": "has a comma",
        "x" * 64: "PostgreSQL keeps 63 bytes of a name",
        "pg_x": "unacceptable schema name",
    }.items():
        process = fleet.project.start([*words, name], env=fleet.env(), together=True)
        said, _ = process.communicate(timeout=60)
        assert process.returncode in (1, 2), said
        assert sentence in said
    assert fleet.at() == {}
