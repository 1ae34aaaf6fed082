"""How this was called, so that the commands that are printed can be typed as they are."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

from migrator.config.context import Context

BY_MAKE = "MIGRATION_CALLED_BY"  # migrations.mk sets it for what it calls
SCRIPT = "deploy_migrations.py"
# Targets of migrations.mk that use the ini file of deploys without being told to.
OF_PRODUCTION = ("deploy", "rollback", "backup", "restore", "wait")
OF_FLEET = "fleet-"  # targets; the command is `fleet ACTION`
PRODUCTION_INI = "alembic_prod.ini"
PLAIN = re.compile(r"[\w@%+=:,./-]+")


def command(context: Context, name: str, *positional: str, **options: str) -> str:
    """Return the line that runs a command for this target, in the way in which this one was called.

    Args:
        name: the command, and the target of migrations.mk.
        positional: what the command takes without a name; the target takes it as `file`.
        options: the options of both by name; those that are empty are left out.
    """
    given = {key: value for key, value in options.items() if value}
    if os.environ.get(BY_MAKE) == "make":
        return _make(context, name, {**dict(zip(("file",), positional, strict=False)), **given})
    flags = [word for key, value in given.items() for word in (f"--{key}", value)]
    if name == "deploy" and Path(sys.argv[0]).name == SCRIPT:
        return shlex.join([*_python(), sys.argv[0], *flags])
    words = name.split("-", 1) if name.startswith(OF_FLEET) else [name]
    return shlex.join([*_program(), "-c", context.ini, *words, *positional, *flags])


def option(words: str) -> str:
    """Return options as they are added to a command, in the way in which this one was called."""
    if os.environ.get(BY_MAKE) == "make":
        return _quoted(f"args={words}")
    return words


def _make(context: Context, name: str, arguments: dict[str, str]) -> str:
    words = [f"{key}={value}" for key, value in arguments.items() if value]
    if context.settings.production:
        if name not in OF_PRODUCTION and not name.startswith(OF_FLEET):
            words.append("prod=1")
        if context.ini != PRODUCTION_INI:
            words.append(f"PROD_INI={context.ini}")
    return " ".join(["make", name, *map(_quoted, words)])


def _quoted(word: str) -> str:
    """Quote the value of a word NAME=VALUE for a shell, if it has to be."""
    name, _, value = word.partition("=")
    return word if PLAIN.fullmatch(value) else f"{name}={shlex.quote(value)}"


def _program() -> list[str]:
    """Return the words that call `python -m migrator`, or the program `migrator`."""
    if Path(sys.argv[0]).name == "migrator":
        return [sys.argv[0]]
    return [*_python(), "-m", "migrator"]


def _python() -> list[str]:
    """Return the interpreter as it was typed, or its path where that would be another one."""
    typed = sys.orig_argv[0] if sys.orig_argv else ""
    found = shutil.which(typed)
    if found and Path(found).absolute() == Path(sys.executable).absolute():
        by_uv = typed == Path(typed).name and "UV_RUN_RECURSION_DEPTH" in os.environ
        return ["uv", "run", typed] if by_uv else [typed]
    here = Path(sys.executable).absolute()
    inside = here.is_relative_to(Path.cwd())
    return [str(here.relative_to(Path.cwd())) if inside else str(here)]
