"""The revision files of other commits, read through git: nothing is checked out."""

import configparser
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from migrator.config.context import Context
from migrator.errors import UsageError

SHALLOW = (
    "this clone is shallow, so it does not reach back to where the branches diverged: get the whole"
    " history (`git fetch --unshallow`; on GitHub `fetch-depth: 0` for actions/checkout; on GitLab"
    ' the variable GIT_DEPTH: "0")'
)


@dataclass(frozen=True)
class Repository:
    """The git repository that contains a project.

    Attributes:
        root: its folder.
        project: the project's folder in it, "." when they are the same.
        ini: the name of the project's ini file.
    """

    root: Path
    project: PurePosixPath
    ini: str

    @staticmethod
    def around(context: Context) -> "Repository | None":
        """Return the repository of the project, None when there is none.

        Raises:
            UsageError: there is one, but git will not work with it.
        """
        folder = context.folder
        try:
            done = _git(folder, "rev-parse", "--show-toplevel", "--show-prefix")
        except FileNotFoundError:
            return None
        if done.returncode:
            words = done.stderr.decode(errors="replace")
            if "not a git repository" in words:
                return None
            raise UsageError(f"git cannot read the repository: {' '.join(words.split())}.")
        top, prefix = done.stdout.decode(errors="surrogateescape").split("\n")[:2]
        ini = Path(context.ini or "alembic.ini").name
        return Repository(Path(top), PurePosixPath(prefix or "."), ini)

    def first(self, names: Sequence[str]) -> str | None:
        """Return the first of `names` that is a commit here."""
        return next((name for name in names if self._commit(name)), None)

    def fork(self, base: str) -> str:
        """Return the commit where the current branch left `base`.

        Raises:
            UsageError: there is none in this clone.
        """
        shallow = self._git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
        if not self._commit(base):
            why = SHALLOW if shallow else f"fetch it (`git fetch origin {base.split('/')[-1]}`)"
            raise UsageError(f"There is no branch or commit {base} here to compare with: {why}.")
        commit = self._git("merge-base", base, "HEAD").stdout.decode().strip()
        if not commit:
            why = SHALLOW if shallow else "name the branch that this one came from with base="
            raise UsageError(f"This branch and {base} have no commit in common here: {why}.")
        return commit

    def files_at(self, commit: str) -> dict[str, bytes]:
        """Return the contents of the Python files in the revision folders of `commit`."""
        ini = self._git("show", f"{commit}:{self.project / self.ini}")
        if ini.returncode:  # there was no project yet
            return {}
        folders = [str(self.project / folder) for folder in revision_folders(ini.stdout)]
        listed = self._git("ls-tree", "-r", "-z", "--full-tree", commit, "--", *folders).stdout
        blobs = {}
        for line in filter(None, listed.split(b"\0")):
            meta, _, name = line.partition(b"\t")
            path = name.decode(errors="surrogateescape")
            if path.endswith(".py"):
                blobs[path] = meta.split()[2]
        return dict(zip(blobs, self._contents(list(blobs.values())), strict=True))

    def files_here(self) -> dict[str, bytes]:
        """Return the contents of the Python files in the revision folders, of the work tree."""
        folder = self.root / self.project
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for place in revision_folders((folder / self.ini).read_bytes())
            for path in sorted((folder / place).rglob("*.py"))
        }

    def trailers(self, since: str, key: str) -> frozenset[str]:
        """Return the values of a trailer in the messages of the commits after `since`."""
        form = f"--format=%(trailers:key={key},valueonly)"
        return frozenset(self._git("log", form, f"{since}..HEAD").stdout.decode().split())

    def _commit(self, name: str) -> bool:
        return not self._git("rev-parse", "--verify", "--quiet", name + "^{commit}").returncode

    def _contents(self, blobs: Sequence[bytes]) -> Iterator[bytes]:
        """Read many blobs with one process; each answer is a line with its size, then the bytes."""
        answer = self._git("cat-file", "--batch", words=b"\n".join([*blobs, b""])).stdout
        start = 0
        for _ in blobs:
            end = answer.index(b"\n", start)
            size = int(answer[start:end].split()[2])
            yield answer[end + 1 : end + 1 + size]
            start = end + size + 2

    def _git(self, *arguments: str, words: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return _git(self.root, *arguments, words=words)


def revision_folders(ini: bytes) -> list[str]:
    """Return the folders of revisions that an ini file names, relative to it."""
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(ini.decode(errors="replace"))
    section = dict(parser["alembic"]) if parser.has_section("alembic") else {}
    scripts = _relative(section.get("script_location", "migrations"))
    places = re.split(r"[\s,;:]+", section.get("version_locations", "").strip())
    return [_relative(place) for place in places if place] or [f"{scripts}/versions"]


def _relative(place: str) -> str:
    return place.strip().replace("%(here)s/", "").replace("%(here)s", ".")


def _git(folder: Path, *arguments: str, words: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(folder), *arguments]
    english = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(command, input=words, env=english, capture_output=True, check=False)
