"""Where the database stands in the middle of a deploy, and the commands that lead on from there."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection

from migrator import database
from migrator.config.context import Context
from migrator.errors import UnreachableError
from migrator.postgres import unfinished
from migrator.revisions import plan
from migrator.revisions.plan import Plan

if TYPE_CHECKING:
    from migrator.backup import Backup  # which is not loaded when there is nothing to do

PAUSE = 1.0  # seconds between two tries to ask the database where it is
INDEX = "INVALID index "

T = TypeVar("T")


@dataclass(frozen=True)
class Work:
    """What a deploy or a rollback is about.

    `again` are the words that go on with it, and with nothing else: after the expand phase, say,
    not with the contract. `unfinished` is what `health.unfinished` said before it. `recorded` is
    whether the next deploy can know that this one was not verified. `saved` is the backup.
    """

    context: Context
    going: Plan
    again: str
    unfinished: Sequence[str] = ()
    recorded: bool = True
    saved: "Backup | None" = None


def ask(context: Context, question: Callable[[Connection], T]) -> T:
    """Ask on a new connection: the deploy's may be gone, and a server that restarts comes back.

    Raises:
        MigratorError: it does not come back within `wait_timeout`, or what `question` raises.
    """
    deadline = time.monotonic() + context.settings.wait_timeout
    while True:
        try:
            with database.connect(context) as connection:
                return question(connection)
        except UnreachableError as error:
            if error.permanent or time.monotonic() >= deadline:
                raise
        time.sleep(PAUSE)


def now(connection: Connection) -> tuple[tuple[str, ...], list[str]]:
    """Return the revisions that the database is at, and what `health.unfinished` says."""
    return plan.current_heads(connection), unfinished.find(connection)


def done(going: Plan, heads: tuple[str, ...]) -> int:
    """Return how many of the pending revisions are done, from where the database is."""
    names = [script.revision for script in going.pending]
    here = [names.index(head) for head in heads if head in names]
    if going.upgrade:
        return max(here) + 1 if here else 0
    if here:  # the newest that is still there is the next to be taken back
        return min(here)
    return len(names) if set(heads) != set(going.current) else 0


def sentence(going: Plan, heads: tuple[str, ...]) -> str:
    """Return a sentence that says where the database is, and how much of the work that is."""
    count, of = done(going, heads), len(going.pending)
    what = "revisions stand" if going.upgrade else "taken back"
    kept = f"{count} of {of} {what}" if count else "none of this deploy was applied"
    return f"The database is at {', '.join(heads) or 'base'}{f' ({kept})' if of else ''}."


def details(work: Work, count: int, failed: str = "") -> list[tuple[str, str]]:
    """Return what stands, what does not, and the commands to go on and back.

    Args:
        count: how many of the revisions are done.
        failed: the one that did not work.
    """
    names = [script.revision for script in work.going.pending]
    left = [f"{name} ({'failed' if name == failed else 'not tried'})" for name in names[count:]]
    found = [
        ("stand" if work.going.upgrade else "taken back", ", ".join(names[:count]) or "none"),
        ("not done", ", ".join(left) or "none"),
    ]
    found = [*(found if names else []), ("to go on", command(work, work.again))]
    if work.going.upgrade and count:
        before = work.going.current[0] if work.going.current else "base"
        found.append(("to go back", command(work, f"rollback --to {before}")))
    return found


def left_behind(work: Work, unfinished: Sequence[str]) -> list[tuple[str, str]]:
    """Return what is half done and was not before, with what to do about it."""
    new = [_behind(name) for name in unfinished if name not in work.unfinished]
    return [("left behind", "; ".join(new))] if new else []


def saved(work: Work) -> list[tuple[str, str]]:
    """Return where the backup is and how it is restored, if there is one."""
    if work.saved is None:
        return []
    from migrator import backup

    restore = backup.restore_command(work.saved, work.context)
    return [("backup", str(work.saved.path)), ("to restore", restore)]


def command(work: Work, words: str) -> str:
    """Return a command to type."""
    return f"python -m migrator -c {work.context.ini} {words}"


def _behind(name: str) -> str:
    if name.startswith(INDEX):
        return (
            f"{name}, which every write maintains and no query uses: going on builds it anew; to"
            f" give it up, DROP INDEX CONCURRENTLY {name.removeprefix(INDEX)}"
        )
    return f"{name}, which rows from before were not compared with: go on, or drop it"
