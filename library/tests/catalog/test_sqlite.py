"""What the catalog of SQLite tells apart: each pair of schemas differs in one thing."""

import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from migrator import catalog
from migrator.catalog import Schema
from migrator.sqlite.sql import laid_out, tokens

T = "CREATE TABLE t (a INTEGER, b TEXT{})"
DIFFERENT = {
    "unique": ("", ", UNIQUE (a)"),
    "unique_columns": (", UNIQUE (a, b)", ", UNIQUE (b, a)"),
    "unique_order": (", UNIQUE (a)", ", UNIQUE (a DESC)"),
    "unique_collation": (", UNIQUE (b)", ", UNIQUE (b COLLATE NOCASE)"),
    "on_conflict": (", UNIQUE (a)", ", UNIQUE (a) ON CONFLICT IGNORE"),
    "on_conflict_of_column": (" UNIQUE", " UNIQUE ON CONFLICT ROLLBACK"),
    "key_order": (", PRIMARY KEY (a)", ", PRIMARY KEY (a DESC)"),
    "key_of_column": (", c INTEGER PRIMARY KEY", ", c INTEGER PRIMARY KEY DESC"),
    "autoincrement": (", c INTEGER PRIMARY KEY", ", c INTEGER PRIMARY KEY AUTOINCREMENT"),
    "collation": ("", " COLLATE NOCASE"),
    "not_null": ("", " NOT NULL"),
    "not_null_conflict": (" NOT NULL", " NOT NULL ON CONFLICT REPLACE"),
    "default": (" DEFAULT 'a'", " DEFAULT 'A'"),
    "check_of_column": (" CHECK (b > '')", " CHECK (b >= '')"),
    "check": (", CHECK (a > 0)", ", CHECK (a > 1)"),
    "check_name": (", CHECK (a > 0)", ", CONSTRAINT c CHECK (a > 0)"),
    "generated": (", c AS (a + 1)", ", c AS (a + 2)"),
    "stored": (", c AS (a + 1)", ", c AS (a + 1) STORED"),
    "references": (", FOREIGN KEY (a) REFERENCES t", ", FOREIGN KEY (a) REFERENCES t (a)"),
    "action": (" REFERENCES t", " REFERENCES t ON DELETE CASCADE"),
    "deferrable": (" REFERENCES t", " REFERENCES t DEFERRABLE INITIALLY DEFERRED"),
}
SAME = {
    "case": (" COLLATE nocase CHECK (b > 'x')", " collate \"NOCASE\" check(B>'x')"),
    "ascending": (", PRIMARY KEY (a)", ", PRIMARY KEY (a ASC)"),
    "comment": (", UNIQUE (a)", ", -- a comment, (\n UNIQUE /* ' */ (a)"),
    "generated_always": (", c AS (a + 1)", ", c GENERATED ALWAYS AS (a+1) VIRTUAL"),
}


def read(*statements: str) -> Schema:
    with sa.create_engine("sqlite://", poolclass=StaticPool).connect() as connection:
        for each in statements:
            connection.exec_driver_sql(each)
        return catalog.read(connection)


@pytest.mark.parametrize("name", DIFFERENT)
def test_one_thing_differs(name: str) -> None:
    before, after = (T.format(each) for each in DIFFERENT[name])
    assert catalog.diff(read(before), read(after)) != []
    assert catalog.diff(read(before), read(before)) == []


@pytest.mark.parametrize("name", SAME)
def test_only_the_text_differs(name: str) -> None:
    before, after = (T.format(each) for each in SAME[name])
    assert catalog.diff(read(before), read(after)) == []


@pytest.mark.parametrize("end", ["STRICT", "WITHOUT ROWID", "STRICT, WITHOUT ROWID"])
def test_what_follows_the_columns(end: str) -> None:
    statement = "CREATE TABLE t (a INTEGER PRIMARY KEY) "
    assert catalog.diff(read(statement), read(statement + end)) != []


def test_the_tables_of_a_virtual_table_are_not_listed() -> None:
    found = read("CREATE VIRTUAL TABLE docs USING fts5(body)")
    assert [key.name for key in found.objects if key.kind == "table"] == [("docs",)]


@pytest.mark.parametrize("pair", [*DIFFERENT.values(), *SAME.values()])
def test_a_statement_that_is_laid_out_says_the_same(pair: tuple[str, str]) -> None:
    for each in map(T.format, pair):
        assert tokens(laid_out(each)) == tokens(each)
        assert laid_out(laid_out(each)) == laid_out(each)
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.execute(laid_out(each))


def test_text_keeps_its_spaces() -> None:
    statement = (
        "CREATE TABLE \"a  b\" (c DEFAULT 'x  \n,  (y', [d  e] INT, CHECK (c IN (1, 2))) STRICT"
    )
    assert laid_out(statement) == (
        "CREATE TABLE \"a  b\" (\n    c DEFAULT 'x  \n,  (y',\n    [d  e] INT,\n"
        "    CHECK (c IN (1, 2))\n) STRICT"
    )
