"""Rows that violate what a revision adds: how many, and the query that finds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.deploying import Stage, alone, execute, steps

ROWS = """
CREATE SCHEMA "Old Ones";
CREATE TABLE "Old Ones"."Group" (id int PRIMARY KEY);
INSERT INTO "Old Ones"."Group" VALUES (1);
CREATE TABLE "Some %" (
    id int PRIMARY KEY, "user" int, email text, "E-mail" text, gone bool, doc jsonb,
    seen daterange
);
INSERT INTO "Some %" VALUES
    (1, 1, 'anna@example.org', 'x', false, '{"a": 1}', '[2024-01-01,2024-02-01)'),
    (2, 1, 'ANNA@example.org', 'x', false, '{"a": 1}', '[2024-01-15,2024-02-15)'),
    (3, 1, 'anna@example.org', 'x', true, '{"a": 2}', '[2024-03-01,2024-03-02)'),
    (4, 7, NULL, 'y', false, '{"a": 1}', NULL),
    (5, NULL, NULL, 'y', false, NULL, NULL),
    (6, NULL, 'berta@example.org', NULL, false, NULL, NULL)
"""
TABLE = '"Some %"'


def add(constraint: str) -> str:
    """A statement that adds a constraint to the table."""
    return f"ALTER TABLE {TABLE} ADD CONSTRAINT new {constraint}"


# A statement, or several steps; the kind; how many rows; and how many the query finds.
CASES: dict[str, tuple[str, str, int, int]] = {
    "unique": (add('UNIQUE ("user")'), "unique", 3, 1),
    "several columns": (add('UNIQUE ("user", "E-mail")'), "unique", 3, 1),
    "nulls not distinct": (add('UNIQUE NULLS NOT DISTINCT ("user")'), "unique", 5, 2),
    "expression": (f"CREATE UNIQUE INDEX new ON {TABLE} (lower(email))", "unique", 3, 1),
    "partial": (f"CREATE UNIQUE INDEX new ON {TABLE} (email) WHERE id < 4", "unique", 2, 1),
    "expression and partial": (
        f"""CREATE UNIQUE INDEX new ON {TABLE} ((doc ->> 'a'), "user") WHERE NOT gone""",
        *("unique", 2, 1),
    ),
    "constant": (f"CREATE UNIQUE INDEX new ON {TABLE} ((true)) WHERE NOT gone", "unique", 5, 1),
    "collation": (f'CREATE UNIQUE INDEX new ON {TABLE} ("E-mail" COLLATE "C")', "unique", 5, 2),
    "primary key": (
        f'ALTER TABLE {TABLE} DROP CONSTRAINT "Some %_pkey", ADD PRIMARY KEY ("user")',
        *("not_null", 2, 2),
    ),
    "check": (add("CHECK (email NOT LIKE '%@example.org' OR \"user\" > 0)"), "check", 0, 0),
    "check of some": (add('CHECK ("user" < 7 OR gone)'), "check", 1, 1),
    "foreign key": (
        add('FOREIGN KEY ("user") REFERENCES "Old Ones"."Group"'),
        *("foreign_key", 1, 1),
    ),
    "not null": (f'ALTER TABLE {TABLE} ALTER "E-mail" SET NOT NULL', "not_null", 1, 1),
    "new column": (f"ALTER TABLE {TABLE} ADD COLUMN more int NOT NULL", "not_null", 6, 6),
    "exclude": (add("EXCLUDE USING gist (seen WITH &&) WHERE (NOT gone)"), "exclude", 2, 2),
    "one of several": (
        f'ALTER TABLE {TABLE} ADD CHECK (id > 0), ADD CHECK ("user" < 7)',
        *("check", 1, 1),
    ),
}


def prepared(stage: Stage, *revisions: str) -> None:
    """Applies a revision with the rows, and writes those that come after it."""
    stage.history(execute(ROWS))
    stage.run()
    stage.history(execute(ROWS), *revisions)


def planned(stage: Stage) -> dict[str, Any]:
    """What the plan says in JSON."""
    first, *_ = stage.run("--json", command="plan", code=3).splitlines()
    return dict(json.loads(first))


def check(stage: Stage, found: list[dict[str, Any]], case: tuple[str, str, int, int]) -> None:
    """Compares what is said of the violations with what a case expects."""
    _, kind, rows, results = case
    (violation,) = [each for each in found if each["kind"] == kind]
    assert (violation["kind"], violation["rows"]) == (kind, rows), violation
    assert violation["query"].endswith(";")
    assert len(stage.ask(violation["query"])) == results
    assert "anna" not in json.dumps(violation)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[2]])
def test_the_plan_counts_them_and_the_deploy_stops(stage: Stage, name: str, tmp_path: Path) -> None:
    """Before the backup."""
    prepared(stage, execute(CASES[name][0]))
    check(stage, planned(stage)["violations"], CASES[name])
    backups = {"MIGRATOR_BACKUP": "true", "MIGRATOR_BACKUP_FOLDER": str(tmp_path)}
    end = stage.lines(code=5, **backups)[-1]
    check(stage, end["violations"], CASES[name])
    assert end["violations"][0]["revision"] == "step2"
    assert not list(tmp_path.iterdir())
    assert stage.at == "step1"


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[2]])
def test_a_failure_says_how_many(stage: Stage, name: str) -> None:
    prepared(stage, execute(CASES[name][0]))
    end = stage.lines("--no-rows", code=1)[-1]
    check(stage, end["violations"], CASES[name])
    text = stage.run("--no-rows", code=1)
    for each in end["violations"]:
        assert each["query"] in text
        assert f"{each['rows']} row" in text
    assert "anna" not in text


def test_nothing_is_violated(stage: Stage) -> None:
    prepared(stage, execute(CASES["check"][0]))
    assert planned(stage)["violations"] == []
    stage.run()
    assert stage.at == "step2"


NOT_VALID = [add('CHECK ("user" < 7) NOT VALID'), f"ALTER TABLE {TABLE} VALIDATE CONSTRAINT new"]
VALIDATED = {
    "in one transaction": [steps(*map(execute, NOT_VALID))],
    "in two revisions": [*map(execute, NOT_VALID)],
    "of a partial commit": [steps(*map(alone, NOT_VALID))],
    "foreign key": [
        execute(add('FOREIGN KEY ("user") REFERENCES "Old Ones"."Group" (id) NOT VALID')),
        execute(NOT_VALID[1]),
    ],
}


@pytest.mark.parametrize("name", VALIDATED)
def test_validate(stage: Stage, name: str) -> None:
    prepared(stage, *VALIDATED[name])
    (violation,) = stage.lines("--no-rows", code=1)[-1]["violations"]
    kind = "foreign_key" if name == "foreign key" else "check"
    assert (violation["kind"], violation["rows"], violation["constraint"]) == (kind, 1, "new")
    assert len(stage.ask(violation["query"])) == 1
    (violation,) = stage.lines(code=5)[-1]["violations"]
    assert violation["rows"] == 1


OPERATIONS = {
    "op.add_unique_concurrently('new', 'Some %', ['user', 'E-mail'])": ("unique", 3),
    "op.create_index_concurrently('new', 'Some %', [sa.text('lower(email)')], unique=True,"
    " postgresql_where=sa.text('NOT gone'))": ("unique", 2),
    "op.add_check_validated('new', 'Some %', '\"user\" < 7')": ("check", 1),
    "op.add_foreign_key_validated('new', 'Some %', 'Group', ['user'], ['id'],"
    " referent_schema='Old Ones')": ("foreign_key", 1),
    "op.set_not_null('Some %', 'E-mail')": ("not_null", 1),
    "op.replace_index('new', 'Some %', 'USING btree (\"user\")', unique=True)": ("unique", 3),
    "op.replace_constraint('new', 'Some %', 'UNIQUE (\"user\")')": ("unique", 3),
    "op.replace_constraint('new', 'Some %', 'CHECK (\"user\" < 7)')": ("check", 1),
    "op.set_not_null('Some %', 'E-mail', plain=True)": ("not_null", 1),
}
NON_TRANSACTIONAL = "import sqlalchemy as sa\n    from migrator.operations import op\n    {}"


@pytest.mark.parametrize("call", OPERATIONS)
def test_operations(stage: Stage, call: str) -> None:
    kind, rows = OPERATIONS[call]
    prepared(stage, NON_TRANSACTIONAL.format(call))
    (violation,) = stage.lines(code=5)[-1]["violations"]
    assert (violation["kind"], violation["rows"]) == (kind, rows)
    (violation,) = stage.lines("--no-rows", code=1)[-1]["violations"]
    assert (violation["kind"], violation["rows"]) == (kind, rows)
    assert not violation["constraint"] or violation["constraint"].endswith("new")
    assert stage.ask(violation["query"])


FILLS = {
    "in the revision": [steps(execute(f"DELETE FROM {TABLE} WHERE \"user\" = 7"), "{}")],
    "in one before": [execute(f"UPDATE {TABLE} SET \"user\" = 1"), "{}"],
    "by a function": [execute("DO $$ BEGIN DELETE FROM \"Some %\"; END $$"), "{}"],
    "by Python": [
        "op.get_bind().execute(__import__('sqlalchemy').text('DELETE FROM \"Some %\"'))",
        "{}",
    ],
    "by a backfill": [
        "from migrator.operations import op\n    op.backfill('Some %', {'user': '1'},"
        " where='\"user\" = 7')",
        "{}",
    ],
    "by dropping": [execute(f"DROP TABLE {TABLE}"), execute(f"CREATE TABLE {TABLE} AS SELECT 1"
                                                            ' AS "user"'), "{}"],
}  # fmt: skip


@pytest.mark.parametrize("name", FILLS)
def test_rows_that_a_revision_fixes_first(stage: Stage, name: str) -> None:
    check_it = execute(add('CHECK ("user" < 7)'))
    prepared(stage, *(each.replace("{}", check_it) for each in FILLS[name]))
    stage.run()


def test_what_depends_on_the_rows_is_no_violation(stage: Stage) -> None:
    """A condition in a block, or an operation that leaves it."""
    block = (
        f'DO $$ BEGIN IF NOT EXISTS (SELECT FROM {TABLE} WHERE "E-mail" IS NULL) THEN ALTER TABLE'
        f' {TABLE} ALTER "E-mail" SET NOT NULL; END IF; END $$'
    )
    operation = NON_TRANSACTIONAL.format("op.set_not_null('Some %', 'E-mail', if_filled=True)")
    prepared(stage, execute(block), operation)
    stage.run()


def test_what_is_there_is_not_added(stage: Stage) -> None:
    """IF NOT EXISTS does nothing then; and children do not keep to what is not inherited."""
    there = f'CREATE INDEX new ON {TABLE} ("user"); CREATE TABLE child () INHERITS ({TABLE})'
    prepared(
        stage,
        execute(f"{there}; INSERT INTO child (id, gone) VALUES (9, true), (9, true)"),
        execute(f'CREATE UNIQUE INDEX IF NOT EXISTS new ON {TABLE} ("user")'),
        execute(f'ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS "user" int NOT NULL'),
        execute(add("CHECK (id < 7) NO INHERIT")),
        execute(f"CREATE UNIQUE INDEX ids ON {TABLE} (id)"),
    )
    stage.run("--to", "step2")
    stage.run()


def test_a_write_that_violates_says_nothing_more(stage: Stage) -> None:
    """No query finds the rows that a statement would have written."""
    prepared(stage, execute(f"INSERT INTO {TABLE} (id) VALUES (1)"))
    end = stage.lines(code=1)[-1]
    assert "violations" not in end


def test_a_lock_that_is_in_the_way_before_the_revisions(stage: Stage) -> None:
    """Nobody waits any more when the step has failed: the query that is printed finds who it is."""
    prepared(stage, execute(add('CHECK ("user" < 7)')))
    with stage.holding(f"LOCK TABLE {TABLE}", application_name="report") as holder:
        output = stage.run(code=4)
        (line,) = [each for each in output.splitlines() if each.startswith("  find it")]
        found = stage.ask(line.removeprefix("  find it").strip())
        pid = holder.info.backend_pid
        assert [(row[0], row[1], row[4], row[5]) for row in found] == [
            (pid, "report", TABLE, "AccessExclusiveLock")
        ]


def test_rows_that_nobody_can_count_in_time(stage: Stage) -> None:
    """The deploy goes on, and after the failure the query is there without a number."""
    slow = "CREATE FUNCTION slow(n int) RETURNS bool LANGUAGE plpgsql AS"
    body = "'BEGIN PERFORM pg_sleep(4); RETURN false; END'"
    stage.history(steps(execute(ROWS), execute(f"{slow} {body}")))
    stage.run()
    stage.history("pass", execute(add("CHECK (slow(id))")))
    (violation,) = stage.lines(code=1)[-1]["violations"]
    assert violation["rows"] is None
    assert "slow(id)" in violation["query"]
