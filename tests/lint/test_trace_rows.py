"""A trace's sample rows: every table gets some, and a revision that they do not fit goes on."""

import json

import pytest

from tests.conftest import Rendering
from tests.lint.test_lint import FIRST, LINT, write
from tests.lint.test_trace import statements, traced

# One of everything that makes it hard to find a value: types, constraints, partitions.
ODD = """
CREATE SCHEMA "Odd Schema";
CREATE TYPE mood AS ENUM ('happy', 'it''s sad');
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN percentage AS integer CHECK (VALUE BETWEEN 40 AND 100);
CREATE DOMAIN code AS varchar(3) NOT NULL CHECK (VALUE <> '');
CREATE TABLE "Odd Schema"."Odd %s Table" (
    "Odd: %(Id)s" uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    number integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    mood mood NOT NULL, moods mood[] NOT NULL, done percentage NOT NULL, code code,
    twice bigint GENERATED ALWAYS AS (number * 2) STORED,
    small smallint NOT NULL, price numeric(4, 2) NOT NULL, ratio real NOT NULL,
    letter char(1) NOT NULL, word varchar(2) NOT NULL UNIQUE, yes boolean NOT NULL,
    at timestamptz NOT NULL, day date NOT NULL, clock time NOT NULL, took interval NOT NULL,
    doc jsonb NOT NULL, raw bytea NOT NULL, host inet NOT NULL,
    net cidr NOT NULL, mac macaddr NOT NULL, spot point NOT NULL, flags bit(4) NOT NULL,
    span int4range NOT NULL, words tsvector NOT NULL, cash money NOT NULL
);
CREATE TABLE ring_a (id int PRIMARY KEY, b int NOT NULL);
CREATE TABLE ring_b (id int PRIMARY KEY, a int NOT NULL REFERENCES ring_a);
ALTER TABLE ring_a ADD FOREIGN KEY (b) REFERENCES ring_b;
CREATE TABLE checked (
    id serial PRIMARY KEY,
    age int NOT NULL CHECK (age >= 18 AND age < 150),
    state text NOT NULL CHECK (state IN ('new', 'paid')),
    below numeric NOT NULL CHECK (below < -10)
);
CREATE TABLE days (day date NOT NULL, kind text) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('1999-01-01') TO ('2000-01-01');
CREATE TABLE kinds (kind text NOT NULL) PARTITION BY LIST (kind);
CREATE TABLE kinds_1 PARTITION OF kinds FOR VALUES IN ('a', 'b');
CREATE TABLE nothing ();
CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no; rows'; END$$;
CREATE TRIGGER no BEFORE INSERT ON checked EXECUTE FUNCTION no();
"""
ODD_TABLES = {
    "Odd Schema.Odd %s Table": 3,
    "ring_a": 3,
    "ring_b": 3,
    "checked": 3,
    "days_1": 3,
    "kinds_1": 3,
    "teams": 3,
    "users": 3,
    "invoices": 3,
}


def test_rows_are_found_for_odd_tables(project: Rendering) -> None:
    write(project, f"op.execute({ODD!r})", name="odd")
    body = """
op.execute("SET LOCAL session_replication_role = replica")
for table in sa.inspect(op.get_bind()).get_table_names() + ["Odd %s Table"]:
    schema = "Odd Schema" if " " in table else "public"
    if table not in ("nothing", "days", "kinds", "alembic_version"):
        op.get_bind().exec_driver_sql(f'DELETE FROM "{schema}"."{table}"'.replace("%", "%%"))
"""
    write(project, body, name="all", down="case_odd")
    (found,) = traced(project, "case_all")
    assert found["notes"] == []
    rows: dict[str, int] = {}
    for statement in found["statements"]:
        rows |= statement["rows"]
    assert rows == ODD_TABLES


def test_a_table_that_takes_no_rows_is_named(project: Rendering) -> None:
    write(
        project,
        "op.execute(\"CREATE TABLE no (code text NOT NULL CHECK (md5(code) = 'x'))\")",
        name="a",
    )
    write(project, 'op.execute("SELECT 1")', name="b", down="case_a")
    (found,) = traced(project, "case_b")
    (note,) = found["notes"]
    assert "no has no rows" in note
    assert "no_code_check" in note


@pytest.mark.parametrize(
    ("body", "without_rows"),
    [
        # Some rows have no team: it is only tried with rows that have one.
        ('op.alter_column("users", "team_id", nullable=False)', []),
        (
            'op.create_check_constraint("ck", "users", "length(name) > 5")',
            ["users"],
        ),
        (
            "op.execute('ALTER TABLE users ALTER name TYPE date USING name::date')",
            None,
        ),
    ],
)
def test_rows_that_do_not_fit_are_no_failure(
    project: Rendering, body: str, without_rows: list[str] | None
) -> None:
    (found,) = traced(project, write(project, body))
    assert found["failure"] is None
    (statement,) = found["statements"]
    assert statement["breaks"].startswith("blocks-while-")
    if without_rows is not None:
        assert (found["notes"], found["without_rows"]) == ([], without_rows)


def test_a_new_column_without_values_is_a_failure(project: Rendering) -> None:
    body = """
op.add_column("users", sa.Column("n", sa.Integer()))
op.execute("ALTER TABLE users ALTER n SET NOT NULL")
"""
    added, required = statements(project, write(project, body))
    assert added["breaks"] is None
    assert required["breaks"] == "fails"
    assert "contains null values" in required["error"]


def test_what_fails_with_rows_is_followed_by_the_rest_without_them(project: Rendering) -> None:
    body = """
# migrator: allow adding-required-field because nobody writes to it yet
op.add_column("users", sa.Column("n", sa.Integer(), nullable=False))
op.create_index("ix_amount", "invoices", ["amount"])
"""
    write(project, body, name="a")
    write(project, 'op.create_index("ix_n", "teams", ["name"])', name="b", down="case_a")
    first, second = traced(project, f"{FIRST}..head")
    column, index = first["statements"]
    assert (column["breaks"], index["breaks"]) == ("fails", "blocks-while-scanning")
    assert "contains null values" in column["error"]
    assert first["without_rows"] == ["users"]
    assert [each["breaks"] for each in second["statements"]] == ["blocks-while-scanning"]
    done = project.run(f"{LINT} --json {FIRST}..head")
    rule = "require-concurrent-index-creation"
    assert [each["rule"] for each in json.loads(done.stdout)["findings"]] == [rule, rule]


def test_what_one_deploy_creates_is_empty(project: Rendering) -> None:
    write(project, 'op.create_table("shops", sa.Column("n", sa.Integer()))', name="a")
    write(project, 'op.create_index("ix", "shops", ["n"])', name="b", down="case_a")
    breaks = [s["breaks"] for each in traced(project, f"{FIRST}..head") for s in each["statements"]]
    assert breaks == [None, None]
    *_, index = traced(project, "base..head")
    assert [each["breaks"] for each in index["statements"]] == ["blocks-while-scanning"]


def test_python_that_fails_with_rows_stops_no_other_revision(project: Rendering) -> None:
    """It fails in a database with rows; without any, what comes after it can be tried."""
    body = """
for (name,) in op.get_bind().execute(sa.text("SELECT name FROM teams")).fetchall():
    {}[name]
op.add_column("teams", sa.Column("n", sa.Integer()))
"""
    write(project, body, name="first")
    second = write(project, 'op.drop_column("teams", "n")', name="second", down="case_first")
    done = project.run(f"{LINT} --json {FIRST}..{second}")
    findings = json.loads(done.stdout)["findings"]
    rules = [(each["revision"], each["rule"]) for each in findings]
    assert ("case_first", "fails") in rules
    assert ("case_second", "ban-drop-column") in rules
    assert not any(rule == "not-tried" for _, rule in rules)


def test_rows_that_a_revision_has_added_stay_when_ours_go(project: Rendering) -> None:
    added = """
op.execute("CREATE TABLE shops (id uuid PRIMARY KEY, kind text)")
op.execute("CREATE TABLE towns (shop_id uuid REFERENCES shops, a int, PRIMARY KEY (shop_id, a))")
"""
    write(project, added, name="a")
    mine = "6af522d0-2915-4e52-83a3-3690455a5fe6"
    insert = f"op.execute(\"INSERT INTO shops VALUES ('{mine}', 'ours')\")\n"
    insert += f"op.execute(\"INSERT INTO towns VALUES ('{mine}', 7)\")\n"
    write(project, insert, name="b", down="case_a")
    unfit = """
kinds = op.get_bind().execute(sa.text("SELECT kind FROM shops")).scalars().all()
{"ours": 1}[kinds[0]] if len(kinds) > 1 else None
assert kinds == ["ours"]
"""
    write(project, unfit, name="c", down="case_b")
    again = f"op.execute(\"INSERT INTO towns VALUES ('{mine}', 8)\")"
    again += "\nassert op.get_bind().scalar(sa.text('SELECT count(*) FROM towns')) == 2"
    write(project, again, name="d", down="case_c")
    # Each of them comes alone, to tables that have rows.
    found = traced(project, "base..case_d")
    assert {each["failure"] for each in found} == {None}
