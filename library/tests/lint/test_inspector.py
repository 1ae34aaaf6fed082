"""What an inspector answers while a revision is rendered, and where it does not."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import NoSuchTableError

from migrator.lint.history import learned
from migrator.lint.inspector import Connection, Inspector
from migrator.lint.known_schema import Schema
from migrator.lint.offline import NeedsDatabase
from migrator.lint.statements import read

SQL = """
CREATE TABLE teams (id int PRIMARY KEY);
CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL UNIQUE, age int CHECK (age > 0),
    team int REFERENCES teams);
CREATE INDEX ix_age ON users (age, name);
CREATE INDEX ix_lower ON users (lower(name));
CREATE VIEW v AS SELECT id FROM users;
CREATE TABLE app.things (id int);
CREATE TABLE copies (LIKE users INCLUDING ALL);
"""


def inspector(known: Callable[[], Schema | None]) -> Inspector:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    found = sa.inspect(Connection(dialect, lambda _text, _times: None, known))
    assert isinstance(found, Inspector)
    return found


@pytest.fixture
def look() -> Inspector:
    schema = learned(read(SQL).actions, sure=True)
    return inspector(lambda: schema)


def test_names(look: Inspector) -> None:
    assert look.get_table_names() == ["teams", "users", "copies"]
    assert look.get_table_names("app") == ["things"]
    assert look.has_table("v") and look.has_table("things", "app") and not look.has_table("x")
    columns = {each["name"]: each["nullable"] for each in look.get_columns("users")}
    assert columns == {"id": False, "name": False, "age": True, "team": True}
    assert {each["name"] for each in look.get_indexes("users")} == {
        *("ix_age", "ix_lower", "users_name_key")
    }
    assert look.has_index("users", "ix_age") and not look.has_index("users", "ix_none")
    assert look.get_pk_constraint("users")["name"] == "users_pkey"
    assert look.get_pk_constraint("things", "app")["constrained_columns"] == []
    assert look.get_unique_constraints("users") == [
        {"name": "users_name_key", "column_names": ["name"]}
    ]
    assert [each["name"] for each in look.get_foreign_keys("users")] == ["users_team_fkey"]
    assert [each["name"] for each in look.get_check_constraints("users")] == ["users_age_check"]
    with pytest.raises(NoSuchTableError):
        look.get_columns("x")


def test_reflection(look: Inspector) -> None:
    metadata = sa.MetaData()
    metadata.reflect(look, only=["users"])  # type: ignore[call-overload]
    assert [*metadata.tables["users"].primary_key] == [metadata.tables["users"].c.id]


@pytest.mark.parametrize(
    "ask",
    [
        lambda look: look.get_columns("users")[0]["type"],
        lambda look: look.get_columns("users")[0].get("default"),
        lambda look: look.get_foreign_keys("users")[0]["referred_table"],
        lambda look: look.get_indexes("copies"),  # whose names PostgreSQL makes up
        lambda look: look.get_enums(),
        lambda look: [each["column_names"] for each in look.get_indexes("users")],
    ],
)
def test_what_only_the_database_knows(look: Inspector, ask: Callable[[Inspector], object]) -> None:
    with pytest.raises(NeedsDatabase):
        ask(look)


@pytest.mark.parametrize("schema", [None, Schema(), learned(read(SQL).actions, sure=False)])
def test_a_history_that_is_not_known(schema: Schema | None) -> None:
    look = inspector(lambda: schema)
    for ask in (look.get_table_names, lambda: look.has_table("other")):
        with pytest.raises(NeedsDatabase):
            ask()
