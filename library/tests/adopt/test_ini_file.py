"""Keys in an ini file whose text stays as it is otherwise."""

import configparser
import difflib

import pytest

from migrator.adopt import ini_file

KEYS = {"autoimport_models": "app.models", "autoimport_base": "app:Base"}
FILES = [
    "[alembic]\nscript_location = alembic\n",
    "[alembic]\nscript_location = alembic",
    "# top\n[alembic]\nscript_location = alembic\n\n# about logging\n[loggers]\nkeys = root\n",
    "[loggers]\nkeys = root\n[alembic]\nscript_location = %(here)s/a\nurl = a%%b\n[x]\ny = 1\n",
    "[alembic]\r\nscript_location = alembic\r\n\r\n[loggers]\r\nkeys = root\r\n",
    "[DEFAULT]\na = 1\n",
    "",
]


def values(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


@pytest.mark.parametrize("text", FILES)
def test_keys_are_added_and_nothing_else_changes(text: str) -> None:
    made = ini_file.completed(text, "alembic", KEYS)
    before, after = values(text), values(made)
    assert {k: after["alembic"].pop(k) for k in KEYS} == KEYS
    assert after == {"alembic": after["alembic"], **before}
    removed = [d for d in difflib.ndiff(text.splitlines(), made.splitlines()) if d[0] == "-"]
    assert removed == []
    assert ini_file.completed(made, "alembic", KEYS) == made
    assert ("\r\n" in made) == ("\r\n" in text)


def test_a_value_that_is_there_is_kept() -> None:
    text = "[alembic]\nautoimport_models : own\n"
    assert values(ini_file.completed(text, "alembic", KEYS))["alembic"]["autoimport_models"] == (
        "own"
    )


def test_values_are_replaced_and_removed() -> None:
    text = "[alembic]\na = 1\nb = 2\n\n[other]\na = 3\n"
    assert ini_file.replaced(text, "alembic", {"a": r"\1", "b": None, "c": "4"}) == (
        "[alembic]\na = \\1\nc = 4\n\n[other]\na = 3\n"
    )
