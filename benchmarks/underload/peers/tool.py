"""What the benchmark asks of every tool."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import environment


class NotRunnable(Exception):
    """A tool cannot be measured here; the message says why."""


@dataclass(frozen=True)
class Deploy:
    """A command, where it runs, and with which environment."""

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]


class Tool:
    """A tool, with a project of its own in a folder for each change.

    Attributes:
        name: in tables.
        about: how it is set up, where that is a choice.
        version: of what was installed.
    """

    name: str
    about: str = ""
    version: str = ""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder / self.name.replace(" ", "-"), url

    def install(self) -> None:
        """Install the tool and make its project, with one migration that does nothing.

        Raises:
            NotRunnable: it cannot be installed.
        """
        raise NotImplementedError

    def first(self, folder: Path) -> Deploy:
        """Return the command that brings an unchanged database under the tool's care."""
        return self.deploy(folder)

    def write(self, folder: Path, change: str) -> None:
        """Write the migrations of one change into a copy of the project.

        The database is as a deploy will find it.
        """
        raise NotImplementedError

    def deploy(self, folder: Path) -> Deploy:
        """Return the command that its documentation gives for production."""
        raise NotImplementedError

    def project(self, change: str) -> Path:
        """Return the project that is about to deploy one change."""
        folder = self._copy(change)
        if not folder.exists():
            shutil.copytree(self.folder, folder, symlinks=True)
            self.write(folder, change)
        return folder

    def has(self, change: str) -> bool:
        """Whether the migrations of a change are written already."""
        return self._copy(change).exists()

    def _copy(self, change: str) -> Path:
        return self.folder.with_name(f"{self.folder.name}--{change}")


def output(*command: str) -> str:
    """Return what a command printed, which has to succeed."""
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def installed(*command: str, folder: Path) -> None:
    """Run a package manager's command.

    Raises:
        NotRunnable: it failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(
            command,
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=300,
            check=True,
        )
    except FileNotFoundError:
        raise NotRunnable(f"{command[0]} is not on this machine") from None
    except subprocess.TimeoutExpired:
        raise NotRunnable(f"{command[0]} did not end in 300 s") from None
    except subprocess.CalledProcessError as error:
        last = " ".join(error.stderr.split())[-200:]
        raise NotRunnable(f"{command[0]} could not install it: {last}") from None
