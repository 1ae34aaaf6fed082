"""Rows that violate what a revision adds on SQLite: how many, and the query that finds them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.deploy.deploying import Stage, execute, steps

TABLES = steps(
    execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)"),
    execute("INSERT INTO parents VALUES (1)"),
    execute(
        'CREATE TABLE "Some rows" (id INTEGER PRIMARY KEY, "E-mail" TEXT, n INTEGER,'
        " parent INTEGER)"
    ),
    execute(
        "INSERT INTO \"Some rows\" VALUES (1, 'anna@a', 1, 1), (2, 'ANNA@a', 1, 7),"
        " (3, 'anna@a', -2, 8), (4, NULL, NULL, NULL)"
    ),
)
BATCH = 'with op.batch_alter_table("Some rows") as batch:\n        batch.'
REBUILD = (
    "from migrator.operations import op\n    op.rebuild_table('Some rows', 'CREATE TABLE"
    ' "Some rows" (id INTEGER PRIMARY KEY, "E-mail" TEXT, n INTEGER {}, parent INTEGER {})\')'
)
UNIQUE = 'CREATE UNIQUE INDEX ux ON "Some rows" '
# The revision, the kind, how many rows, and how many rows the query gives.
CASES: dict[str, tuple[str, str, int, int]] = {
    "index": (execute(f"{UNIQUE}(n)"), "unique", 2, 1),
    "expression": (execute(f'{UNIQUE}(lower("E-mail"))'), "unique", 3, 1),
    "partial": (execute(f'{UNIQUE}("E-mail" DESC) WHERE id <> 3 OR n < 0'), "unique", 2, 1),
    "unique": (BATCH + 'create_unique_constraint("uq", ["n"])', "unique", 2, 1),
    "not null": (BATCH + 'alter_column("E-mail", nullable=False)', "not_null", 1, 1),
    "check": (BATCH + "create_check_constraint(\"ck\", '\"E-mail\" <> \\'anna@a\\' OR n > 0')",
              "check", 1, 1),
    "foreign key": (BATCH + 'create_foreign_key("fk", "parents", ["parent"], ["id"])',
                    "foreign_key", 2, 2),
    "rebuild, unique": (REBUILD.format("UNIQUE", ""), "unique", 2, 1),
    "rebuild, not null": (REBUILD.format("NOT NULL", ""), "not_null", 1, 1),
    "rebuild, check": (REBUILD.format("CONSTRAINT positive CHECK (n > 0)", ""), "check", 1, 1),
    "rebuild, foreign key": (REBUILD.format("", "REFERENCES parents"), "foreign_key", 2, 2),
    "after a fill": (
        steps(
            execute('UPDATE "Some rows" SET n = 5 WHERE id <> 1'),
            execute(f"{UNIQUE}(n)"),
        ),
        *("unique", 3, 0),  # once the fill is rolled back, the query finds others
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_failure_says_how_many(light_stage: Stage, tmp_path: Path, name: str) -> None:
    change, kind, rows, results = CASES[name]
    light_stage.history(TABLES)
    light_stage.run()
    light_stage.history(TABLES, change)
    end = light_stage.lines(code=1)[-1]
    (violation,) = end["violations"]
    assert (violation["kind"], violation["rows"]) == (kind, rows)
    assert violation["table"] == '"Some rows"'
    with closing(sqlite3.connect(tmp_path / "deployed.db")) as connection:
        if results:
            assert len(connection.execute(violation["query"]).fetchall()) == results
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            ("step1",)
        ]
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert not [name for (name,) in names if "tmp" in name or "_migrator" in name]
    text = light_stage.run(code=1)
    assert f"{rows} row" in text
    assert violation["query"] in text
    assert "anna" not in text or name in ("check",)


def test_what_was_violated_before_stops_nobody(light_stage: Stage) -> None:
    """Rows without a parent that are there already, and as many afterwards."""
    table = execute("CREATE TABLE children (id INTEGER PRIMARY KEY, parent REFERENCES parents)")
    rows = execute("INSERT INTO children VALUES (1, 9), (2, 1)")
    light_stage.history(TABLES, table, "pass", BATCH + 'create_unique_constraint("uq", ["id"])')
    light_stage.run("--to", "step2")
    with closing(sqlite3.connect(light_stage.url.removeprefix("sqlite:///"))) as connection:
        connection.execute("INSERT INTO children VALUES (1, 9), (2, 1)")
        connection.commit()
    light_stage.run()
    more = [TABLES, table, "pass", BATCH + 'create_unique_constraint("uq", ["id"])']
    light_stage.history(*more, execute("DELETE FROM parents"))
    (violation,) = light_stage.lines(code=1)[-1]["violations"]
    assert (violation["kind"], violation["rows"]) == ("foreign_key", 2)
    assert rows
