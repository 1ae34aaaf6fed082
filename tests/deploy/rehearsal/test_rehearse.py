"""A rehearsal restores, deploys, reports and removes; the database itself is left alone."""

import json
import re
import signal
import time
from pathlib import Path
from typing import Any

import psycopg

from tests.deploy.deploying import Deploy, Stage, execute
from tests.deploy.documented_json import validate

ORDERS = (
    "CREATE TABLE orders (id bigint PRIMARY KEY, amount integer, note text)",
    "INSERT INTO orders SELECT i, i, repeat('x', 100) FROM generate_series(1, 20000) i",
)
NOTHING = "pass"


def rehearse(stage: Stage, *arguments: str, code: int = 0, **variables: str) -> dict[str, Any]:
    """Rehearses, and returns the result."""
    process = stage.start("--json", *arguments, command="rehearse", **variables).process
    output, errors = process.communicate(timeout=120)
    said, errors = output or "", errors or ""
    assert process.returncode == code, said + errors
    assert "Traceback" not in errors, errors
    found: dict[str, Any] = json.loads(said)
    validate("rehearse", found)
    return found


def leftovers(stage: Stage) -> list[str]:
    """The shadow databases on the server, and what is left of copies."""
    with psycopg.connect(stage.server, autocommit=True) as admin:
        rows = admin.execute("SELECT datname FROM pg_database WHERE datname LIKE '%shadow%'")
        databases = [row[0] for row in rows.fetchall()]
    return [*databases, *map(str, (stage.project.path / "rehearsals").glob(".data-*"))]


def test_what_each_statement_costs_is_measured_on_a_copy_of_the_database(stage: Stage) -> None:
    stage.history(
        NOTHING,
        execute("ALTER TABLE orders ALTER amount TYPE bigint"),
        execute("CREATE INDEX ON orders (amount)"),
    )
    stage.begin(*ORDERS)
    found = rehearse(stage)
    assert found["succeeded"], found
    assert found["source"]["kind"] == "database"
    # A dump of rows that are all alike is a hundredth of them.
    assert found["disk"]["needed_bytes"] > 2 * found["restored"]["bytes"] * 0.9
    rewriting, indexing = found["revisions"]
    (statement,) = rewriting["statements"]
    assert statement["strongest_lock"]["mode"] == "ACCESS EXCLUSIVE"
    assert statement["strongest_lock"]["table"] == "orders"
    assert statement["strongest_lock"]["seconds"] >= statement["seconds"]
    (orders,) = [each for each in statement["tables"] if each["name"] == "orders"]
    assert (orders["how"], orders["rows"]) == ("rewritten", 20000)
    assert orders["bytes"] > 2_000_000
    assert statement["wal_bytes"] > 2_000_000
    assert rewriting["disk_bytes"] > 0
    (statement,) = indexing["statements"]
    assert statement["strongest_lock"]["mode"] == "SHARE"
    kinds = {each["name"]: (each["how"], each["rows"]) for each in statement["tables"]}
    assert kinds["orders"] == ("scanned", 20000)
    assert kinds["orders_amount_idx"][0] == "created"
    assert stage.at == "step1"
    assert stage.ask("SELECT pg_typeof(amount)::text FROM orders LIMIT 1") == [("integer",)]
    assert leftovers(stage) == []


def test_values_are_masked_first_and_no_copy_is_left_if_that_fails(
    stage: Stage, tmp_path: Path
) -> None:
    stage.history(NOTHING, execute("CREATE TABLE seen AS SELECT DISTINCT note FROM orders"))
    stage.begin(*ORDERS)
    mask = tmp_path / "mask.sql"
    mask.write_text("UPDATE orders SET note = id; -- 20000 notes", encoding="utf-8")
    found = rehearse(stage, "--sql-after-restore", str(mask))
    tables = found["revisions"][0]["statements"][0]["tables"]
    assert {each["name"]: each["rows"] for each in tables} == {"orders": 20000, "seen": 20000}
    mask.write_text("UPDATE orders SET nothing = 1", encoding="utf-8")
    process = stage.start("--sql-after-restore", str(mask), command="rehearse")
    said = process.end(1)
    assert "nothing was rehearsed and the copy is removed" in said
    assert leftovers(stage) == []
    assert stage.ask("SELECT DISTINCT note = repeat('x', 100) FROM orders") == [(True,)]


def test_ctrl_c_removes_the_copy_and_after_a_kill_the_next_rehearsal_does(stage: Stage) -> None:
    slow = execute("SELECT pg_sleep(1000)")
    stage.history(NOTHING, slow)
    stage.begin(*ORDERS)
    for number in (signal.SIGINT, signal.SIGTERM):
        process = stage.start(command="rehearse")
        until_running(stage, process)
        process.send(number)
        assert "The rehearsal was interrupted; the copy is removed" in process.end(130)
        assert leftovers(stage) == []
    process = stage.start(command="rehearse")
    until_running(stage, process)
    process.kill()
    assert len(leftovers(stage)) == 2
    until_gone(stage)
    stage.history(NOTHING, execute("SELECT 1"))
    rehearse(stage)
    assert leftovers(stage) == []


def test_a_kill_during_the_restore_leaves_nothing_that_stays(stage: Stage) -> None:
    stage.history(NOTHING, execute("SELECT 1"))
    stage.begin(*ORDERS, "CREATE TABLE more AS SELECT i, repeat(md5(i::text), 30) AS text"
                " FROM generate_series(1, 60000) i")  # fmt: skip
    process = stage.start(command="rehearse")
    process.until_it_says("Restoring")
    process.kill()
    until_gone(stage)
    rehearse(stage)
    assert leftovers(stage) == []


def test_plan_shows_a_rehearsal_and_a_deploy_can_require_one(stage: Stage) -> None:
    stage.history(NOTHING, execute("ALTER TABLE orders ADD total integer"))
    stage.begin(*ORDERS)
    limits: Any = {"MIGRATOR_REQUIRE_REHEARSAL": "3600"}
    refused = stage.run(code=5, **limits)
    assert "step2 was not rehearsed" in refused
    assert stage.at == "step1"
    assert "rehearsed on" not in stage.run(command="plan", code=3)
    rehearse(stage)
    said = " ".join(stage.run(command="plan", code=3).split())
    assert re.search(r"step2 step2 rehearsed on the database of 20[-\d]+ [\d:]+: [\d.]+ m?s,"
                     r" longest ACCESS EXCLUSIVE [\d.]+ m?s", said)  # fmt: skip
    file = stage.files[-1]
    file.write_text(file.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    assert "step2 was not rehearsed" in stage.run(code=5, **limits)
    rehearse(stage)
    time.sleep(1.1)
    assert "ago, and" in stage.run(code=5, MIGRATOR_REQUIRE_REHEARSAL="1")
    assert "all were rehearsed" in stage.run(**limits)
    assert stage.at == "step2"


def test_a_deploy_that_would_fail_is_a_failure_and_shows_no_values(stage: Stage) -> None:
    stage.history(NOTHING, execute("CREATE UNIQUE INDEX ON orders ((amount % 1000))"))
    stage.begin(*ORDERS)
    found = rehearse(stage, code=1)
    assert not found["succeeded"]
    assert "could not create unique index" in found["revisions"][0]["statements"][0]["error"]
    assert found["violations"][0]["rows"] > 0
    assert found["values"] is None
    assert "Key (" not in json.dumps(found)
    limits: Any = {"MIGRATOR_REQUIRE_REHEARSAL": "3600"}
    assert "was not rehearsed" in stage.run("--no-rows", code=5, **limits)


def test_values_are_shown_to_who_asks_and_not_kept(stage: Stage) -> None:
    stage.history(NOTHING, execute("ALTER TABLE orders ADD CHECK (\"odd name\" > '2027-01-01')"))
    odd = "ALTER TABLE orders ADD \"odd name\" timestamptz DEFAULT '2026-01-02'"
    stage.begin(*ORDERS, odd)
    found = rehearse(stage, "--show-values", code=1)
    (rows,) = found["values"]
    assert len(rows) == 10
    assert rows[0]["odd name"].startswith("2026-01-0")
    kept = [*(stage.project.path / "rehearsals").glob("*.json")]
    assert kept
    assert not any('"odd name": "' in file.read_text(encoding="utf-8") for file in kept)
    said = stage.run("--show-values", command="rehearse", code=1)
    assert "odd name: 2026-01-0" in " ".join(said.split())
    refused = stage.run("--show-values", "--format", "markdown", command="rehearse", code=2)
    assert "leave out one of them" in " ".join(refused.split())


def test_the_newest_backup_is_used_and_a_damaged_one_says_so(stage: Stage, tmp_path: Path) -> None:
    stage.history(NOTHING, execute("ALTER TABLE orders ADD total integer"))
    stage.begin(*ORDERS)
    folder: Any = {"MIGRATOR_BACKUP_FOLDER": str(tmp_path)}
    stage.run(command="backup", **folder)
    with stage.connect() as connection:
        connection.execute("DROP TABLE orders")
    found = rehearse(stage, **folder)
    (backup,) = tmp_path.glob("*.dump")
    assert found["source"]["kind"] == "backup"
    assert found["source"]["name"] == str(backup)
    assert found["source"]["server_version"].startswith("18")
    found = rehearse(stage, "--from", "database", code=1)
    assert 'relation "orders" does not exist' in found["failure"]
    broken = tmp_path / "broken.dump"
    broken.write_bytes(backup.read_bytes()[:-2000])
    process = stage.start("--from", str(broken), command="rehearse")
    assert "is damaged" in process.end(1)
    assert leftovers(stage) == []


def until_running(stage: Stage, process: Deploy) -> None:
    """Waits until the revision of a rehearsal runs on the copy."""
    stage.until(
        "SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
        " AND datname LIKE '%shadow%'",
        process,
    )


def until_gone(stage: Stage) -> None:
    """Waits until the server has noticed that a process was killed."""
    stage.until(
        "SELECT WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname LIKE '%shadow%')"
    )
