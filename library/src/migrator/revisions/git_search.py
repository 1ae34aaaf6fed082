"""Which commits and branches have the file of a revision, whatever is checked out."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from migrator.revisions.git import Repository, revision_folders


@dataclass(frozen=True)
class Change:
    """A commit that changed a file; `deletes` is whether it removed the file."""

    commit: str
    title: str
    path: str
    deletes: bool

    def __str__(self) -> str:
        return f"{self.commit[:10]} ({self.title})"


@dataclass(frozen=True)
class Tip:
    """The last commit of a branch; `source` is what git calls it."""

    branch: str
    source: str


def changes(repository: Repository, revision: str) -> list[Change]:
    """Return the changes of files that define a revision, newest first.

    They are those of all branches, tags and stashes, and what the reflog remembers.
    """
    ini = (repository.root / repository.project / repository.ini).read_bytes()
    folders = [str(repository.project / folder) for folder in revision_folders(ini)]
    # As files have it: revision = "..." or revision: str = '...'.
    name = re.sub(r"(\W)", r"\\\1", revision)
    # Without --full-history, git leaves out a branch that added a file and deleted it again.
    everything = ("--all", "--reflog", "--full-history", "--no-renames", "-z", "--name-status")
    form = "--format=%x01%H%x02%s%x01", f"-G^revision[ :=].*[\"']{name}[\"']"
    said = repository.git("log", *everything, *form, "--", *folders).stdout
    found: list[Change] = []
    commit = title = ""
    for entry in said.decode(errors="surrogateescape").split("\x01"):
        if "\x02" in entry:
            commit, title = entry.split("\x02")
            continue
        words = entry.strip("\0\n").split("\0")
        for status, path in zip(words[::2], words[1::2], strict=False):
            found.append(Change(commit, title, path, deletes=status == "D"))
    return found


def at_tips(repository: Repository, paths: Sequence[str]) -> list[tuple[Tip, str, bytes]]:
    """Return which branches have files with these paths, and what is in them.

    The checked out commit comes first, then local branches; the newest of them first.
    """
    places = [(tip, path) for tip in _tips(repository) for path in paths]
    words = "".join(f"{tip.source}:{path}\n" for tip, path in places)
    form = "--batch-check=%(objectname)"
    answers = repository.git("cat-file", form, words=os.fsencode(words)).stdout.splitlines()
    there = [
        (place, answer)
        for place, answer in zip(places, answers, strict=True)
        if not answer.endswith(b" missing")
    ]
    contents = repository.contents([blob for _, blob in there])
    return [(*place, content) for (place, _), content in zip(there, contents, strict=True)]


def is_here(repository: Repository, commit: str) -> bool:
    """Tell whether a commit is in the history of what is checked out."""
    return not repository.git("merge-base", "--is-ancestor", commit, "HEAD").returncode


def _tips(repository: Repository) -> list[Tip]:
    form = "--format=%(refname) %(symref)"
    folders = ("refs/heads", "refs/remotes")
    listed = repository.git("for-each-ref", "--sort=-committerdate", form, *folders).stdout
    lines = [line.split(" ") for line in listed.decode(errors="surrogateescape").splitlines()]
    names = [name for name, symbolic in lines if not symbolic]  # origin/HEAD is another's name
    names.sort(key=lambda name: not name.startswith("refs/heads/"))
    own = repository.current()
    short = [name.split("/", 2)[2] for name in names if name != f"refs/heads/{own}"]
    return [Tip(own or "this checkout", "HEAD"), *(Tip(name, name) for name in short)]
