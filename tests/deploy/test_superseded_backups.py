"""Retries of one failing deploy do not pile up backups, and none that holds more is removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.deploy.deploying import Stage, alone, execute, steps

TABLE = execute("CREATE TABLE rows (n int, email text)")
ROWS = execute("INSERT INTO rows SELECT n % 10, 'anna' FROM generate_series(1, 20) n")
FAILS = execute("SELECT 1 / 0")
UNIQUE = (
    "from migrator.operations import op\n"
    "    op.create_index_concurrently('ix', 'rows', ['n'], unique=True)"
)
CHECK = (
    "from migrator.operations import op\n    op.add_check_validated('positive', 'rows', 'n > 0')"
)


def backups(folder: Path) -> dict[str, Any]:
    """Settings with which deploys make backups."""
    return {"MIGRATOR_BACKUP": "true", "MIGRATOR_BACKUP_FOLDER": str(folder)}


def files(folder: Path) -> list[str]:
    """The names of the backups, oldest first."""
    return sorted(path.name for path in folder.rglob("*.dump"))


@pytest.mark.parametrize(
    "change", [FAILS, steps(execute("DELETE FROM rows"), FAILS), UNIQUE, CHECK]
)
def test_a_retry_replaces_the_backup_of_a_failed_attempt(
    stage: Stage, tmp_path: Path, change: str
) -> None:
    """Also after what a non-transactional revision has built and dropped again."""
    stage.history(TABLE, ROWS)
    stage.run(**backups(tmp_path))
    (first,) = files(tmp_path)
    stage.history(TABLE, ROWS, change)
    stage.run("--no-rows", code=1, **backups(tmp_path))
    old, failed = files(tmp_path)
    assert old == first
    with stage.connect() as user:
        user.execute("INSERT INTO rows VALUES (3, 'berta')")
    output = stage.run("--no-rows", code=1, **backups(tmp_path))
    assert (
        f"it replaces 1 backup of failed attempts, which have changed nothing: {failed}" in output
    )
    old, newest = files(tmp_path)
    assert (old, newest > failed) == (first, True)
    assert f"{newest} --into" in output
    stage.run("--no-rows", code=1, **backups(tmp_path))
    assert len(files(tmp_path)) == 2
    stage.history(TABLE, ROWS, "pass")
    stage.run(**backups(tmp_path))
    assert len(files(tmp_path)) == 2


MORE = {
    "rows that it has changed": steps(alone("DELETE FROM rows WHERE n = 1"), FAILS),
    "a column that it has dropped": steps(alone("ALTER TABLE rows DROP COLUMN email"), FAILS),
    "an index that it has built": steps(alone("CREATE INDEX CONCURRENTLY by_n ON rows (n)"), FAILS),
}


@pytest.mark.parametrize("name", MORE)
def test_a_backup_that_holds_more_is_kept(stage: Stage, tmp_path: Path, name: str) -> None:
    stage.history(TABLE, ROWS)
    stage.run()
    stage.history(TABLE, ROWS, MORE[name])
    stage.run(code=1, **backups(tmp_path))
    (first,) = files(tmp_path)
    stage.run(code=1, **backups(tmp_path))
    assert first in files(tmp_path)


def test_the_backup_before_a_revision_that_was_applied_is_kept(
    stage: Stage, tmp_path: Path
) -> None:
    stage.history(TABLE)
    stage.run()
    stage.history(TABLE, ROWS, FAILS)
    for _ in range(3):
        stage.run(code=1, **backups(tmp_path))
    first, last = files(tmp_path)
    assert ("step1" in first, "step2" in last) == (True, True)


def test_another_schema_is_another_state(stage: Stage, tmp_path: Path) -> None:
    """Somebody has dropped something between two attempts, by hand."""
    stage.history(TABLE, ROWS)
    stage.run()
    stage.history(TABLE, ROWS, FAILS)
    stage.run(code=1, **backups(tmp_path))
    with stage.connect() as user:
        user.execute("ALTER TABLE rows DROP COLUMN email")
    stage.run(code=1, **backups(tmp_path))
    assert len(files(tmp_path)) == 2


def test_without_a_log_all_are_kept(stage: Stage, tmp_path: Path) -> None:
    stage.history(TABLE, ROWS)
    stage.run()
    stage.history(TABLE, ROWS, FAILS)
    for _ in range(2):
        stage.run("--no-log", code=1, **backups(tmp_path))
    assert len(files(tmp_path)) == 2
