"""What is written into a project, as a difference; only where git could restore what was there."""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from migrator.errors import RefusedError, UsageError


@dataclass(frozen=True)
class Change:
    """A file of the project, `name` as seen from its folder; `before` is None if it is new."""

    path: Path
    name: str
    before: str | None
    after: str

    @property
    def short(self) -> str:
        """The difference; of a new file only how long it is."""
        if self.before is not None:
            return self.diff
        return f"new file {self.name} ({self.after.count(chr(10))} lines)"

    @property
    def diff(self) -> str:
        """The unified difference, as git writes it and `git apply` reads it."""
        old = (self.before or "").replace("\r\n", "\n").splitlines()
        new = self.after.replace("\r\n", "\n").splitlines()
        names = f"a/{self.name}" if self.before is not None else "/dev/null", f"b/{self.name}"
        return "\n".join(unified_diff(old, new, *names, lineterm=""))


def read(path: Path) -> str | None:
    """Return the text of a file with its own ends of lines; None if it is not there.

    Raises:
        UsageError: it is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise UsageError(f"{path.name} is not UTF-8 text, so it is left alone.") from None


def refuse_unsaved(folder: Path, changes: Sequence[Change]) -> None:
    """Refuse to change files that git could not restore.

    Raises:
        RefusedError: one of them has changes that are not committed, or there is no repository.
    """
    names = [each.name for each in changes if each.before is not None]
    if not names:
        return
    how = "Commit them first, so that `git checkout` undoes what this writes; or use --dirty."
    try:
        done = _git(folder, "status", "--porcelain", "--ignored", "--", *names)
    except FileNotFoundError:
        raise RefusedError(f"git is not installed, and this changes your files. {how}") from None
    if done.returncode:
        raise RefusedError(
            f"This folder is in no git repository, and this changes {', '.join(names)}. {how}"
        )
    if unsaved := [line[3:] for line in done.stdout.splitlines()]:
        raise RefusedError(
            f"Changes that are not committed are in {', '.join(unsaved)}, which this changes, too."
            f" Nothing was written. {how}"
        )


def write(changes: Sequence[Change]) -> None:
    """Write all of them."""
    for each in changes:
        each.path.parent.mkdir(parents=True, exist_ok=True)
        each.path.write_bytes(each.after.encode("utf-8"))


def undo(changes: Sequence[Change]) -> Iterator[str]:
    """Yield the commands that undo them."""
    if changed := [each.name for each in changes if each.before is not None]:
        yield f"git checkout -- {' '.join(changed)}"
    if new := [each.name for each in changes if each.before is None]:
        yield f"rm {' '.join(new)}"


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(folder), "-c", "core.quotepath=off", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
