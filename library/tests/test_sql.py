"""How SQL is read: strings, names, comments, and what a statement is about and does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.postgres import sql
from migrator.postgres.sql import pg_dump_output
from migrator.sqlite import sql as sqlite

# What hides whatever is in it, with a semicolon, a quote and keywords.
HIDING = st.sampled_from(
    [
        "'a;b'",
        "'it''s; WHERE'",
        r"E'it\'s; DROP TABLE t'",
        '"a;b"',
        '"say ""WHERE"";"',
        "$$;DROP TABLE t;$$",
        "$tag$; $$ ; $tag$",
        "-- DROP TABLE t; it's\n",
        "/* ; 'WHERE */",
        "/* a /* nested; */ DROP TABLE t; */",
    ]
)
WORDS = st.sampled_from(["SELECT", "x", "$1", "%(name)s", "%%", "a$b", "=", "(", ")", ","])
STATEMENT = st.lists(st.one_of(HIDING, WORDS), min_size=1, max_size=6).map(" ".join)


@given(st.text(alphabet="abeE;'\"$-/* \n\\x%1", max_size=40))
def test_tokens_leave_nothing_out(text: str) -> None:
    assert "".join(token.text for token in sql.tokens(text)) == text


@given(st.lists(STATEMENT, min_size=1, max_size=4))
def test_a_script_is_split_at_its_own_semicolons(statements: list[str]) -> None:
    written = ["SELECT " + statement for statement in statements]
    assert sql.split(";\n".join(written), comments=True) == [each.strip() for each in written]
    assert len(sql.split(";\n".join(written))) == len(written)


@given(st.lists(HIDING, max_size=6).map(" ".join))
def test_what_is_hidden_is_no_word(hidden: str) -> None:
    assert not sql.has(f"SELECT {hidden}", "WHERE", "DROP TABLE")
    assert not sql.begins(f"{hidden} SELECT 1", "DROP TABLE")


@given(st.text(min_size=1).filter(lambda name: "\0" not in name))
def test_a_quoted_name_is_kept_as_it_is(name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    assert sql.plain(quoted) == name
    assert sql.altered_table(f"ALTER TABLE ONLY s.{quoted} ADD n int") == f"s.{quoted}"
    assert sql.dropped_tables(f"DROP TABLE IF EXISTS s.{quoted} CASCADE") == [f"s.{quoted}"]
    assert sql.concurrent_index(f"CREATE INDEX CONCURRENTLY {quoted} ON t (x)") == (quoted, "t")
    assert sql.dropped_columns(f"ALTER TABLE t DROP {quoted}") == [("t", quoted)]


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("a; b;;\n ;c", ["a", "b", "c"]),
        ("-- one; two\na -- b;\n; c", ["a", "c"]),
        ("/* x /* y; */ z; */ a; b", ["a", "b"]),
        ("a; 'unfinished; b", ["a", "'unfinished", "b"]),
        ("SELECT $1; SELECT $$;$$", ["SELECT $1", "SELECT $$;$$"]),
        (
            "F BEGIN ATOMIC a; SELECT CASE x WHEN 1 THEN 2 END; b; END; BEGIN; c; END",
            ["F BEGIN ATOMIC a; SELECT CASE x WHEN 1 THEN 2 END; b; END", "BEGIN", "c", "END"],
        ),
    ],
)
def test_split(script: str, statements: list[str]) -> None:
    assert sql.split(script) == statements


@pytest.mark.parametrize(
    ("test", "yes", "no"),
    [
        (
            sql.is_concurrent,
            [
                "CREATE INDEX CONCURRENTLY i ON t (x)",
                "drop index\n concurrently i",
                "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
                "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
            ],
            ["CREATE INDEX i ON t (x)", 'CREATE INDEX "CONCURRENTLY" ON t (x)', "SELECT 1"],
        ),
        (
            sql.validates,
            ["ALTER TABLE t VALIDATE CONSTRAINT c"],
            ["ALTER TABLE t ADD CHECK (x = 'VALIDATE CONSTRAINT')"],
        ),
        (sql.only_reads, ["SELECT 1", "-- x\nSHOW a"], ["SET a = 1", "INSERT INTO t SELECT 1"]),
        (sql.changes_rows, ["UPDATE t SET a = 1", "TRUNCATE t"], ["INSERT INTO t VALUES (1)"]),
        (
            sql.runs_alone,
            [
                "/* x */ VACUUM t",
                "ALTER SYSTEM SET a = 1",
                "REINDEX TABLE CONCURRENTLY t",
                "DO $$BEGIN UPDATE t SET a = 1; COMMIT AND CHAIN; END$$",
                "START TRANSACTION",
            ],
            [
                "DO $$BEGIN CREATE TEMP TABLE t (n int) ON COMMIT DROP; END$$",
                "ALTER TABLE t ADD a int",
            ],
        ),
        (
            sql.is_repeatable,
            [
                "CREATE OR REPLACE VIEW v AS SELECT 1",
                "CREATE TABLE IF NOT EXISTS t (a int)",
                "DROP INDEX CONCURRENTLY IF EXISTS i",
                "ALTER TABLE t ADD COLUMN IF NOT EXISTS a int",
                "ALTER TABLE t ALTER a SET NOT NULL",
                "ALTER TYPE m ADD VALUE IF NOT EXISTS 'x'",
                "SELECT 1 FROM pg_class",
                "ANALYZE t",
                "SET lock_timeout = 1",
            ],
            [
                "CREATE TABLE t (a text DEFAULT 'IF NOT EXISTS')",
                "DROP TABLE t",
                "ALTER TABLE t ADD COLUMN a int",
                "ALTER TYPE m ADD VALUE 'x'",
                "SELECT f()",
                "INSERT INTO t VALUES (1)",
            ],
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_a_statement_is(test: object, yes: list[str], no: list[str]) -> None:
    assert callable(test)
    assert [statement for statement in yes if not test(statement)] == []
    assert [statement for statement in no if test(statement)] == []


def test_an_index_that_may_be_there() -> None:
    statement = "CREATE INDEX CONCURRENTLY i ON t (x)"
    again = "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (x)"
    assert sql.if_not_exists(statement) == sql.if_not_exists(again) == again
    assert sql.concurrent_index(again) == ("i", "t")
    assert sql.concurrent_index("CREATE INDEX i ON t (x)") is None
    assert sql.concurrent_index("CREATE INDEX CONCURRENTLY ON t (x)") is None


def test_two_spellings_of_an_index_are_the_same_form() -> None:
    kept = "CREATE UNIQUE INDEX i ON public.t USING btree (x, lower(y)) WHERE (x > 1)"
    typed = 'create unique index concurrently i on t ("x", lower(y)) where (x > 1)'
    assert sql.index_form(kept) == sql.index_form(typed)
    assert sql.index_form(kept) != sql.index_form(kept.replace("btree", "hash"))
    assert sql.index_form(kept) != sql.index_form(kept.replace("UNIQUE ", ""))


def test_names() -> None:
    assert sql.qualified('"a.b"."C"') == ('"a.b"', '"C"')
    assert sql.qualified("t") == ("", "t")
    assert sql.mentions("SELECT * FROM a.t", "a.t")
    assert not sql.mentions('SELECT * FROM a.t2, b."a.t", x.a.t', "a.t")


def test_what_the_server_gets() -> None:
    assert sql.sent("-- x\n /* y */ SELECT '%%'") == "SELECT '%'"
    assert sql.bare("  -- only\n") == ""
    assert sql.numbered("UPDATE t SET a = %(a_1)s, b = '%%'") == "UPDATE t SET a = $1, b = '%%'"
    assert sql.for_text(r"SELECT ':a', x::int, '\:b', 12:30") == (
        r"SELECT '\:a', x::int, '\:b', 12:30"
    )


def test_constants_and_types() -> None:
    found = sql.constants("((state = 'it''s') OR (age >= '-3'::integer AND age < 1.5) OR x1 > 7)")
    assert found == ["it's", "-3", "1.5", "7"]
    assert (sql.base_type("numeric(4,2)"), sql.base_type("text")) == ("numeric", "text")
    assert (sql.length("bit(4)"), sql.length("bit")) == (4, 1)


DUMP = """\
--
-- PostgreSQL database dump
--

SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
DROP TABLE public.t;
SET default_tablespace = '';

--
-- Name: t; Type: TABLE; Schema: public; Owner: me
--

CREATE TABLE public.t (
    a text DEFAULT ';'::text
);


ALTER TABLE public.t OWNER TO "me too";

--
-- Name: t_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: me
--

ALTER SEQUENCE public.t_seq OWNED BY public.t.a;


--
-- PostgreSQL database dump complete
--

\\unrestrict abc
"""


def test_the_objects_of_a_dump() -> None:
    table, sequence = pg_dump_output.entries(DUMP)
    assert (table.kind, table.schema, table.name) == ("TABLE", "public", "t")
    assert pg_dump_output.created_table(table.body) == "public.t"
    assert table.owner == ('ALTER TABLE public.t OWNER TO "me too"', "me too")
    assert table.body.endswith(");") and "OWNER" not in table.body
    assert sequence.body == "ALTER SEQUENCE public.t_seq OWNED BY public.t.a;"
    assert pg_dump_output.owned_sequences(sequence.body) == ["public.t_seq"]
    assert pg_dump_output.preamble(DUMP) == ["DROP TABLE public.t"]
    text = pg_dump_output.schema_text(DUMP)
    assert text.startswith("\nCREATE TABLE") or text.startswith("CREATE TABLE")
    assert "unrestrict" not in text and "dump complete" not in text


def test_options_of_columns_that_servers_keep_for_themselves() -> None:
    script = """\
ALTER TABLE ONLY public.t ALTER COLUMN a SET (pg_attver=93214504);
ALTER TABLE ONLY public."t (x)" ALTER COLUMN b SET (pg_attver=7, n_distinct=5);
ALTER TABLE ONLY public.t ALTER COLUMN c SET (n_distinct=-0.5);
ALTER INDEX public.i ALTER COLUMN 1 SET STATISTICS 100;
"""
    without = script.split("\n", 1)[1].replace("pg_attver=7, ", "")
    assert pg_dump_output.without_servers_options(script) == without
    dump = DUMP.replace(");\n", ");\n" + script, 1)
    assert "attver" not in pg_dump_output.schema_text(dump)
    assert "attver" not in next(pg_dump_output.entries(dump)).body


def test_the_rows_and_the_database_of_a_dump() -> None:
    script = "SET x = 1;\n--\n-- Data for\n--\n\nINSERT INTO t VALUES ('a;b');\nSET y = 2;\n"
    assert pg_dump_output.inserts(script) == ("INSERT INTO t VALUES ('a;b')",)
    made = "CREATE DATABASE \"My db\" WITH TEMPLATE = template0 ENCODING = 'UTF8';\n"
    assert pg_dump_output.database(made) == ('"My db"', "TEMPLATE = template0 ENCODING = 'UTF8'")


def test_sqlite() -> None:
    assert sqlite.pieces("CREATE TABLE [a b] (`x` text DEFAULT 'y;')") == [
        *("CREATE", "TABLE", "[a b]", "(", "`x`", "text", "DEFAULT", "'y;'", ")")
    ]
    assert sqlite.plain_defaults("x int DEFAULT ( 1 )") == "x int DEFAULT 1"


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("ALTER COLUMN p TYPE numeric(12, 2)", ("p", "numeric(12, 2)", "")),
        (
            'ALTER "The P" SET DATA TYPE text COLLATE "C" USING "The P"::text',
            ('"The P"', "text", '"The P"::text'),
        ),
        ("ALTER COLUMN p TYPE int USING p::int + 1", ("p", "int", "p::int + 1")),
        ("ALTER COLUMN p SET DEFAULT 1", None),
        ("ADD COLUMN type text", None),
    ],
)
def test_retyped(action: str, expected: tuple[str, str, str] | None) -> None:
    assert sql.retyped(action) == expected


def test_altered_table() -> None:
    assert sql.altered_table('ALTER TABLE ONLY s."T" ADD x int') == 's."T"'
    assert sql.altered_table("CREATE TABLE t (x int)") == ""


def test_identifiers() -> None:
    assert sql.identifiers('Public."a.b"."C"') == ("public", "a.b", "C")
