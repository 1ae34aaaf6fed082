"""The programs that an update runs: git, and cruft in an environment of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from migrator.errors import MigratorError, UsageError

# Not among the project's packages: it is needed for an update only.
CRUFT = "cruft==2.16.0"
COOKIECUTTER = "cookiecutter==2.7.1"


def git(folder: Path, *arguments: str, words: str | None = None) -> str:
    """Run git in `folder` and return what it printed.

    Raises:
        UsageError: there is no git.
        MigratorError: it failed.
    """
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            input=words,
            stdin=subprocess.DEVNULL if words is None else None,
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except FileNotFoundError:
        raise UsageError("An update needs git: install it, and run this again.") from None
    if done.returncode:
        raise MigratorError(f"git {arguments[0]} failed: {' '.join(done.stderr.split())}")
    return done.stdout.strip()


def uv(folder: Path) -> str:
    """Return the uv that `make setup` uses: the one on PATH, or the project's copy.

    Raises:
        UsageError: there is none.
    """
    own = folder / ".uv/bin/uv"
    found = shutil.which("uv") or (str(own) if own.is_file() else None)
    if not found:
        raise UsageError("An update needs uv, to run cruft: type `make setup`, and run this again.")
    return found


def cruft(
    folder: Path, *arguments: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run cruft in `folder`; the caller looks at how it ended."""
    run = ["tool", "run", "--python", sys.executable, "--with", COOKIECUTTER, "--from", CRUFT]
    return subprocess.run(
        [uv(folder), *run, "cruft", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONUTF8": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        check=False,
    )


def make(folder: Path, *goals: str) -> bool:
    """Run make in `folder`, with nothing of a make around it; return whether it succeeded."""
    environment = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("MAKE", "MFLAGS", "migration_"))
    }
    return (
        subprocess.run(["make", *goals], cwd=folder, env=environment, check=False).returncode == 0
    )


def last_line(text: str) -> str:
    """Return the last line of an output that says something: of a traceback, the error."""
    lines = [line.strip(" │╭╮╰╯─") for line in text.splitlines()]
    return next((line for line in reversed(lines) if line), "it did not say why.")
