"""Where the file of a revision is that this code does not have: which branch or commit has it.

The commonest reason is that a branch was switched without downgrading the database before.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from alembic.script import ScriptDirectory

from migrator.config.context import Context
from migrator.errors import MigratorError, UsageError
from migrator.revisions import files, git_search
from migrator.revisions.files import RevisionFile
from migrator.revisions.git import Repository

NAMED = 3  # branches


@dataclass(frozen=True)
class Missing:
    """A revision that this code does not have.

    Attributes:
        revision: its identifier.
        branches: those that have its file, the checked out one first, then local ones.
        source: what git can take the file from: a branch or a commit; empty if there is none.
        deleted: the commit in the history of this branch that deleted it, in words.
        commit: the commit that has it, in words, where no branch does.
        paths: its file and those of the revisions before it that are missing too.
        follows: the nearest revisions before it that this code has; empty for base.
        others: the revisions that `source` has.
        why: why it was not found.
    """

    revision: str
    branches: tuple[str, ...] = ()
    source: str = ""
    deleted: str = ""
    commit: str = ""
    paths: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    others: frozenset[str] = frozenset()
    why: str = ""

    @property
    def where(self) -> str:
        """Where it is, as a part of a sentence."""
        if self.why:
            return self.why
        here = f", and commit {self.deleted} deleted it here" if self.deleted else ""
        if not self.branches:
            kept = "no branch has it any more"
            return f"{kept}{here}" if here else f"{kept}, but commit {self.commit}"
        more = len(self.branches) - NAMED
        names = [*self.branches[:NAMED], *([f"{more} more"] if more > 0 else [])]
        if self.source == "HEAD":
            return f"the last commit of {names[0]} has its file, and the work tree does not"
        if len(names) == 1:
            return f"the branch {names[0]} has it{here}"
        return f"the branches {', '.join(names[:-1])} and {names[-1]} have it{here}"

    @property
    def restore(self) -> str:
        """The command that brings the file here, and those of revisions before it."""
        paths = shlex.join(f":/{path}" for path in self.paths)
        return f"git checkout {shlex.quote(self.source)} -- {paths}"

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "revision": self.revision,
            "branches": [*self.branches],
            "found_in": self.source or None,
            "deleted_in": self.deleted.partition(" ")[0] or None,
            "files": [*self.paths],
            "follows": [*self.follows],
        }


def find_all(
    context: Context, script: ScriptDirectory, current: Sequence[str]
) -> tuple[Missing, ...]:
    """Look for those of the revisions that the database is at which this code does not have."""
    known = frozenset(each.revision for each in script.walk_revisions())
    return tuple(find(context, each, known) for each in current if each not in known)


def from_history(context: Context, revision: str) -> Missing:
    """Look for a revision that another one here follows."""
    repository = _repository(context)
    if isinstance(repository, str):
        return Missing(revision, why=repository)
    return _find(repository, revision, frozenset(_read(repository.files_here())))


def find(context: Context, revision: str, known: frozenset[str]) -> Missing:
    """Look for a revision in the history of every branch, local or remote.

    Args:
        known: the revisions that this code has.
    """
    repository = _repository(context)
    if isinstance(repository, str):
        return Missing(revision, why=repository)
    return _find(repository, revision, known)


def _repository(context: Context) -> Repository | str:
    """Return the repository, or why there is none to look in."""
    try:
        return Repository.around(context) or "there is no git repository here to look for its file"
    except UsageError as error:
        return str(error).removesuffix(".")


@cache  # `wait` asks every second
def _find(repository: Repository, revision: str, known: frozenset[str]) -> Missing:
    changes = git_search.changes(repository, revision)
    paths = [*dict.fromkeys(each.path for each in changes)]
    having = [
        tip
        for tip, path, content in git_search.at_tips(repository, paths)
        if revision in _read({path: content})
    ]
    branches = tuple(dict.fromkeys(tip.branch for tip in having))
    deleting = (each for each in changes if each.deletes)
    gone = next((each for each in deleting if git_search.is_here(repository, each.commit)), None)
    newest = changes[0] if changes else None
    if having:
        source = having[0].source
    elif newest:
        source = f"{newest.commit}~" if newest.deletes else newest.commit
    else:
        shallow = "this clone is shallow, and " if repository.is_shallow() else ""
        why = f"{shallow}no commit here has its file; perhaps `git fetch --all` brings it"
        return Missing(revision, why=why)
    there = _read(repository.files_at(source))
    missing, follows = _back(revision, there, known)
    return Missing(
        revision,
        branches,
        source,
        deleted=str(gone) if gone and source != "HEAD" else "",
        commit=str(newest) if newest else "",
        paths=tuple(there[name].path for name in missing) or (paths[0],),
        follows=follows,
        others=frozenset(there),
    )


def _read(contents: dict[str, bytes]) -> dict[str, RevisionFile]:
    """Read revision files; those of another branch may be broken, and say nothing then."""
    found: dict[str, RevisionFile] = {}
    for path, content in contents.items():
        try:
            found |= files.read_all({path: content}, "")
        except MigratorError:
            continue
    return found


def _back(
    revision: str, there: dict[str, RevisionFile], known: frozenset[str]
) -> tuple[list[str], tuple[str, ...]]:
    """Return the revisions back from one that are missing, and those before them that are not."""
    missing: list[str] = []
    follows: list[str] = []
    waiting = [revision]
    while waiting:
        name = waiting.pop(0)
        if name in missing or name in follows:
            continue
        if name in known:
            follows.append(name)
        elif name in there:
            missing.append(name)
            waiting += [*there[name].parents, *there[name].needs]
    return missing, tuple(follows)
