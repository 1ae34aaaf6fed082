"""Commands that messages print in the form of make run as they are printed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.conftest import REPOSITORY, TEMPLATE_FOLDER, Render

SOURCE = REPOSITORY / "library/src/migrator"
MAKEFILES = ("migrations.mk", "Makefile")
TYPED = re.compile(r"`make ([a-z-]+)((?: [a-z]+=[^ `]+)*)`")


def calls(function: str) -> Iterator[ast.Call]:
    """The calls of a function of `migrator.config.invocation` in the library."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == function:
                yield node


def printed() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each target that a message names, with its arguments."""
    for call in calls("command"):
        if len(call.args) < 2 or not isinstance(call.args[1], ast.Constant):
            continue
        positional = ("file",) * (len(call.args) - 2)
        given = (each.arg or "" for each in call.keywords)
        yield str(call.args[1].value), (*positional, *given)
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for target, arguments in TYPED.findall(node.value):
                    yield target, tuple(re.findall(r" ([a-z]+)=", arguments))


@pytest.fixture
def recipes() -> dict[str, str]:
    """What each target of the template runs."""
    found: dict[str, str] = {}
    for name in MAKEFILES:
        text = (REPOSITORY / TEMPLATE_FOLDER / name).read_text("utf-8")
        tenants = re.findall(r"^migration_tenants = (.*)$", text, re.M)
        for target, recipe in re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)*)", text, re.M):
            found[target] = recipe.replace("$(migration_tenants)", "".join(tenants)).replace(
                "$(migration_range)", "$(migration_from)$(migration_to)"
            )
    return found


def test_there_are_such_targets_with_these_arguments(recipes: dict[str, str]) -> None:
    seen = set(printed())
    assert len(seen) > 15
    for target, arguments in sorted(seen):
        assert target in recipes, target
        for name in arguments:
            assert re.search(rf"(?:migration_|[ ,]){name}\b", recipes[target]), (target, name)


def test_options_that_messages_recommend(recipes: dict[str, str], ready: Render) -> None:
    """They are the command's, and its target takes them."""
    project = ready()
    commands = ("deploy", "restore", "fleet deploy")
    known = {each: project.run(f".venv/bin/python -m migrator {each} --help") for each in commands}
    options = {ast.literal_eval(node.args[0]) for node in calls("option")}
    assert {"--now", "--accept-risk REASON"} <= options
    for option in options:
        takes = [each for each in commands if f"{option.split()[0]} " in known[each].stdout]
        assert takes, option
        for each in takes:
            assert "$(migration_more)" in recipes[each.replace(" ", "-")], each
