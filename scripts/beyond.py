"""Versions beyond the upper bounds of the library: tried in an environment that is thrown away."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from scripts.newest import find_uv

REPOSITORY = Path(__file__).resolve().parent.parent
UNIT_TESTS = REPOSITORY / "library" / "tests"
LONGEST = 2000  # characters of what a program said last


def problems(requirement: str, python: str) -> list[str]:
    """Return what breaks when the library runs with `requirement`, whatever its bounds say.

    Args:
        requirement: a package and a version, such as `alembic==1.21.0`.
        python: the version of Python to try it with.

    Raises:
        Unreachable: there is no uv.
    """
    uv = find_uv()
    with tempfile.TemporaryDirectory(prefix="beyond-") as folder:
        environment = Path(folder, "venv")
        override = Path(folder, "override.txt")
        override.write_text(requirement + "\n", encoding="utf-8")
        own = environment / "bin" / "python"
        install = [uv, "pip", "install", "--quiet", "--python", str(own), "--group", "dev"]
        for command in (
            [uv, "venv", "--quiet", "--python", python, str(environment)],
            [*install, "--override", str(override), requirement],
        ):
            if said := failure(command):
                return [f"it cannot be installed: {said}"]
        done = subprocess.run(
            [own, "-m", "scripts.private_names"],
            cwd=REPOSITORY,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            names = done.stdout.split()
            return [f"it has no {name}" for name in names] or [done.stderr.strip()[-LONGEST:]]
        if UNIT_TESTS.is_dir():
            said = failure([str(own), "-m", "pytest", "-q", "-x", str(UNIT_TESTS)])
            return [f"a unit test fails:\n{said}"] if said else []
    return []


def failure(command: list[str]) -> str:
    """Run a program; return the end of what it said if it failed."""
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    if not done.returncode:
        return ""
    return done.stdout.strip()[-LONGEST:] or f"{shutil.which(command[0])} said nothing"
