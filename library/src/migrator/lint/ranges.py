"""Which revisions to look at: what a branch adds, what is pending, or a range."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from alembic.script import Script, ScriptDirectory
from alembic.util.exc import CommandError

from migrator import database
from migrator.config.context import Context
from migrator.errors import UsageError, counted
from migrator.revisions import branch, git, graph, pending
from migrator.revisions.branch import Branch

OTHERS = (
    "To look at others: `make lint-migrations from=base` for all of them, from=REV to=REV or"
    " base=BRANCH for some."
)


@dataclass(frozen=True)
class Range:
    """Revisions, oldest first.

    Attributes:
        together: they are deployed at once.
        what: which ones they are, in words that follow their number.
        why: why these, or why none, in a sentence; empty if they were asked for.
        base: what they are compared with, if they are those of a branch.
        pending: they are next in the database of the command, whose catalog tells what they meet.
    """

    revisions: tuple[Script, ...]
    together: bool
    what: str
    why: str = ""
    base: str = ""
    pending: bool = False

    def __str__(self) -> str:
        """Return the number and which ones they are."""
        return f"{counted(len(self.revisions), 'revision')} {self.what}"


def chosen(context: Context, words: str | None, base: str | None, *, added: bool = False) -> Range:
    """Return what the command line asks for.

    By default it is what the branch adds to the main branch; if that is nothing, what is pending
    in the database. Where there is no main branch to compare with, nor anything pending, it is the
    newest revision.

    Args:
        words: FROM..TO, which leaves out FROM itself, or one revision. From "base" on, each
            revision is looked at as if it came alone: what it meets is long deployed.
        base: a commit of git; the revisions that were added or changed since this branch left it.
        added: do not look at what is pending, so that no database is needed.

    Raises:
        UsageError: there is no such revision, or git cannot compare.
        MigratorError: the database cannot be reached, or the history is broken.
    """
    script = graph.load(context, tolerant=True)
    if words is not None:
        return _between(script, words)
    repository = git.Repository.around(context)
    if base is not None:
        if repository is None:
            raise UsageError(f"There is no git repository here, so there is no {base}.")
        return _of_branch(script, branch.compared(repository, base))
    reference = branch.main(repository) if repository else None
    if repository is None or reference is None:
        lacks = "git repository"
        if repository:
            lacks = "main branch" if repository.first(["HEAD"]) else "commit"
        why = f"There is no {lacks} here to compare with"
        return _pending(context, script, why, to_newest=True, ask=not added)
    compared = branch.compared(repository, reference)
    found = _of_branch(script, compared)
    if found.revisions:
        return found
    why = f"Compared with {compared.base}, {compared.name} adds no revision"
    if compared.itself:
        why = f"Everything on {compared.name} is committed, and no remote has a main branch"
    elif added:
        return Range((), True, found.what, f"{why}.", compared.base)
    return _pending(context, script, why, to_newest=compared.itself, ask=not added)


def _between(script: ScriptDirectory, words: str) -> Range:
    first, dots, last = words.partition("..")
    if not dots:
        one = _named(script, words)
        return Range((one,), True, f"({one.revision})")
    start = "base" if first in ("", "base") else _named(script, first).revision
    end = _named(script, last or "head").revision
    try:
        revisions = tuple(script.iterate_revisions(end, start))[::-1]
    except CommandError:
        raise UsageError(
            f"No revision leads from {start} forward to {end}; `make history` lists them."
        ) from None
    after = "from the first one" if start == "base" else f"after {start}"
    return Range(revisions, start != "base", f"{after} to {end}")


def _named(script: ScriptDirectory, name: str) -> Script:
    try:
        found = script.get_revision(name)
    except CommandError as error:
        raise UsageError(f"{error}. `make history` lists the revisions.") from None
    if found is None:
        raise UsageError(f"There is no revision {name}; `make history` lists them.")
    return found


def _of_branch(script: ScriptDirectory, compared: Branch) -> Range:
    revisions = _in_files(script, compared.files)
    what = f"that {compared.name} adds to {compared.base}"
    if compared.itself or compared.base == "HEAD":
        what = "not committed yet"
    why = "" if revisions else f"Compared with {compared.base}, {compared.name} adds no revision."
    return Range(revisions, True, what, why, compared.base)


def _in_files(script: ScriptDirectory, files: Collection[Path]) -> tuple[Script, ...]:
    found = (each for each in script.walk_revisions() if Path(each.path).resolve() in files)
    return tuple(found)[::-1]


def _pending(
    context: Context, script: ScriptDirectory, why: str, *, to_newest: bool, ask: bool
) -> Range:
    if not script.get_heads():
        return Range((), True, "", f'{why}, and there is none yet: `make revision m="..."`.')
    at = ""
    if ask:
        name = context.target.url.database
        with database.connect(context, anywhere=True) as connection:
            found = pending.make(context, connection, revisions=script)
        if found.pending and (found.current or not to_newest):
            what = f"pending in the database {name}, which is at {found.at}"
            return Range(found.pending, True, what, f"{why}.", pending=True)
        at = f", and nothing is pending in the database {name}"
        if found.pending:
            at = f", and the database {name} is empty"
    if not to_newest:
        return Range((), True, "", f"{why}{at}. {OTHERS}")
    newest = script.get_revisions(script.get_heads())
    return Range(tuple(newest), False, "(the newest)", f"{why}{at}.")
