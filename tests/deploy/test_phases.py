"""Deploys before the new code, and after the old one is gone."""

from __future__ import annotations

from tests.deploy.deploying import REVISION, Stage, execute


def write(stage: Stage, *phases: str) -> None:
    """Revisions step1, step2 and so on; each makes a table of its name."""
    stage.history()
    before = None
    for number, phase in enumerate(phases, start=1):
        name = f"step{number}"
        upgrade = execute(f"CREATE TABLE {name} (n int)")
        text = REVISION.format(name=name, before=before, upgrade=upgrade, downgrade="pass")
        if phase:
            text = text.replace("\n\n\ndef upgrade", f'\nphase = "{phase}"\n\n\ndef upgrade')
        stage.write(name, text)
        before = name


def test_the_contract_waits_until_the_new_code_runs(stage: Stage) -> None:
    write(stage, "expand", "expand", "online", "", "contract", "contract")
    stage.begin(at="step1")
    assert "deploy first" in stage.run(command="check", code=3)
    said = stage.run("--phase", "expand")
    assert stage.at == "step4"
    assert "--phase contract, when no older code runs: 2 to apply" in said
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
    assert "Code that was there before these may fail after them" in said
    assert "--phase expand, then the new code, then --phase contract" in said
    assert stage.at == "step5"


def test_the_application_starts_before_the_contract(stage: Stage) -> None:
    write(stage, "expand", "contract")
    stage.begin(at="step1")
    code = "from app.database import wait_for_schema; print(wait_for_schema())"
    done = stage.project.run(f".venv/bin/python -c '{code}'", env={"DATABASE_URL": stage.url})
    assert "at step1, as this code expects; 1 to apply" in done.stdout, done.stderr
