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

    def full_name(self, name: str) -> str:
        """Return the branch that a name such as origin/HEAD stands for; else the name itself."""
        found = self.git("rev-parse", "--abbrev-ref", name).stdout.decode(errors="replace")
        return found.strip() or name

    def current(self) -> str:
        """Return the branch that is checked out, nothing if HEAD is detached."""
        found = self.git("symbolic-ref", "--short", "--quiet", "HEAD").stdout
        return found.decode(errors="replace").strip()

    def changed_since(self, commit: str) -> frozenset[Path]:
        """Return the project's files that differ from `commit`, and those that git does not track.

        They are absolute paths, without links. What is ignored or deleted is not among them.
        """
        options = ("--name-only", "--diff-filter=d", "--no-renames", "-z")
        changed = self.git("diff", *options, commit, "--", str(self.project)).stdout
        return self._paths(changed) | self.files_in_work_tree("--others")

    def files_in_work_tree(self, *which: str) -> frozenset[Path]:
        """Return the project's files, as `git ls-files` lists them; by default all."""
        listed = which or ("--cached", "--others")
        options = ("--exclude-standard", "--full-name", "-z")
        found = self.git("ls-files", *listed, *options, "--", str(self.project)).stdout
        return self._paths(found)

    def _paths(self, listed: bytes) -> frozenset[Path]:
        names = listed.decode(errors="surrogateescape").split("\0")
        return frozenset((self.root / name).resolve() for name in names if name)

    def fork(self, base: str) -> str:
        """Return the commit where the current branch left `base`.

        Raises:
            UsageError: there is none in this clone.
        """
        shallow = self.is_shallow()
        if not self._commit(base):
            why = SHALLOW if shallow else f"fetch it (`git fetch origin {base.split('/')[-1]}`)"
            raise UsageError(f"There is no branch or commit {base} here to compare with: {why}.")
        commit = self.git("merge-base", base, "HEAD").stdout.decode().strip()
        if not commit:
            why = SHALLOW if shallow else "name the branch that this one came from with base="
            raise UsageError(f"This branch and {base} have no commit in common here: {why}.")
        return commit

    def is_shallow(self) -> bool:
        """Tell whether this clone lacks older commits."""
        return self.git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"

    def files_at(self, commit: str) -> dict[str, bytes]:
        """Return the contents of the Python files in the revision folders of `commit`."""
        ini = self.git("show", f"{commit}:{self.project / self.ini}")
        if ini.returncode:  # there was no project yet
            return {}
        folders = [str(self.project / folder) for folder in revision_folders(ini.stdout)]
        listed = self.git("ls-tree", "-r", "-z", "--full-tree", commit, "--", *folders).stdout
        blobs = {}
        for line in filter(None, listed.split(b"\0")):
            meta, _, name = line.partition(b"\t")
            path = name.decode(errors="surrogateescape")
            if path.endswith(".py"):
                blobs[path] = meta.split()[2]
        return dict(zip(blobs, self.contents(list(blobs.values())), strict=True))

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
        return frozenset(self.git("log", form, f"{since}..HEAD").stdout.decode().split())

    def _commit(self, name: str) -> bool:
        return not self.git("rev-parse", "--verify", "--quiet", name + "^{commit}").returncode

    def contents(self, blobs: Sequence[bytes]) -> Iterator[bytes]:
        """Read many blobs with one process; each answer is a line with its size, then the bytes."""
        answer = self.git("cat-file", "--batch", words=b"\n".join([*blobs, b""])).stdout
        start = 0
        for _ in blobs:
            end = answer.index(b"\n", start)
            size = int(answer[start:end].split()[2])
            yield answer[end + 1 : end + 1 + size]
            start = end + size + 2

    def git(self, *arguments: str, words: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run git in this repository, whatever its exit code will be."""
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
