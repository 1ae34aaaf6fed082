"""The steps of a deploy: one list, from which the help and the page are made."""

from argparse import ArgumentParser

import pytest

from migrator.commands import deploy as deploy_command
from migrator.commands import rollback as rollback_command
from migrator.deploy import deploy, rollback


def test_each_step_is_listed_once() -> None:
    names = [step.name for step in deploy.STEPS]
    assert len(set(names)) == len(names)
    assert all(step.does.endswith(".") for step in deploy.STEPS)


def test_a_rollback_has_the_steps_of_a_deploy_but_three() -> None:
    names = [step.name for step in deploy.STEPS if step.name not in rollback.LEFT_OUT]
    assert [step.name for step in rollback.STEPS] == names


@pytest.mark.parametrize("command", [deploy_command, rollback_command], ids=["deploy", "rollback"])
def test_the_help_lists_the_steps_and_their_flags(command: object) -> None:
    steps = deploy.STEPS if command is deploy_command else rollback.STEPS
    parser = ArgumentParser(description="What it does.")
    command.arguments(parser)  # type: ignore[attr-defined]
    shown = parser.format_help()
    assert [step.name for step in steps if f"\n  {step.name:<9} " not in shown] == []
    assert [step.name for step in steps if step.skip and f"--no-{step.name} " not in shown] == []
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_flags_of_the_last_release_still_work() -> None:
    parser = ArgumentParser(description="What it does.")
    deploy_command.arguments(parser)
    found = parser.parse_args(["--no-gate", "--no-record", "--no-lint"])
    assert found.without == ["blockers", "log", "lint"]
    assert "--no-gate" not in parser.format_help()
