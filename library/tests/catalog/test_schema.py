"""A schema as text and back, and the difference between two; SQLite, which needs no server."""

import sqlite3
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from migrator import catalog
from migrator.catalog import Difference, Key, Schema
from migrator.catalog.schema import clean

USERS = Key("table", ("public", "users"))
EMAIL = Key("column", ("public", "users", "email"))
VALUES = (
    st.text(min_size=1) | st.integers() | st.just(True) | st.lists(st.text(), min_size=1).map(tuple)
)
SCHEMAS = st.dictionaries(
    st.builds(
        Key,
        st.sampled_from(["table", "column", "enum"]),
        st.lists(st.text(), min_size=1).map(tuple),
    ),
    st.dictionaries(st.from_regex(r"[a-z_]+", fullmatch=True), VALUES).map(clean),
).map(Schema)


@settings(max_examples=40)
@given(SCHEMAS)
def test_text_and_back(schema: Schema) -> None:
    assert Schema.parse(schema.text()) == schema
    assert Schema.parse(schema.text()).text() == schema.text()


@settings(max_examples=40)
@given(SCHEMAS, SCHEMAS)
def test_only_equal_schemas_do_not_differ(one: Schema, other: Schema) -> None:
    assert catalog.diff(one, one) == []
    everything = catalog.differences.ON_REQUEST
    assert (catalog.diff(one, other, also=everything) == []) == (one == other)


def test_a_property_that_differs() -> None:
    before = Schema({USERS: {}, EMAIL: {"type": "text"}})
    after = Schema({USERS: {}, EMAIL: {"type": "text", "not_null": True}})
    (found,) = catalog.diff(before, after)
    assert found == Difference(EMAIL, "not_null", None, True)
    assert found.describe("the database", "the models") == (
        "column public.users.email: not null is not set in the database, True in the models"
    )


def test_what_a_missing_table_has_is_not_listed_too() -> None:
    (found,) = catalog.diff(Schema({USERS: {}, EMAIL: {}}), Schema({}))
    assert found.key == USERS
    assert found.describe("the database", "the models") == (
        "table public.users is in the database, but not in the models"
    )


def test_order_and_owners_are_compared_on_request() -> None:
    before, after = Schema({EMAIL: {"position": 1}}), Schema({EMAIL: {"position": 2}})
    assert catalog.diff(before, after) == []
    assert len(catalog.diff(before, after, also=["position"])) == 1


@pytest.fixture
def sqlite() -> Iterator[sa.Connection]:
    with sa.create_engine("sqlite://").connect() as connection:
        yield connection


CREATE = "CREATE TABLE t ({})"
# What a rebuild of the table could lose, one by one: each is a difference from the table without.
PROPERTIES = {
    "autoincrement": ("id INTEGER PRIMARY KEY", "id INTEGER PRIMARY KEY AUTOINCREMENT"),
    "collation": ("a TEXT", "a TEXT COLLATE NOCASE"),
    "conflict of a unique": ("a TEXT UNIQUE", "a TEXT UNIQUE ON CONFLICT IGNORE"),
    "conflict of a table's unique": ("a, UNIQUE (a)", "a, UNIQUE (a) ON CONFLICT IGNORE"),
    "conflict of NOT NULL": ("a TEXT NOT NULL", "a TEXT NOT NULL ON CONFLICT REPLACE"),
    "type": ("a INTEGER", "a TEXT"),
    "size": ("a VARCHAR(20)", "a VARCHAR(30)"),
    "not null": ("a TEXT", "a TEXT NOT NULL"),
    "default": ("a TEXT DEFAULT ''", "a TEXT DEFAULT 'it''s'"),
    "no default": ("a TEXT", "a TEXT DEFAULT ''"),
    "check": ("a INT", "a INT CHECK (a > 0)"),
    "another check": ("a INT, CHECK (a > 0)", "a INT, CHECK (a >= 0)"),
    "a check's name": ("a INT, CHECK (a > 0)", "a INT, CONSTRAINT pos CHECK (a > 0)"),
    "generated": ("a INT, b INT", "a INT, b INT AS (a * 2)"),
    "generated expression": ("a INT, b INT AS (a * 2)", "a INT, b INT AS (a * 3)"),
    "stored": ("a INT, b INT AS (a * 2)", "a INT, b INT AS (a * 2) STORED"),
    "foreign key": ("a INT", "a INT REFERENCES p (id)"),
    "action": ("a INT REFERENCES p (id)", "a INT REFERENCES p (id) ON DELETE CASCADE"),
    "deferrable": (
        "a INT REFERENCES p (id)",
        "a INT REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED",
    ),
    "default after a reference": (
        "a INT REFERENCES p (id) DEFAULT 1",
        "a INT REFERENCES p (id) ON DELETE SET DEFAULT DEFAULT 1",
    ),
    "primary key": ("a INT, b INT, PRIMARY KEY (a)", "a INT, b INT, PRIMARY KEY (b, a)"),
}
# The same, written differently.
SPELLINGS = {
    "quotes": ("a TEXT, CONSTRAINT c CHECK (a > 0)", '"a" text, constraint [c] check ( `a`>0 )'),
    "comments": ("a TEXT NOT NULL", "a TEXT /* why */ NOT NULL -- because\n"),
    "place of a key": ("a INT PRIMARY KEY", "a INT, PRIMARY KEY (a)"),
    "place of a check": ("a INT CHECK (a > 0)", "a INT, CHECK (a > 0)"),
    "place of a unique": ("a INT UNIQUE", "a INT, UNIQUE (a)"),
    "place of a reference": (
        "a INT REFERENCES p (id) ON DELETE CASCADE",
        "a INT, FOREIGN KEY (a) REFERENCES p (id) ON DELETE CASCADE",
    ),
}


def read(connection: sa.Connection, body: str) -> Schema:
    connection.exec_driver_sql("DROP TABLE IF EXISTS t")
    connection.exec_driver_sql(CREATE.format(body))
    return catalog.read(connection)


@pytest.mark.parametrize(("one", "other"), PROPERTIES.values(), ids=PROPERTIES)
def test_sqlite_tells_tables_apart(sqlite: sa.Connection, one: str, other: str) -> None:
    before, after = read(sqlite, one), read(sqlite, other)
    assert catalog.diff(before, after) != []
    assert Schema.parse(after.text()) == after


@pytest.mark.parametrize(("one", "other"), SPELLINGS.values(), ids=SPELLINGS)
def test_sqlite_takes_spellings_for_the_same(sqlite: sa.Connection, one: str, other: str) -> None:
    assert catalog.diff(read(sqlite, one), read(sqlite, other), also=["position"]) == []


def test_sqlite_reads_what_is_beside_tables(sqlite: sa.Connection) -> None:
    read(sqlite, "a TEXT, b TEXT")
    before = catalog.read(sqlite)
    for statement in (
        "CREATE UNIQUE INDEX ix ON t (lower(a) DESC) WHERE b > ''",
        "CREATE VIEW v AS SELECT a FROM t",
        "CREATE TRIGGER tr AFTER INSERT ON t BEGIN DELETE FROM t WHERE a = ';'; END",
        "CREATE TABLE r (a INT PRIMARY KEY) WITHOUT ROWID",
    ):
        sqlite.exec_driver_sql(statement)
        after = catalog.read(sqlite)
        assert len(catalog.diff(before, after)) == 1, statement
        before = after


@pytest.mark.skipif(sqlite3.sqlite_version_info < (3, 37), reason="this SQLite has no STRICT")
def test_sqlite_strict_tables(sqlite: sa.Connection) -> None:
    before = read(sqlite, "a TEXT")
    sqlite.exec_driver_sql("DROP TABLE t")
    sqlite.exec_driver_sql("CREATE TABLE t (a TEXT) STRICT")
    assert catalog.diff(before, catalog.read(sqlite)) == [
        Difference(Key("table", ("t",)), "strict", None, True)
    ]


def test_tables_can_be_left_out(sqlite: sa.Connection) -> None:
    before = read(sqlite, "a TEXT")
    sqlite.exec_driver_sql("CREATE TABLE alembic_version (version_num TEXT)")
    assert catalog.diff(before, catalog.read(sqlite, without={"alembic_version"})) == []
