"""The schema that SQL tells, and what changes of a type need no rewrite."""

import pytest

from migrator.lint.history import History, learned
from migrator.lint.known_schema import Schema
from migrator.lint.statements import Type, read
from migrator.lint.widening import widens


def schema(*statements: str) -> Schema:
    """What these statements make."""
    return learned((each for text in statements for each in read(text).actions), sure=True)


def test_columns_and_their_sequences() -> None:
    made = schema(
        "CREATE TABLE t (id serial PRIMARY KEY, a varchar(9) NOT NULL, b int DEFAULT 1)",
        "ALTER TABLE t ALTER b SET NOT NULL, ALTER a TYPE text",
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE u RENAME a TO c",
    )
    assert made.column("t", "id") is None
    column = made.column("u", "c")
    assert column and (column.type, column.required) == (Type("text"), True)
    column = made.column("u", "b")
    assert column and column.required and column.has_default
    column = made.column("u", "id")
    assert column and column.sequence == "t_id_seq"
    assert made.sequences["t_id_seq"] == Type("int4")


def test_columns_that_views_read() -> None:
    made = schema(
        "CREATE TABLE t (a int, b int)",
        "CREATE TABLE u (a int, c int)",
        "CREATE VIEW v AS SELECT t.a, c, b AS other FROM t JOIN u USING (a)",
        "CREATE VIEW w AS SELECT x FROM t, nowhere",
    )
    assert made.is_in_view("u", "c")
    assert not made.is_in_view("t", "a")  # or the other one
    assert not made.is_in_view("t", "b")
    assert not made.is_in_view("t", "x")
    dropped = schema("CREATE TABLE t (a int)", "CREATE VIEW v AS SELECT a FROM t", "DROP VIEW v")
    assert not dropped.is_in_view("t", "a")


def test_a_type_that_is_renamed_is_that_of_its_columns() -> None:
    made = schema("CREATE TABLE t (a mood)", "ALTER TYPE mood RENAME TO old_mood")
    column = made.column("t", "a")
    assert column and column.type == Type("old_mood")


def test_what_reads_a_column_again_that_gets_a_wider_type() -> None:
    made = schema(
        "CREATE TABLE t (a text, b text, c text, d text CHECK (d <> ''), e text)",
        "CREATE INDEX plain ON t (a, b)",
        "CREATE INDEX of_expression ON t (lower(b))",
        "CREATE INDEX of_some ON t (e) WHERE c IS NULL",
    )
    assert [name for name in "abcde" if made.is_read_again("t", name)] == ["b", "c", "d", "e"]


def test_keys() -> None:
    made = schema(
        "CREATE TABLE t (id int PRIMARY KEY, a int UNIQUE, b int, c int, d text)",
        "CREATE UNIQUE INDEX i ON t (b, c)",
        "CREATE UNIQUE INDEX part ON t (d) WHERE a > 1",
        "CREATE TABLE copy (LIKE t INCLUDING ALL)",
    )
    for table in ("t", "copy"):
        assert made.is_key(table, ["id"]) and made.is_key(table, ["a"])
        assert made.is_key(table, ["c", "b"]) and not made.is_key(table, ["b"])
        assert not made.is_key(table, ["d"]) and not made.is_key(table, [])
    assert made.is_key("unknown", ["x"]) and not made.is_key("unknown", [])
    assert made.table_of_index("i") == "t"
    made = schema("CREATE TABLE t (id int)", "CREATE UNIQUE INDEX i ON t (id)", "DROP INDEX i")
    assert not made.is_key("t", ["id"])


def test_a_column_that_a_constraint_has_not_null() -> None:
    check = "ALTER TABLE t ADD CONSTRAINT k CHECK (a IS NOT NULL) NOT VALID"
    assert not schema(check).has_check("t", "a")
    assert schema(check, "ALTER TABLE t VALIDATE CONSTRAINT k").has_check("t", "a")


def test_the_history_is_read_when_somebody_asks() -> None:
    asked = []

    def earlier() -> Schema:
        asked.append(1)
        return schema("CREATE TABLE t (a int)")

    history = History(earlier)
    (change,) = read("ALTER TABLE t ALTER a TYPE bigint").actions
    history.learn(change)
    assert not asked
    column = history.schema.column("t", "a")
    assert column and column.type == Type("int8")
    assert history.schema.sure and asked == [1]


def test_indexes_and_constraints_keep_up_with_renames() -> None:
    made = schema(
        "CREATE TABLE t (a int, b int CONSTRAINT k CHECK (b IS NOT NULL))",
        "CREATE UNIQUE INDEX i ON t (a)",
        "ALTER TABLE t RENAME a TO c",
        "ALTER TABLE t RENAME b TO d",
        "ALTER INDEX i RENAME TO j",
        "ALTER TABLE t RENAME CONSTRAINT k TO l",
    )
    assert made.is_key("t", ["c"]) and not made.is_key("t", ["a"])
    assert made.has_check("t", "d") and not made.has_check("t", "b")
    for gone, there in (
        ("DROP INDEX IF EXISTS i", "DROP INDEX IF EXISTS j"),
        ("ALTER TABLE t DROP CONSTRAINT IF EXISTS k", "ALTER TABLE t DROP CONSTRAINT IF EXISTS l"),
    ):
        assert made.lacks(*read(gone).actions) and not made.lacks(*read(there).actions)


@pytest.mark.parametrize(
    ("old", "new", "wider"),
    [
        ("varchar(10)", "varchar(20)", True),
        ("varchar(10)", "varchar(9)", False),
        ("varchar(10)", "varchar", True),
        ("varchar", "varchar(9)", False),
        ("varchar(10)", "text", True),
        ("text", "varchar", True),
        ("text", "varchar(10)", False),
        ("char(3)", "text", False),
        ("numeric(10, 2)", "numeric(12, 2)", True),
        ("numeric(10, 2)", "numeric(12, 3)", False),
        ("numeric(10)", "numeric(12, 0)", True),
        ("numeric(10, 2)", "numeric", True),
        ("numeric", "numeric(10, 2)", False),
        ("int", "bigint", False),
        ("timestamp(3)", "timestamp(6)", True),
        ("timestamp(3)", "timestamp", True),
        ("timestamp", "timestamp(3)", False),
        ("varchar(9)[]", "text[]", True),
        ("varchar(9)[]", "varchar(10)[]", False),
        ("text", "text[]", False),
        ("cidr", "inet", True),
        ("inet", "cidr", False),
        ("varbit(3)", "varbit(4)", True),
        ("text", "text", True),
        ("text", "bytea", False),
    ],
)
def test_widening(old: str, new: str, wider: bool) -> None:
    types = [read(f"ALTER TABLE t ALTER c TYPE {each}").actions[0].type for each in (old, new)]
    assert types[0] and types[1]
    assert widens(types[0], types[1]) is wider
