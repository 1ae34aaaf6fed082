"""Tenants with a database each, from a file without secrets."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.fleet.fleets import Fleet

ADD = "op.add_column('items', sa.Column('weight', sa.Integer()))"


@pytest.fixture
def databases(fleet: Fleet, tmp_path: Path) -> Iterator[Fleet]:
    """A file that names two databases, which are not there yet."""
    ini = fleet.project.path / "alembic_prod.ini"
    before = ini.read_text(encoding="utf-8")
    parts = psycopg.conninfo.conninfo_to_dict(fleet.url)
    names = [f"{parts['dbname']}_{each}" for each in ("one", "two")]
    where = f"postgresql://{parts['user']}@{parts['host']}:{parts['port']}"
    (tmp_path / "password").write_text(str(parts["password"]), encoding="utf-8")
    lines = [
        {"name": "one", "url": f"{where}/{names[0]}", "password_file": str(tmp_path / "password")},
        {"name": "two", "url": f"{where}/{names[1]}", "password_env": "TWO_PASSWORD"},
    ]
    file = tmp_path / "tenants.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    start = before.index("schemas_sql")
    text = before[:start] + f"targets_file = {file}" + before[before.index("\n", start) :]
    # There are no shared tables in databases of their own.
    text = text.replace("shared_history = shared\n", "")
    ini.write_text(text, encoding="utf-8")
    try:
        yield fleet
    finally:
        ini.write_text(before, encoding="utf-8")
        with psycopg.connect(fleet.server, autocommit=True) as connection:
            for name in names:
                drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
                connection.execute(drop.format(sql.Identifier(name)))


def test_they_are_named_without_secrets(databases: Fleet) -> None:
    said = databases.run("status")
    assert "TWO_PASSWORD" in said
    facts = databases.json("status")
    states = {each["name"]: each["state"] for each in facts["tenants"]}
    assert states == {"one": "unreadable", "two": "unreadable"}
    assert "is not set" in facts["tenants"][1]["problem"]


def test_they_are_created_and_deployed_to(databases: Fleet) -> None:
    """Each has the whole database; what it needs besides is there before."""
    secret = {"TWO_PASSWORD": str(psycopg.conninfo.conninfo_to_dict(databases.url)["password"])}
    said = databases.run("create one", code=1)
    assert 'schema "shared" does not exist' in said
    assert "but the empty database" in said
    for name in ("one", "two"):
        url = databases.url + f"_{name}"
        if name == "two":
            with psycopg.connect(databases.server, autocommit=True) as connection:
                database = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
                connection.execute(
                    sql.SQL("CREATE DATABASE {}").format(sql.Identifier(str(database)))
                )
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "CREATE SCHEMA shared; CREATE TABLE shared.plans (id bigint PRIMARY KEY)"
            )
        assert "Created database" in databases.run(f"create {name}", env=secret)
    assert "has tables already" in databases.run("create one", code=5, env=secret)
    databases.revision("weight", ADD)
    databases.snapshot()
    said = databases.run("deploy --no-backup --no-lint", env=secret)
    assert "2 of 2 tenants at weight" in said
    assert secret["TWO_PASSWORD"] not in said
    said = databases.run("drop one --yes", code=5, env=secret)
    assert "which this command does not drop" in said
