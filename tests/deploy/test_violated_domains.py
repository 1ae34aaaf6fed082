"""Rows that violate what is added to a domain, or what makes a table a partition."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from tests.deploy.deploying import Stage, execute

DOMAIN = """
CREATE DOMAIN "Amount" AS int;
CREATE DOMAIN small AS "Amount";
CREATE TABLE "Uses" (id int, value int, a "Amount", "B b" small);
INSERT INTO "Uses" VALUES (1, 0, 1, -1), (2, 0, -2, NULL), (3, 0, NULL, 5), (4, 0, -3, 1);
CREATE TABLE parts (n "Amount", m int) PARTITION BY LIST (m);
CREATE TABLE part PARTITION OF parts FOR VALUES IN (1);
INSERT INTO parts VALUES (7, 1)
"""
EVENTS = """
CREATE TABLE events (id int, day date, kind text, on_ bool) PARTITION BY {key};
CREATE TABLE "Old" (LIKE events);
INSERT INTO "Old" VALUES (1, '2024-01-01', 'A', true), (2, '2025-06-01', 'b', true),
    (3, NULL, NULL, false), (2, '2024-12-31', 'c', NULL)
"""
THERE = "CREATE TABLE there PARTITION OF events FOR VALUES {bound}"


@dataclass(frozen=True)
class Case:
    """What is there, what the revision does, and the numbers of rows by table."""

    before: str
    statement: str
    found: tuple[tuple[str, int], ...]
    kind: str = "partition"


def attach(key: str, bound: str, *found: tuple[str, int], there: str = "") -> Case:
    """A table becomes a partition."""
    before = EVENTS.format(key=key) + (f";{THERE.format(bound=there)}" if there else "")
    bound = bound if bound == "DEFAULT" else f"FOR VALUES {bound}"
    return Case(before, f'ALTER TABLE events ATTACH PARTITION "Old" {bound}', found)


DAY = "('2024-01-01') TO ('2025-01-01')"
CASES = {
    "check of a domain": Case(
        DOMAIN,
        'ALTER DOMAIN "Amount" ADD CONSTRAINT positive CHECK (VALUE > 0 AND value % 100 < 50)',
        (('"Uses"', 2), ('"Uses"', 1)),
        "check",
    ),
    "check of a domain over it": Case(
        DOMAIN, "ALTER DOMAIN public.small ADD CHECK (VALUE + 0 < 5)", (('"Uses"', 1),), "check"
    ),
    "not null": Case(
        DOMAIN, 'ALTER DOMAIN "Amount" SET NOT NULL', (('"Uses"', 1), ('"Uses"', 1)), "not_null"
    ),
    "of a partitioned table": Case(
        DOMAIN,
        'ALTER DOMAIN "Amount" ADD CHECK (VALUE <> 7)',
        (("parts", 1),),
        "check",
    ),
    "range": attach("RANGE (day)", f"FROM {DAY}", ('"Old"', 2)),
    "without an end": attach("RANGE (day)", "FROM (MINVALUE) TO ('2025-01-01')", ('"Old"', 2)),
    "several columns": attach(
        "RANGE (id, lower(kind))", "FROM (1, MINVALUE) TO (2, 'b')", ('"Old"', 3)
    ),
    "to the end of one": attach(
        "RANGE (id, kind)", "FROM (1, MAXVALUE) TO (2, MAXVALUE)", ('"Old"', 2)
    ),
    "list": attach("LIST (lower(kind))", "IN ('a', NULL)", ('"Old"', 2)),
    "list without NULL": attach("LIST (on_)", "IN (true)", ('"Old"', 2)),
    "default": attach("RANGE (day)", "DEFAULT", ('"Old"', 2), there=f"FROM {DAY}"),
    "the default has rows": Case(
        EVENTS.format(key="RANGE (day)")
        + '; CREATE TABLE rest PARTITION OF events DEFAULT; INSERT INTO rest SELECT * FROM "Old"',
        f"CREATE TABLE new PARTITION OF events FOR VALUES FROM {DAY}",
        (("rest", 2),),
    ),
}


def check(stage: Stage, case: Case, found: list[dict[str, Any]]) -> None:
    """Compares what is said with what is so."""
    assert {each["kind"] for each in found} == {case.kind}
    assert Counter((each["table"], each["rows"]) for each in found) == Counter(case.found)
    for each in found:
        assert len(stage.ask(each["query"])) == each["rows"]


@pytest.mark.parametrize("name", CASES)
def test_they_are_counted(stage: Stage, name: str) -> None:
    """Before the backup, and after the failure."""
    case = CASES[name]
    stage.history(execute(case.before))
    stage.run()
    stage.history(execute(case.before), execute(case.statement))
    check(stage, case, stage.lines(code=5)[-1]["violations"])
    check(stage, case, stage.lines("--no-rows", code=1)[-1]["violations"])
    text = stage.run("--no-rows", code=1)
    assert all(f"{rows} row" in text for _, rows in case.found)


def test_hash(stage: Stage) -> None:
    """The server itself says where a row belongs."""
    case = attach("HASH (id)", "WITH (MODULUS 2, REMAINDER 0)")
    stage.history(execute(case.before))
    stage.run()
    belongs = "satisfies_hash_partition('events'::regclass, 2, 0, id)"
    ((rows,),) = stage.ask(f'SELECT count(*) FROM "Old" WHERE NOT {belongs}')
    stage.history(execute(case.before), execute(case.statement))
    (violation,) = stage.lines(code=5)[-1]["violations"]
    assert violation["rows"] == rows > 0


def test_what_is_validated_later(stage: Stage) -> None:
    add = 'ALTER DOMAIN "Amount" ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID'
    validate = 'ALTER DOMAIN "Amount" VALIDATE CONSTRAINT positive'
    stage.history(execute(DOMAIN), execute(add))
    stage.run()
    stage.history(execute(DOMAIN), execute(add), execute(validate))
    case = Case(DOMAIN, validate, (('"Uses"', 2), ('"Uses"', 1)), "check")
    check(stage, case, stage.lines(code=5)[-1]["violations"])
    check(stage, case, stage.lines("--no-rows", code=1)[-1]["violations"])


@pytest.mark.parametrize(
    ("before", "statement"),
    [
        (DOMAIN, 'ALTER DOMAIN "Amount" ADD CHECK (VALUE > -9 OR VALUE IS NULL)'),
        (DOMAIN, 'ALTER DOMAIN "Amount" ADD CHECK (VALUE > 0) NOT VALID'),
        (EVENTS.format(key="RANGE (id)"),
         'ALTER TABLE events ATTACH PARTITION "Old" FOR VALUES FROM (1) TO (4)'),
        (EVENTS.format(key="RANGE (id)"), 'ALTER TABLE events ATTACH PARTITION "Old" DEFAULT'),
    ],
)  # fmt: skip
def test_nothing_is_violated(stage: Stage, before: str, statement: str) -> None:
    stage.history(execute(before))
    stage.run()
    stage.history(execute(before), execute(statement))
    stage.run()
    assert stage.at == "step2"
