"""What newer servers keep beside the options of a column is theirs, and is not restored.

The releases of November 2026 write pg_attver there. The servers of these tests are older, so the
tests write it, as those servers do; they refuse to set it, as every older server does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.deploy.deploying import Stage, execute, renamed

COPY = "restored_copy"
TEXT = "ALTER TABLE t ALTER COLUMN c SET (pg_attver=1);"
MARK = """
UPDATE pg_attribute SET attoptions = ARRAY['pg_attver=' || attrelid::int * 7] || attoptions
WHERE attrelid IN ('shops'::regclass, 'towns'::regclass) AND attnum > 0
"""
OPTIONS = """
SELECT attname, attoptions FROM pg_attribute
WHERE attrelid = 'shops'::regclass AND attnum > 0 ORDER BY attnum
"""


@pytest.fixture
def marked(stage: Stage) -> Iterator[Stage]:
    stage.history(
        execute("CREATE TABLE shops (id int PRIMARY KEY, name text)"),
        execute("ALTER TABLE shops ALTER name SET (n_distinct = 5)"),
        execute("CREATE TABLE towns (name text)"),
    )
    stage.run("--no-backup")
    with stage.connect() as admin:
        admin.execute("INSERT INTO shops VALUES (1, %s)", [TEXT])
        admin.execute("SET allow_system_table_mods = on")
        admin.execute(MARK)
        try:
            yield stage
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)")


def test_a_backup_is_restored(marked: Stage, tmp_path: Path) -> None:
    folder: dict[str, Any] = {"MIGRATOR_BACKUP_FOLDER": str(tmp_path)}
    marked.run(command="backup", **folder)
    (dump,) = tmp_path.glob("*.dump")
    marked.run(str(dump), "--into", COPY, "--yes", command="restore", **folder)
    with psycopg.connect(renamed(marked.url, COPY)) as connection:
        assert connection.execute(OPTIONS).fetchall() == [("id", None), ("name", ["n_distinct=5"])]
        assert connection.execute("SELECT name FROM shops").fetchone() == (TEXT,)
