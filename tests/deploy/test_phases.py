"""Deploys before the new code, and after the old one is gone."""

from __future__ import annotations

import json

import pytest

from tests.deploy.deploying import REVISION, Stage, execute


def write(stage: Stage, *phases: str) -> None:
    """Revisions step1, step2 and so on; each makes a table of its name.

    A phase may be followed by a comma and the value of `transactional`.
    """
    stage.history()
    before = None
    for number, phase in enumerate(phases, start=1):
        name = f"step{number}"
        upgrade = execute(f"CREATE TABLE {name} (n int)")
        text = REVISION.format(name=name, before=before, upgrade=upgrade, downgrade="pass")
        phase, _, transactional = phase.partition(",")
        attributes = f'\nphase = "{phase}"' if phase else ""
        attributes += f"\ntransactional = {transactional}" if transactional else ""
        text = text.replace("\n\n\ndef upgrade", f"{attributes}\n\n\ndef upgrade")
        stage.write(name, text)
        before = name


def test_the_contract_waits_until_the_new_code_runs(stage: Stage) -> None:
    write(stage, "expand", "expand", "online", "", "contract", "contract")
    stage.begin(at="step1")
    assert "deploy first" in stage.run(command="check", code=3)
    said = stage.run("--phase", "expand")
    assert stage.at == "step4"
    assert "2 to apply when no older code runs: .venv/bin/python -m migrator" in said
    # The new code starts now, and may: what is missing is only for when the old code is gone.
    for command in ("check", "wait"):
        said = stage.run(command=command)
        assert "at step4, as this code expects; 2 to apply with --phase contract" in said
    assert "step5" in stage.run(command="plan", code=3)
    said = stage.run("--phase", "expand")
    assert "Nothing to do: the database is at step4; the next revisions are for --phase" in said
    stage.run("--phase", "contract")
    assert stage.at == "step6"
    assert "at step6, as this code expects." in stage.run(command="check")


def test_a_contract_that_an_earlier_release_has_left(stage: Stage) -> None:
    """Nobody can know whether its old code still runs, so it is said and not done."""
    write(stage, "expand", "contract", "expand")
    stage.begin(at="step1")
    said = stage.run("--phase", "expand")
    assert "the next revisions are for --phase contract" in said
    assert stage.at == "step1"
    said = stage.run(command="check", code=3)
    assert "deploy with --phase contract, which an earlier release has left, first" in said
    stage.run("--phase", "contract")
    assert stage.at == "step3"


def test_no_code_runs_with_a_new_database(stage: Stage) -> None:
    write(stage, "contract", "expand", "contract", "expand", "contract")
    assert "deploy first" in stage.run(command="check", code=3).replace("\n", " ")
    said = stage.run("--phase", "expand")
    assert "older code" not in said
    assert stage.at == "step5"


def test_a_deploy_of_both_says_what_that_means(stage: Stage) -> None:
    write(stage, "expand", "expand", "contract")
    said = stage.run()
    assert "Without downtime" not in said  # a new database
    assert stage.at == "step3"
    write(stage, "expand", "expand", "contract", "expand", "contract")
    said = stage.run()
    assert "Code that is older than these revisions may fail after them" in said
    assert "--phase expand, then the new code, then --phase contract" in said
    assert stage.at == "step5"


def test_the_application_starts_before_the_contract(stage: Stage) -> None:
    write(stage, "expand", "contract")
    stage.begin(at="step1")
    code = "from app.database import wait_for_schema; print(wait_for_schema())"
    done = stage.project.run(f".venv/bin/python -c '{code}'", env={"DATABASE_URL": stage.url})
    assert "at step1, as this code expects; 1 to apply" in done.stdout, done.stderr


MIXED = ("expand", "online", "", "expand,False", "online", "contract,False", "contract,True")


def test_old_revisions_keep_their_meaning(stage: Stage) -> None:
    """A history in which "online" was a phase, and one that says nothing."""
    write(stage, *MIXED)
    stage.begin(at="step1")
    said = stage.run("--json", command="plan", code=3)
    plan = json.loads(said.splitlines()[0])
    assert [(each["phase"], each["transactional"]) for each in plan["pending"]] == [
        ("expand", False),
        ("expand", True),
        ("expand", False),
        ("expand", False),
        ("contract", False),
        ("contract", True),
    ]
    path = stage.project.path / "whole.sql"
    stage.run("--from", "base", "--output", str(path), command="sql")
    head = path.read_text("utf-8").partition("BEGIN")[0].splitlines()
    path.unlink()
    assert "-- step2 step2 [expand, non-transactional]" in head
    assert head.index("-- step3 step3") < head.index("-- step7 step7 [contract]")
    said = stage.run("--phase", "expand")
    assert stage.at == "step5"
    assert said.count("[expand, non-transactional]") == 3
    assert "step3  step3\n" in said.replace("\r", "")
    said = stage.run("--phase", "contract")
    assert stage.at == "step7"
    assert "[contract, non-transactional]" in said
    assert "[contract]" in said


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ("data", 'Revision step2 has phase = \'data\', which has to be "expand" or "contract"'),
        ("expand,'no'", "Revision step2 has transactional = 'no', which has to be True or False"),
        ("contract,0", "Revision step2 has transactional = 0, which has to be True or False"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "deploy", "check"])
def test_a_value_that_means_nothing(
    stage: Stage, command: str, attributes: str, message: str
) -> None:
    write(stage, "expand", attributes)
    stage.begin(at="step1")
    assert message in stage.run(command=command, code=1)
    assert stage.at == "step1"
