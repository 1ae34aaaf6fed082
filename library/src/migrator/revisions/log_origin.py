"""Who writes a line of the migration log, where, and with which code."""

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence

from migrator import __version__

COMMIT_VARIABLES = ("GIT_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA")
WHO_VARIABLES = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN")


def origin() -> dict[str, str]:
    """Return who runs this, where, and with which code, as a line has it."""
    return {
        "who": _first(WHO_VARIABLES) or _user(),
        "host": socket.gethostname(),
        "code_commit": _first(COMMIT_VARIABLES) or _commit(),
        "tool_version": __version__,
    }


def _first(names: Sequence[str]) -> str:
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        return f"uid {os.getuid()}"


def _commit() -> str:
    git = shutil.which("git")
    if not git:
        return ""
    found = subprocess.run(
        [git, "rev-parse", "HEAD"],
        capture_output=True,
        encoding="ascii",
        errors="replace",
        check=False,
    )
    return found.stdout.strip()
