"""A backfill finds every row, whatever its key is, and counts those that it cannot fill."""

from __future__ import annotations

import time

import psycopg
import pytest

from tests.operations.operating import Project

# By name: what makes the type, if anything; the type of the key; and its value for the number n.
KEYS = {
    "bytea": ("", "bytea", "decode(md5(n::text), 'hex')"),
    "bytea, text": ("", "bytea", "convert_to(md5(n::text) || '\\''%', 'UTF8')"),
    "uuid": ("", "uuid", "md5(n::text)::uuid"),
    "array": ("", "int[]", "ARRAY[n % 7, n, NULL]"),
    "array of text": ("", "text[]", "ARRAY[md5(n::text), 'a\"b{,}']"),
    "jsonb": ("", "jsonb", "jsonb_build_object('a', n, 'b', 'x''y')"),
    "float": ("", "float8", "CASE n WHEN 1 THEN 'NaN' WHEN 2 THEN 'inf' WHEN 3 THEN '-inf'"
              " ELSE n::float8 / 3 END"),
    "real": ("", "real", "CASE n WHEN 1 THEN 'NaN' ELSE (n::real / 7)::real END"),
    "numeric": ("", "numeric", "CASE n WHEN 1 THEN 'NaN' ELSE n / 3.0 END"),
    "timestamptz": ("", "timestamptz", "CASE n WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity'"
                    " ELSE timestamptz '2000-01-01' + n * interval '1.000001 s' END"),
    "date": ("", "date", "CASE n WHEN 1 THEN 'infinity' WHEN 2 THEN '0044-03-15 BC'"
             " ELSE date '2000-01-01' + n END"),
    "interval": ("", "interval", "n * interval '1 month 2 days 3.5 seconds'"),
    "char": ("", "char(12)", "n::text"),
    "enum": (
        "DO $$ BEGIN EXECUTE (SELECT 'CREATE TYPE mood AS ENUM (' || string_agg(quote_literal("
        "md5(n::text)), ',') || ')' FROM generate_series(1, 1000) n); END $$",
        "mood", "md5(n::text)::mood"),
    "composite": ("CREATE TYPE pair AS (a int, b text)", "pair",
                  "ROW(n % 9, CASE WHEN n < 10 THEN NULL ELSE md5(n::text) END)::pair"),
    "domain": ("CREATE DOMAIN code AS bytea CHECK (length(value) > 1)", "code",
               "decode(md5(n::text), 'hex')"),
    "range": ("", "int4range", "int4range(n, n + 3)"),
    "inet": ("", "inet", "inet '10.0.0.0' + n"),
    "bit": ("", "bit(16)", "n::bit(16)"),
    "money": ("", "money", "(n / 7.0)::numeric::money"),
    "several": ("", "int, two bool, three text",
                         "n / 4, n % 2 = 0, CASE WHEN n % 4 < 2 THEN 'a''' ELSE 'b\\' END"),
    "xid8": ("", "xid8", "(n * 1000003)::text::xid8"),
    "name": ("", "name", "md5(n::text)::name"),
}  # fmt: skip


@pytest.mark.parametrize("written", [False, True], ids=["online", "as SQL"])
def test_every_type_of_key(project: Project, url: str, written: bool) -> None:
    fill = 'op.backfill("keyed {}", {{"filled": 1}}, key={}, batch=97, pause=0)'
    keys = {
        kind: ["id", "two", "three"] if "," in each[1] else ["id"] for kind, each in KEYS.items()
    }
    project.write("\n".join(fill.format(kind, key) for kind, key in keys.items()))
    with psycopg.connect(url, autocommit=True) as connection:
        for kind, (before, columns, value) in KEYS.items():
            key = ", ".join(keys[kind])
            connection.execute(before or "SELECT 1")
            made = f'CREATE TABLE "keyed {kind}" (id {columns}, filled int, PRIMARY KEY ({key}))'
            connection.execute(made)
            connection.execute(
                f'INSERT INTO "keyed {kind}" ({key}) SELECT {value} FROM generate_series(1, 1000) n'
            )
        if written:
            project.psql(url)
        else:
            database = connection.info.dbname
            connection.execute(f"ALTER DATABASE {database} SET DateStyle = 'SQL, DMY'")
            connection.execute(f"ALTER DATABASE {database} SET extra_float_digits = 0")
            output = project.alembic(url)
            assert output.count(": 1000 rows, done") == len(KEYS), output
        left = {}
        for kind in KEYS:
            counted = f'SELECT count(*) - count(filled) FROM "keyed {kind}"'
            left[kind] = connection.execute(counted).fetchone()
        assert left == dict.fromkeys(KEYS, (0,))


STUBBORN = {
    "the value is NULL": ('{"nick": sa.text("nullif(name, \'user 7\')")}', "", 1),
    "half of them are": ('{"nick": sa.text("CASE WHEN id % 2 = 0 THEN name END")}', "", 1250),
    "of two columns": ('{"nick": "x", "boss": sa.text("nullif(id, 5)")}', "", 1),
    "the condition stays true": ('{"nick": "x"}', "id > 2400", 100),
}


@pytest.mark.parametrize("written", [False, True], ids=["online", "as SQL"])
@pytest.mark.parametrize("case", STUBBORN)
def test_rows_that_are_left(project: Project, url: str, case: str, written: bool) -> None:
    """They are counted, and written at most once."""
    values, where, left = STUBBORN[case]
    project.write(f'op.backfill("users", {values}, key="id", where={where!r}, batch=300)')
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE users SET boss = NULL")
        connection.execute("SELECT pg_stat_force_next_flush()")
        updates = "SELECT pg_stat_get_tuples_updated('users'::regclass)"
        (before,) = connection.execute(updates).fetchone() or (0,)
        if written:
            with pytest.raises(AssertionError, match=f"the backfill of users has left {left} rows"):
                project.psql(url)
        else:
            output = project.alembic(url, code=1)
            assert f"The backfill of users has left {left} row" in output
        (after,) = connection.execute(updates).fetchone() or (0,)
        assert after - before <= 2500
        at = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        assert at == [("rows",)]


def test_only_what_was_filled_is_counted(project: Project, url: str) -> None:
    project.write('op.backfill("users", {"nick": sa.text("nullif(name, \'user 7\')")})')
    assert "backfill of users: 2499 rows, done" in project.alembic(url, code=1)


def test_rows_with_a_key_that_is_null(project: Project, url: str) -> None:
    """No order finds them."""
    project.write('op.backfill("keyed", {"filled": 1}, key="id")')
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE keyed (id int UNIQUE, filled int)")
        connection.execute("INSERT INTO keyed VALUES (1), (NULL), (NULL)")
        assert "has left 2 rows" in project.alembic(url, code=1)
        connection.execute("UPDATE keyed SET filled = 0 WHERE id IS NULL")
        project.alembic(url)


def test_what_others_insert_meanwhile_is_no_failure(project: Project, url: str) -> None:
    """A code that does not know the column goes on; only what was there before has to be filled."""
    project.write('op.backfill("users", {"nick": "x"}, batch=500)')
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO users (id, email, name) VALUES ((SELECT min(id) - 1 FROM users),"
            " random()::text, 'late'); RETURN NULL; END $$"
        )
        connection.execute("CREATE TRIGGER more AFTER UPDATE ON users EXECUTE FUNCTION more()")
        project.alembic(url)
        late = "SELECT count(*) > 0 FROM users WHERE nick IS NULL"
        assert connection.execute(late).fetchone() == (True,)


@pytest.mark.parametrize("written", [False, True], ids=["run", "psql"])
def test_the_table_is_not_read_for_each_batch(project: Project, url: str, written: bool) -> None:
    """The column is new: without statistics the planner takes hardly any row for NULL there."""
    project.write('op.backfill("many", {"filled": 1}, key="id", batch=500, pause=0)')
    reads = "SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relname = 'many'"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE many (id int PRIMARY KEY, name text)")
        connection.execute("INSERT INTO many SELECT n, 'name' FROM generate_series(1, 20000) n")
        connection.execute("VACUUM ANALYZE many")
        connection.execute("ALTER TABLE many ADD filled int")
        project.psql(url) if written else project.alembic(url)
        assert connection.execute("SELECT count(filled) FROM many").fetchone() == (20_000,)
        deadline, counted = time.monotonic() + 30, (0, 0)
        while counted[1] < 40:
            assert time.monotonic() < deadline, counted
            counted = connection.execute(reads).fetchone() or (0, 0)
        assert counted[0] < 10  # of 40 batches
