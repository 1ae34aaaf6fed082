"""What a rehearsal finds: rows that break a constraint, what users notice, the way back."""

from pathlib import Path

import pytest

from tests.deploy.deploying import Stage, alone, execute, steps
from tests.deploy.rehearsal.test_rehearse import NOTHING, ORDERS, leftovers, rehearse

CASES = {
    "check": (execute("ALTER TABLE orders ADD CONSTRAINT small CHECK (amount < 19000)"), 1001),
    "not null": (execute("ALTER TABLE orders ALTER empty SET NOT NULL"), 200),
    "unique": (execute("CREATE UNIQUE INDEX twice ON orders ((id % 19000)) WHERE id > 0"), 2000),
    "concurrently": (alone("CREATE UNIQUE INDEX CONCURRENTLY twice ON orders (amount, same)"), 0),
    "concurrently alone": (alone("CREATE UNIQUE INDEX CONCURRENTLY twice ON orders (same)"), 20000),
    "foreign key": (execute("ALTER TABLE orders ADD FOREIGN KEY (amount) REFERENCES few"), 19990),
    "validated": (
        steps(
            alone("ALTER TABLE orders ADD CONSTRAINT small CHECK (amount < 19000) NOT VALID"),
            execute("ALTER TABLE orders VALIDATE CONSTRAINT small"),
        ),
        1001,
    ),
}
MORE = (
    *ORDERS,
    "ALTER TABLE orders ADD empty integer, ADD same integer DEFAULT 1",
    "UPDATE orders SET empty = 1 WHERE id % 100 > 0",
    "CREATE TABLE few AS SELECT i AS id FROM generate_series(1, 10) i",
    "ALTER TABLE few ADD PRIMARY KEY (id)",
)


@pytest.mark.parametrize("case", CASES)
def test_rows_that_break_a_new_constraint_are_counted_and_can_be_found(
    case: str, stage: Stage
) -> None:
    revision, rows = CASES[case]
    stage.history(NOTHING, revision)
    stage.begin(*MORE)
    found = rehearse(stage, code=1 if rows else 0)
    assert [each["rows"] for each in found["violations"]] == ([rows] if rows else [])
    for violation in found["violations"]:
        assert violation["table"] == "orders"
        assert stage.ask(violation["query"])
    assert leftovers(stage) == []


def test_what_users_notice_is_seen_under_load(stage: Stage, tmp_path: Path) -> None:
    stage.history(
        NOTHING,
        steps(execute("ALTER TABLE orders ADD total integer"), execute("SELECT pg_sleep(1)")),
    )
    stage.begin(*ORDERS)
    script = tmp_path / "load.sql"
    script.write_text("UPDATE orders SET note = note WHERE id = 1;", encoding="utf-8")
    load = rehearse(stage, "--load", str(script))["load"]
    assert load["failure"] is None
    assert load["requests"] > 10
    assert load["longest_seconds"] > 0.9
    assert load["over_250_ms"] >= 1
    script.write_text("UPDATE nothing SET note = 1;", encoding="utf-8")
    load = rehearse(stage, "--load", str(script), code=1)["load"]
    assert "pgbench could not run" in load["failure"]
    assert leftovers(stage) == []


def test_a_revision_without_a_way_back_says_so_and_the_rest_is_not_tried(stage: Stage) -> None:
    stage.history(
        NOTHING,
        execute("ALTER TABLE orders ADD total integer"),
        downgrade="raise NotImplementedError('the old values are gone')",
    )
    stage.begin(*ORDERS)
    found = rehearse(stage)
    back = found["revisions"][0]["downgrade"]
    assert "the old values are gone" in back["error"]
    assert found["schema"]["left_by_downgrade"] is None


def test_locks_are_held_until_the_end_of_their_transaction(stage: Stage) -> None:
    stage.history(
        NOTHING,
        steps(execute("ALTER TABLE orders ADD total integer"), execute("SELECT pg_sleep(0.6)")),
        alone("CREATE INDEX CONCURRENTLY later ON orders (amount, note, id)"),
    )
    stage.begin(*ORDERS)
    transactional, outside = rehearse(stage)["revisions"]
    adding, sleeping = transactional["statements"]
    assert adding["strongest_lock"]["seconds"] > 0.6 > adding["seconds"]
    assert sleeping["strongest_lock"] is None
    (indexing,) = outside["statements"]
    assert indexing["strongest_lock"]["mode"] == "SHARE UPDATE EXCLUSIVE"
    assert not indexing["transactional"]


def test_the_report_for_people_has_80_columns_and_the_other_one_is_markdown(stage: Stage) -> None:
    stage.history(NOTHING, execute("ALTER TABLE orders ALTER amount TYPE bigint"))
    stage.begin(*ORDERS)
    said = stage.run(command="rehearse")
    report = said[said.index("step2  step2  [expand]") :]
    assert "rewrites orders (20,000 rows" in report.replace("\n    ", " ")
    assert "The downgrade" in report
    shown = report.partition("Rehearsed on")[0]
    assert max(map(len, shown.splitlines())) <= 80
    said = stage.run("--format", "markdown", command="rehearse")
    assert "| `step2` step2 |" in said
    assert "ACCESS EXCLUSIVE on orders for" in said
