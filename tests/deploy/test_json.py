"""What `--json` prints is what docs/json.md says: each command, with something to say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Rendering
from tests.deploy.deploying import Stage, alone, execute, staged
from tests.deploy.documented_json import schema, validate

COMMANDS = {"status", "check", "plan", "log", "tables", "backup", "lint", "trace"}
CREATE = "CREATE TABLE notes (id bigint PRIMARY KEY, title varchar(50))"


def printed(stage: Stage, command: str, *arguments: str, code: int = 0) -> Any:
    """The object that a command prints, which has to be as documented."""
    deploy = stage.start("--json", *arguments, command=command)
    said, errors = deploy.process.communicate(timeout=120)
    assert deploy.process.returncode == code, said + str(errors)
    found = json.loads(said)
    validate("check" if command == "wait" else command, found)
    return found


def lines(stage: Stage, *arguments: str, code: int = 0, **more: Any) -> list[dict[str, Any]]:
    """The lines of a deploy, each as documented."""
    found = stage.lines(*arguments, code=code, **more)
    for line in found:
        validate("deploy_line", line)
    return found


def test_the_page_describes_every_command_that_prints_json() -> None:
    assert {*schema()["$defs"]} > COMMANDS | {"deploy_line"}


def test_nothing_else_is_as_documented() -> None:
    """The test can fail: a key too many, one too few, a text for a list, a word for null."""
    good = {"current": [], "target": "a", "pending": [], "ahead": False, "as_expected": True}
    validate("check", good)
    for wrong in (
        good | {"to go on": "x"},
        {key: value for key, value in good.items() if key != "ahead"},
        good | {"current": "none"},
        good | {"target": None},
    ):
        with pytest.raises(AssertionError, match="is not as docs"):
            validate("check", wrong)


def test_commands_that_look(project: Rendering, tmp_path: Path) -> None:
    with staged(project) as stage:
        stage.history(execute(CREATE), execute("ALTER TABLE notes ADD COLUMN body text"))
        assert printed(stage, "check", code=3)["as_expected"] is False
        assert [each["revision"] for each in printed(stage, "plan", code=3)["pending"]] == [
            "step1",
            "step2",
        ]
        assert printed(stage, "log") == {"entries": []}
        lines(stage, "--no-lint")
        assert printed(stage, "check")["current"] == ["step2"]
        assert [each["revision"] for each in printed(stage, "log")["entries"]] == ["step2", "step1"]
        assert printed(stage, "status")["verified"] is True
        made = printed(stage, "backup", "--output", str(tmp_path / "x.dump"))
        assert (made["path"], made["revisions"]) == (str(tmp_path / "x.dump"), ["step2"])
        assert {each["name"] for each in printed(stage, "tables")["tables"]} >= {"users"}
        assert printed(stage, "wait", "--timeout", "0") == printed(stage, "check")


def test_a_value_that_would_be_lost(project: Rendering) -> None:
    with staged(project) as stage:
        stage.history(
            execute(CREATE),
            execute("ALTER TABLE notes ALTER COLUMN title TYPE varchar(3) USING left(title, 3)"),
        )
        lines(stage, "--to", "step1")
        with stage.connect() as connection:
            connection.execute("INSERT INTO notes VALUES (1, 'long'), (2, 'ok')")
        (loss,) = printed(stage, "plan", code=3)["value_losses"]
        assert (loss["table"], loss["column"], loss["rows"]) == ("notes", "title", 1)
        found = [each["value_loss"] for each in lines(stage) if "value_loss" in each]
        assert found == [loss]


def test_a_deploy_that_fails(project: Rendering) -> None:
    with staged(project) as stage:
        stage.history(
            execute(CREATE),
            alone("CREATE INDEX CONCURRENTLY ix_title ON notes (lower(title))")
            + "\n    "
            + execute("SELECT 1 / 0"),
            execute("SELECT 1"),
        )
        end = lines(stage, code=1)[-1]
        assert (end["revision"], end["applied"], end["reverted"]) == ("step2", ["step1"], [])
        assert end["not_done"] == [
            {"revision": "step2", "failed": True},
            {"revision": "step3", "failed": False},
        ]
        assert len(end["committed"]) == 1 and end["left_behind"] == [] and end["backup"] is None
        (failed,) = printed(stage, "status")["failed_deploys"]
        assert (failed["revision"], failed["step"], failed["exit_code"]) == ("step2", "apply", 1)
        entry = printed(stage, "log")["entries"][0]
        assert entry["failure"]["step"] == "apply" and entry["direction"] == "upgrade"


def test_what_is_unfinished_and_what_was_made_by_hand(project: Rendering) -> None:
    with staged(project) as stage:
        stage.history(execute(CREATE))
        lines(stage)
        with stage.connect() as connection:
            connection.execute("INSERT INTO notes VALUES (1, 'a'), (2, 'a')")
            connection.execute("ALTER TABLE notes ADD CONSTRAINT c CHECK (id > 5) NOT VALID")
        with pytest.raises(Exception, match="could not create unique"), stage.connect() as broken:
            broken.execute("CREATE UNIQUE INDEX CONCURRENTLY u ON notes (title)")
        assert printed(stage, "status")["unfinished"] == [
            {"kind": "index", "schema": "public", "name": "u", "table": None},
            {"kind": "constraint", "schema": "public", "name": "c", "table": "notes"},
        ]
        stage.history(execute(CREATE), execute("SELECT 1"))
        assert len([each for each in lines(stage) if "unfinished" in each]) == 2


def test_a_rollback(project: Rendering) -> None:
    with staged(project) as stage:
        stage.history(execute(CREATE), downgrade=execute("DROP TABLE notes"))
        lines(stage)
        found = lines(stage, "--to", "base", "--yes", command="rollback")
        assert found[-2]["revisions"] == ["step1"]


def test_lint_and_trace(project: Rendering) -> None:
    with staged(project) as stage:
        stage.history(execute(CREATE), execute("ALTER TABLE notes RENAME TO texts"))
        for command in ("lint", "trace"):
            done = project.run(f".venv/bin/python -m migrator {command} base..head --json")
            assert done.returncode == 5, done.stderr  # a rename
            validate(command, json.loads(done.stdout))
