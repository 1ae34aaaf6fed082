"""What a deploy's lint knows of the schema comes from the database, however that came about."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from tests.deploy.deploying import COMMAND, Stage, alone, execute, steps

TABLES = (
    "CREATE TABLE accounts (id int PRIMARY KEY, note varchar(50), remark varchar(50),"
    " tags varchar(50)[], code text UNIQUE, amount numeric(8, 2), price numeric(8, 2), filled int,"
    " serial_id serial,"
    " phase text DEFAULT 'x' NOT NULL,"
    " CONSTRAINT filled_there CHECK (filled IS NOT NULL), short varchar(9) CHECK (short <> ''))",
    "INSERT INTO accounts (id, filled) VALUES (1, 1)",
    "CREATE INDEX ix_note ON accounts (note)",
    "CREATE UNIQUE INDEX ix_part ON accounts (amount) WHERE amount > 0",
    "CREATE VIEW notes AS SELECT id, note FROM accounts",
    "CREATE MATERIALIZED VIEW kept AS SELECT id, code FROM accounts",
    "CREATE TABLE events (id int, at date) PARTITION BY RANGE (at)",
    "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
    'CREATE TABLE "Old Orders" ("Order No" varchar(10), "select" int UNIQUE)',
    "CREATE DOMAIN percent AS int CHECK (VALUE < 101)",
    "CREATE TABLE logs (day date) PARTITION BY LIST (day)",
    "CREATE TABLE logs_rest PARTITION OF logs DEFAULT",
    "CREATE TABLE keyless (a int)",
    "CREATE TABLE told_apart (a int)",
    "ALTER TABLE told_apart REPLICA IDENTITY FULL",
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$",
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$",
    "CREATE TRIGGER touch BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION touch()",
    "CREATE SCHEMA other",
    "CREATE TABLE other.accounts (id int PRIMARY KEY, note varchar(50), code int)",
    "CREATE VIEW other.notes AS SELECT code FROM other.accounts",
)
EXPAND = 'phase = "expand"'


def findings(stage: Stage, url: str = "") -> set[str]:
    """The rules that the pending revisions violate, which are deployed all the same."""
    env = {"DATABASE_URL": url or stage.url, "MIGRATOR_DRIFT": "false", "MIGRATOR_BACKUP": "false"}
    words = [*COMMAND, "deploy", "--json", "--no-rows", "--accept-risk", "x"]
    process = stage.project.start(words, env=env)
    said, errors = process.communicate(timeout=120)
    lines = [json.loads(line) for line in said.splitlines()]
    lint = next(each for each in lines if each["step"] == "lint")
    assert process.returncode in (0, 1), said + (errors or "")
    return {each["rule"] for each in lint.get("accepted", ())}


class Case(NamedTuple):
    """A pending change, and the rules that it breaks, given TABLES."""

    statements: Sequence[str]
    rules: Sequence[str] = ()


SAFE_AND_UNSAFE = {
    "wider varchar": Case(["ALTER TABLE accounts ALTER remark TYPE varchar(100)"]),
    "wider, with public": Case(["ALTER TABLE public.accounts ALTER remark TYPE text"]),
    "wider, but a view reads it": Case(
        ["ALTER TABLE accounts ALTER note TYPE varchar(100)"], ["column-of-view"]
    ),
    "wider, and the view made again": Case(
        [
            "DROP VIEW notes",
            "ALTER TABLE accounts ALTER note TYPE varchar(100)",
            "CREATE VIEW notes AS SELECT id, note FROM accounts",
        ]
    ),
    "wider in another schema": Case(["ALTER TABLE other.accounts ALTER note TYPE text"]),
    "wider numeric": Case(["ALTER TABLE accounts ALTER price TYPE numeric(12, 2)"]),
    "wider, but a partial index is built again": Case(
        ["ALTER TABLE accounts ALTER amount TYPE numeric(12, 2)"], ["changing-column-type"]
    ),
    "wider after a rename": Case(
        [
            "ALTER TABLE accounts RENAME remark TO other_remark",
            "ALTER TABLE accounts ALTER other_remark TYPE varchar(60)",
        ],
        ["renaming-column"],
    ),
    "wider, quoted": Case(['ALTER TABLE "Old Orders" ALTER "Order No" TYPE varchar(11)']),
    "narrower": Case(
        ["ALTER TABLE accounts ALTER remark TYPE varchar(40)"], ["changing-column-type"]
    ),
    "narrower, quoted": Case(
        ['ALTER TABLE "Old Orders" ALTER "Order No" TYPE varchar(9)'], ["changing-column-type"]
    ),
    "narrower in the other schema only": Case(
        ["ALTER TABLE other.accounts ALTER code TYPE bigint"],
        ["changing-column-type", "column-of-view"],
    ),
    "an array": Case(
        ["ALTER TABLE accounts ALTER tags TYPE varchar(60)[]"], ["changing-column-type"]
    ),
    "int": Case(["ALTER TABLE accounts ALTER filled TYPE bigint"], ["changing-column-type"]),
    "wider, but checked": Case(
        ["ALTER TABLE accounts ALTER short TYPE text"], ["changing-column-type"]
    ),
    "a sequence that stays": Case(
        ["ALTER TABLE accounts ALTER serial_id TYPE bigint"],
        ["changing-column-type", "sequence-too-small"],
    ),
    "an index that is there": Case(
        ["DROP INDEX IF EXISTS ix_note"], ["require-concurrent-index-deletion"]
    ),
    "an index that is not": Case(["DROP INDEX IF EXISTS ix_other"]),
    "an index of the other schema": Case(["DROP INDEX IF EXISTS other.ix_note"]),
    "rows of a key": Case(["UPDATE accounts SET note = 'a' WHERE code = 'b'"]),
    "rows of a quoted key": Case(['UPDATE "Old Orders" SET "Order No" = 1 WHERE "select" = 2']),
    "rows of no key": Case(["UPDATE accounts SET note = 'a' WHERE note = 'b'"], ["bulk-write"]),
    "rows of a partial key": Case(
        ["UPDATE accounts SET note = 'a' WHERE amount = 1"], ["bulk-write"]
    ),
    "a key of another schema": Case(
        ["UPDATE other.accounts SET note = 'a' WHERE code = 1"], ["bulk-write"]
    ),
    "a view with fewer columns": Case(
        ["DROP VIEW notes", "CREATE VIEW notes AS SELECT id FROM accounts"], ["dropping-object"]
    ),
    "a view with more columns": Case(
        ["DROP VIEW notes", "CREATE VIEW notes AS SELECT id, note, code FROM accounts"]
    ),
    "a view along with a column": Case(
        ["ALTER TABLE accounts DROP COLUMN note CASCADE"],
        ["ban-drop-column", "dropping-dependents"],
    ),
    "a view along with a column of the other schema": Case(
        ["ALTER TABLE other.accounts DROP COLUMN code CASCADE"],
        ["ban-drop-column", "dropping-dependents"],
    ),
    "a function of a trigger that raises from now on": Case(
        [
            "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN RAISE 'no'; END$$"
        ],
        ["refusing-writes"],
    ),
    "a function that raises, for a new trigger": Case(
        ["CREATE TRIGGER no BEFORE DELETE ON accounts EXECUTE FUNCTION refuse()"],
        ["refusing-writes"],
    ),
    "a trigger that is made again": Case(
        [
            "DROP TRIGGER touch ON accounts",
            "CREATE TRIGGER touch BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION touch()",
        ]
    ),
    "a column of a domain with a check": Case(
        ["ALTER TABLE accounts ADD COLUMN done percent"], ["rewriting-table"]
    ),
    "a partition beside a default one": Case(
        ["CREATE TABLE logs_1 PARTITION OF logs FOR VALUES IN ('2026-01-01')"],
        ["constraint-missing-not-valid"],
    ),
    "a publication without a key": Case(
        ["CREATE PUBLICATION p FOR TABLE accounts, keyless"], ["refusing-updates"]
    ),
    "a publication of rows that are told apart": Case(
        ["CREATE PUBLICATION p FOR TABLE accounts, told_apart"]
    ),
    "a partitioned table": Case(["CREATE INDEX ix_at ON ONLY events (at)"]),
    "a table that is none": Case(
        ["CREATE INDEX ix_code ON ONLY accounts (code)"], ["require-concurrent-index-creation"]
    ),
    "a materialized view": Case(["CREATE INDEX ix_code ON kept (code)"]),
    "a key": Case(["ALTER TABLE accounts DROP CONSTRAINT accounts_code_key"], ["dropping-key"]),
    "a default that is needed": Case(
        ["ALTER TABLE accounts ALTER phase DROP DEFAULT"], ["dropping-default"]
    ),
    "a default that is not": Case(["ALTER TABLE accounts ALTER note DROP DEFAULT"]),
    "rows locked by a key": Case(["SELECT FROM accounts WHERE code = 'a' FOR UPDATE"]),
}


@pytest.mark.parametrize("name", SAFE_AND_UNSAFE)
def test_a_database_that_was_stamped(stage: Stage, name: str) -> None:
    """Its tables were made by plain SQL: no revision tells of them."""
    case = SAFE_AND_UNSAFE[name]
    stage.begin(*TABLES)
    stage.history("pass", steps(*map(execute, case.statements)))
    assert findings(stage) == set(case.rules)


@pytest.mark.parametrize(("kind", "code"), [("varchar(100)", 0), ("varchar(9)", 5), ("int", 5)])
def test_the_exit_code(stage: Stage, kind: str, code: int) -> None:
    """What is unsafe is refused, and what is safe is applied."""
    stage.begin("CREATE TABLE t (note varchar(50))", "INSERT INTO t VALUES ('1')")
    stage.history("pass", execute(f"ALTER TABLE t ALTER note TYPE {kind} USING note::{kind}"))
    env = {"DATABASE_URL": stage.url, "MIGRATOR_DRIFT": "false", "MIGRATOR_BACKUP": "false"}
    process = stage.project.start([*COMMAND, "deploy"], env=env, together=True)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == code, said


def test_not_null_with_a_check(stage: Stage) -> None:
    """Only a valid check is as good as the scan."""
    stage.begin(*TABLES, "ALTER TABLE accounts ADD CONSTRAINT k CHECK (note IS NOT NULL) NOT VALID")
    codes = {}
    for column in ("filled", "note"):
        stage.history("pass", execute(f"ALTER TABLE accounts ALTER {column} SET NOT NULL"))
        env = {"DATABASE_URL": stage.url, "MIGRATOR_BACKUP": "false", "MIGRATOR_DRIFT": "false"}
        process = stage.project.start([*COMMAND, "deploy", "--no-rows"], env=env, together=True)
        said, _ = process.communicate(timeout=120)
        codes[column] = process.returncode, "adding-not-nullable-field" in said
        stage.ask("UPDATE alembic_version SET version_num = 'step1' RETURNING 1")
    assert codes == {"filled": (0, False), "note": (5, True)}


@pytest.mark.parametrize(
    ("written", "rules"),
    [("accounts", set()), ("other.accounts", set()), ("public.accounts", {"changing-column-type"})],
)
def test_the_search_path(stage: Stage, written: str, rules: set[str]) -> None:
    """A name without a schema means what the deploy's sessions find first."""
    stage.begin(*TABLES, "DROP VIEW notes", "ALTER TABLE accounts ALTER note TYPE int USING 1")
    with stage.connect() as connection:
        connection.execute("ALTER TABLE alembic_version SET SCHEMA other")
    url = f"{stage.url}?options=-csearch_path%3Dother,public"
    stage.history("pass", execute(f"ALTER TABLE {written} ALTER note TYPE varchar(70)"))
    assert findings(stage, url) == rules


def test_a_database_with_many_schemas(stage: Stage) -> None:
    """Only those are read that the revisions name, or that are in the search path."""
    stage.begin(*TABLES, *(f"CREATE SCHEMA s{number}" for number in range(60)))
    stage.history(
        "pass",
        execute("ALTER TABLE other.accounts ALTER note TYPE text"),
        execute("ALTER TABLE accounts ALTER remark TYPE varchar(70)"),
        execute("UPDATE accounts SET note = 'a' WHERE code = 'b'"),
    )
    assert findings(stage) == set()


def test_what_an_attempt_has_left(stage: Stage) -> None:
    """A non-transactional revision that stopped half-way is not refused when it is repeated."""
    stage.begin(*TABLES, "INSERT INTO accounts (id, filled, amount) VALUES (2, 1, -1), (3, 1, -1)")
    again = steps(
        alone("DROP INDEX CONCURRENTLY IF EXISTS ix_code2"),
        alone("CREATE INDEX CONCURRENTLY ix_code2 ON accounts (code)"),
        alone("DROP INDEX CONCURRENTLY IF EXISTS ix_amount"),
        alone("CREATE UNIQUE INDEX CONCURRENTLY ix_amount ON accounts (amount)"),
    )
    stage.history("pass", again)
    for _ in range(2):
        assert findings(stage) == set()
    invalid = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    assert stage.ask(invalid) == [("ix_amount",)]
    stage.ask("UPDATE accounts SET amount = id RETURNING 1")
    assert findings(stage) == set()
    assert stage.at == "step2"


def test_another_index_of_the_name_is_replaced(stage: Stage) -> None:
    """That is no attempt's: without it, queries read the whole table until the new one is there."""
    stage.begin(*TABLES)
    stage.history(
        "pass",
        steps(
            alone("DROP INDEX CONCURRENTLY IF EXISTS ix_note"),
            alone("CREATE INDEX CONCURRENTLY ix_note ON accounts (note, code)"),
        ),
    )
    assert findings(stage) == {"drop-before-replacement"}


def test_a_catalog_that_cannot_be_read(stage: Stage) -> None:
    """Whoever holds a table that a view reads: then lint knows what the revisions tell."""
    stage.begin(
        "CREATE TABLE t (note varchar(50))", "CREATE VIEW v AS SELECT note FROM t", at="step2"
    )
    widening = execute("ALTER TABLE t ALTER note TYPE varchar(60)")
    stage.history("pass", execute("CREATE TABLE t (note varchar(50))"), widening)
    env = {"DATABASE_URL": stage.url, "MIGRATOR_BACKUP": "false", "MIGRATOR_LOCK_DEADLINE": "1"}
    words = [*COMMAND, "deploy", "--no-blockers"]
    with stage.holding("LOCK TABLE t"):
        process = stage.project.start(words, env=env, together=True)
        said, _ = process.communicate(timeout=120)
    assert "lint     no findings" in said, said
    assert process.returncode == 4, said
