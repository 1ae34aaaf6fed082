"""Which revisions to look at: those that are pending, a range, or what a branch adds."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from alembic.script import Script, ScriptDirectory
from alembic.util.exc import CommandError

from migrator import database
from migrator.config.context import Context
from migrator.errors import UsageError
from migrator.revisions import graph, pending


@dataclass(frozen=True)
class Range:
    """Revisions, oldest first; `together` if they are deployed at once. `what` says it in words."""

    revisions: tuple[Script, ...]
    together: bool
    what: str


def chosen(context: Context, words: str | None, base: str | None) -> Range:
    """Return what the command line asks for; by default what is pending.

    Args:
        words: FROM..TO, which leaves out FROM itself, or one revision. From "base" on, each
            revision is looked at as if it came alone: what it meets is long deployed.
        base: a commit of git; the revisions that were added or changed since this branch left it.

    Raises:
        UsageError: there is no such revision, or git does not know the commit.
        MigratorError: the database cannot be reached, or the history is broken.
    """
    script = graph.load(context)
    if base is not None:
        return _branch(context, script, base)
    if words is None:
        with database.connect(context, anywhere=True) as connection:
            found = pending.make(context, connection, revisions=script)
        return Range(found.pending, True, f"pending after {found.at}")
    first, dots, last = words.partition("..")
    if not dots:
        return Range((_named(script, words),), True, words)
    start = "base" if first in ("", "base") else _named(script, first).revision
    end = _named(script, last or "head").revision
    try:
        revisions = tuple(script.iterate_revisions(end, start))[::-1]
    except CommandError:
        raise UsageError(
            f"No revision leads from {start} forward to {end}; `make history` lists them."
        ) from None
    return Range(revisions, start != "base", f"{start}..{end}")


def _named(script: ScriptDirectory, name: str) -> Script:
    try:
        found = script.get_revision(name)
    except CommandError as error:
        raise UsageError(f"{error}. `make history` lists the revisions.") from None
    if found is None:
        raise UsageError(f"There is no revision {name}; `make history` lists them.")
    return found


def _branch(context: Context, script: ScriptDirectory, base: str) -> Range:
    folder = context.folder
    changed = _git(folder, "ls-files", "--others", "--exclude-standard", "-z")
    if base == "HEAD" and not _git(folder, "rev-list", "--all", "--max-count=1"):
        changed += _git(folder, "ls-files", "-z")  # before the first commit everything is added
    else:
        start = _git(folder, "merge-base", "--", base, "HEAD")[0]
        changed += _git(folder, "diff", "--name-only", "--diff-filter=d", "-z", "--relative", start)
    files = {(folder / name).resolve() for name in changed}
    revisions = [each for each in script.walk_revisions() if Path(each.path).resolve() in files]
    return Range(tuple(revisions[::-1]), True, f"added since {base}")


def _git(folder: Path, *arguments: str) -> list[str]:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        raise UsageError("git is not installed here, which --base needs.") from None
    if done.returncode:
        reason = " ".join(done.stderr.split())
        raise UsageError(f"git cannot say what this branch adds since then: {reason}")
    return [name for name in done.stdout.replace("\n", "\0").split("\0") if name]
