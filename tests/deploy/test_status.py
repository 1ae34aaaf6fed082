"""`make status`: where the database is and what is wrong with it; it only reads."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import psycopg

from tests.conftest import Render
from tests.deploy.deploying import Stage, execute
from tests.deploy.documented_json import validate

CREATE = "CREATE TABLE notes (id bigint PRIMARY KEY, title text)"
READER = """
DROP ROLE IF EXISTS reader;
CREATE ROLE reader LOGIN PASSWORD 'secret word';
ALTER ROLE reader SET default_transaction_read_only = on;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
"""
# What could be changed: every row of the catalog's tables that describe something of ours.
STATE = "SELECT count(*), max(xmin::text::bigint), sum(oid::bigint) FROM pg_class"


def status(stage: Stage, **variables: Any) -> dict[str, Any]:
    """What the command says as JSON; as text it says it too, and nothing is written."""
    before = stage.ask(STATE)
    text = stage.run(command="status", **variables)
    deploy = stage.start("--json", command="status", **variables)
    said, _ = deploy.process.communicate(timeout=60)
    found: dict[str, Any] = json.loads(said)
    validate("status", found)
    for name in ("current", "heads"):
        assert all(each in text for each in found[name])
    assert stage.ask(STATE) == before
    return found


def identifiers(revisions: list[dict[str, Any]]) -> list[str]:
    return [each["revision"] for each in revisions]


def test_before_and_after_a_deploy(stage: Stage) -> None:
    stage.history(execute(CREATE), execute("ALTER TABLE notes ADD body text"))
    found = status(stage)
    assert (found["current"], found["heads"], found["applied"]) == ([], ["step2"], [])
    assert identifiers(found["pending"]) == ["step1", "step2"]
    assert found["verified"] is None
    stage.run("--to", "step1")
    found = status(stage)
    assert (found["current"], identifiers(found["applied"])) == (["step1"], ["step1"])
    assert identifiers(found["pending"]) == ["step2"]
    text = stage.run(command="status")
    assert "[x] step1  step1  [expand]" in text and "[ ] step2  step2  [expand]" in text


def test_an_account_that_may_only_read(stage: Stage) -> None:
    stage.history(execute(CREATE))
    stage.run()
    with stage.connect() as connection:
        connection.execute(READER)
    try:
        url = stage.url.replace(stage.url.split("@")[0], "postgresql://reader:secret%20word")
        found = status(stage, DATABASE_URL=url)
        assert found["current"] == ["step1"] and found["drift"]["reason"] != ""
        said = stage.run(command="status", DATABASE_URL=url)
        assert "secret" not in said and "postgresql+psycopg://reader:***@127.0.0.1" in said
    finally:
        with stage.connect() as connection:
            connection.execute("DROP OWNED BY reader; DROP ROLE reader")


def test_several_heads_are_named(stage: Stage) -> None:
    stage.history(execute(CREATE))
    stage.run()
    for name in ("left", "right"):
        text = f'"""{name}"""\nrevision = "{name}"\ndown_revision = "step1"\n'
        stage.write(name, f"{text}def upgrade(): pass\ndef downgrade(): pass\n")
    found = status(stage)
    assert sorted(found["heads"]) == ["left", "right"]
    assert sorted(identifiers(found["pending"])) == ["left", "right"]
    assert 'make merge m="merge"' in stage.run(command="status")


def test_what_a_revision_depends_on_is_applied_with_it(stage: Stage) -> None:
    stage.history(execute(CREATE))
    other = '"""x"""\nrevision = "{0}"\ndown_revision = {1}\ndepends_on = {2}\n'
    body = "def upgrade(): pass\ndef downgrade(): pass\n"
    stage.write("own", other.format("own", None, None) + body)
    stage.write("needs", other.format("needs", "'step1'", "'own'") + body)
    stage.begin(at="needs")
    found = status(stage)
    assert sorted(identifiers(found["applied"])) == ["needs", "own", "step1"]
    assert found["pending"] == []


def test_a_missing_revision(stage: Stage) -> None:
    """What comes before it is known where a deploy has logged it; else nothing is."""
    stage.history(execute(CREATE), execute("SELECT 1"))
    stage.run()
    stage.history(execute(CREATE))
    found = status(stage)
    assert identifiers(found["missing"]) == ["step2"]
    assert (identifiers(found["applied"]), found["pending"]) == (["step1"], [])
    with stage.connect() as connection:
        connection.execute("DROP TABLE migration_log")
    assert status(stage)["pending"] is None
    said = " ".join(stage.run(command="status").split())
    assert "missing step2: there is no git repository here" in said
    assert "pending not known" in said


def test_drift_is_compared_with_the_recorded_catalog(ready: Render) -> None:
    project = ready()
    project.make("migrate")
    assert "drift none" in " ".join(project.make("status").split())
    with psycopg.connect(project.database_url(), autocommit=True) as connection:
        connection.execute("CREATE INDEX by_hand ON teams (id)")
        connection.execute("ALTER TABLE users ALTER COLUMN name DROP NOT NULL")
        done = project.run(".venv/bin/python -m migrator status --json")
        found = json.loads(done.stdout)
        validate("status", found)
        (wrong,), (extra,) = found["drift"]["wrong"], found["drift"]["made_by_hand"]
        assert (wrong["name"], wrong["property"]) == (["public", "users", "name"], "not_null")
        assert (wrong["database"] or False, wrong["revisions"]) == (False, True)
        assert (extra["kind"], extra["name"][-1]) == ("index", "by_hand")
        said = " ".join(project.make("status").split())
        assert "made by hand: index public.teams.by_hand" in said
        # Reading it takes too long: that is said, and the rest is there all the same.
        connection.execute("BEGIN")
        connection.execute("LOCK TABLE pg_catalog.pg_sequence IN ACCESS EXCLUSIVE MODE")
        found = json.loads(project.run(".venv/bin/python -m migrator status --json").stdout)
        assert found["drift"]["checked"] is False and "timeout" in found["drift"]["reason"]
    (project.path / "migrations/catalog.txt").unlink()
    assert "drift not checked: there is no catalog.txt" in " ".join(project.make("status").split())


def test_failed_deploys_and_what_is_not_verified(stage: Stage) -> None:
    stage.history(execute(CREATE), execute("SELECT 1 / 0"))
    stage.run(code=1)
    found = status(stage)
    assert found["verified"] is False
    (failed,) = found["failed_deploys"]
    assert (failed["revision"], failed["step"]) == ("step2", "apply")
    said = stage.run(command="status")
    assert "step2: apply: " in said and "division by zero" in " ".join(said.split())
    stage.history(execute(CREATE), execute("SELECT 2"))
    stage.run()
    assert status(stage)["failed_deploys"] == []


def test_a_database_that_does_not_answer_is_a_failure(stage: Stage) -> None:
    stage.history(execute(CREATE))
    nowhere = "postgresql://x:secret@127.0.0.1:1/x"
    assert "secret" not in stage.run(command="status", code=1, DATABASE_URL=nowhere)


def test_on_sqlite_nothing_is_made_or_written(ready: Render) -> None:
    project = ready(database="sqlite")
    file = project.path / "my_service.db"
    said = " ".join(project.make("status").split())
    assert "at base (no revision is applied)" in said and "SQLite" in said
    assert not file.exists()
    project.make("migrate")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE extra (id int)")
        connection.commit()
    before = file.read_bytes()
    file.chmod(0o444)
    done = project.run(".venv/bin/python -m migrator status --json")
    found = json.loads(done.stdout)
    validate("status", found)
    assert [each["name"] for each in found["drift"]["made_by_hand"]] == [["extra"]]
    assert file.read_bytes() == before
    assert list(project.path.glob("my_service.db-*")) == []
