"""On SQLite the copy is a file, and the whole of it is locked."""

import hashlib
import json

from tests.conftest import Renderer


def test_a_copy_of_the_file_is_deployed_to_and_removed(renderer: Renderer) -> None:
    project = renderer.ready(database="sqlite")
    database = project.path / "data.db"
    usual = {"DATABASE_URL": f"sqlite:///{database}", "MIGRATOR_BACKUP": "false"}
    migrator = ".venv/bin/python -m migrator -c alembic_prod.ini"
    database.touch()
    before = hashlib.sha256(database.read_bytes()).hexdigest()
    done = project.run(f"{migrator} rehearse --json", env=usual)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    [revision] = found["revisions"]
    locked = [each["strongest_lock"] for each in revision["statements"] if each["strongest_lock"]]
    assert {lock["table"] for lock in locked} == {"the whole file"}
    assert revision["disk_bytes"] > 0
    assert found["schema"] == {"differences": [], "not_compared": None, "left_by_downgrade": []}
    assert hashlib.sha256(database.read_bytes()).hexdigest() == before
    assert [*(project.path / "rehearsals").glob(".data-*")] == []
    done = project.run(f"{migrator} plan", env=usual)
    assert "rehearsed on the database of" in done.stdout
    done = project.run(f"{migrator} rehearse --load {database}", env=usual)
    assert done.returncode == 2
    assert "--load is for PostgreSQL" in done.stderr
