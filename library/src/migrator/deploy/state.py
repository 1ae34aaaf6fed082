"""The state of the database in the middle of a deploy, and the commands to go on from there."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from migrator import database
from migrator.config.context import Context
from migrator.config.invocation import command
from migrator.deploy.deployment import Deployment
from migrator.errors import UnreachableError
from migrator.postgres import unfinished
from migrator.postgres.unfinished import Unfinished
from migrator.revisions import position
from migrator.revisions.pending import Plan

# Behind a pooler, a session that is done stays, and is idle.
WORKS = text(
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = :pid AND backend_start = :start"
    " AND state IS DISTINCT FROM 'idle')"
)
END = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid = :pid AND backend_start = :start"
)
ENDS = 10.0  # seconds for it to end
PAUSE = 1.0  # seconds between two attempts to ask the database

T = TypeVar("T")


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


def terminate_worker(deployment: Deployment, connection: Connection) -> bool:
    """Terminate the session that applied revisions, whose client is gone.

    Returns:
        Whether it has ended; until then nobody knows what it commits.
    """
    worker = deployment.worker
    if worker is None:
        return True
    parameters = {"pid": worker.pid, "start": worker.start}
    deadline = time.monotonic() + ENDS
    while connection.scalar(WORKS, parameters):
        with suppress(DBAPIError):
            connection.scalar(END, parameters)
        connection.rollback()
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    connection.rollback()
    return True


def now(connection: Connection) -> tuple[tuple[str, ...], list[Unfinished]]:
    """Return the revisions that the database is at, and what is unfinished in it."""
    return position.current_heads(connection), unfinished.find(connection)


def done(going: Plan, heads: tuple[str, ...]) -> int:
    """Return how many of the pending revisions are done, from where the database is."""
    names = [script.revision for script in going.pending]
    here = [names.index(head) for head in heads if head in names]
    if going.upgrade:
        return max(here) + 1 if here else 0
    if here:  # the newest that is still there is the next to be reverted
        return min(here)
    return len(names) if set(heads) != set(going.current) else 0


def sentence(going: Plan, heads: tuple[str, ...]) -> str:
    """Return a sentence that says where the database is, and how much of the work that is."""
    count, of = done(going, heads), len(going.pending)
    word = "applied" if going.upgrade else "reverted"
    part = f"{count} of {of} revisions {word}" if count else f"no revision was {word}"
    return f"The database is at {', '.join(heads) or 'base'}{f' ({part})' if of else ''}."


def details(deployment: Deployment, count: int, failed: str = "") -> list[tuple[str, str]]:
    """Return what is done, what is not, and the commands to go on and back.

    Args:
        count: how many of the revisions are done.
        failed: the one that did not work.
    """
    going = deployment.plan
    names = [script.revision for script in going.pending]
    left = [f"{name} ({'failed' if name == failed else 'not tried'})" for name in names[count:]]
    found = [
        ("applied" if going.upgrade else "reverted", ", ".join(names[:count]) or "none"),
        ("not done", ", ".join(left) or "none"),
    ]
    found = [*(found if names else []), ("to go on", deployment.again)]
    if back := _way_back(deployment, count):
        found.append(("to go back", back))
    return found


def data(
    deployment: Deployment, count: int | None, failed: str = "", left: Sequence[Unfinished] = ()
) -> dict[str, object]:
    """Return the same for JSON.

    Args:
        count: as for `details`; None if it is not known.
        left: what is unfinished.
    """
    going, saved = deployment.plan, deployment.backup
    names = [script.revision for script in going.pending]
    done: list[str] | None = None if count is None else names[:count]
    undone = None if count is None else names[count:]
    return {
        "applied": done if going.upgrade else [],
        "reverted": [] if going.upgrade else done,
        "not_done": undone and [{"revision": each, "failed": each == failed} for each in undone],
        "to_go_on": deployment.again,
        "to_go_back": _way_back(deployment, count or 0) or None,
        "left_behind": [each.stored() for each in left if each not in deployment.unfinished],
        "backup": str(saved.path) if saved else None,
        "to_restore": dict(backup(deployment)).get("to restore"),
    }


def _way_back(deployment: Deployment, count: int) -> str:
    going = deployment.plan
    if not count:
        return ""
    if not going.upgrade:
        alone = len(going.current) == 1
        return command(deployment.context, "deploy", to=going.current[0]) if alone else ""
    before = going.current[0] if going.current else "base"
    return command(deployment.context, "rollback", to=before)


def left_behind(deployment: Deployment, found: Sequence[Unfinished]) -> list[tuple[str, str]]:
    """Return what is unfinished and was not before, with what to do about it."""
    new = [_advice(deployment.name, each) for each in found if each not in deployment.unfinished]
    return [("left behind", "; ".join(new))] if new else []


def backup(deployment: Deployment) -> list[tuple[str, str]]:
    """Return where the backup is and how it is restored, if there is one."""
    saved = deployment.backup
    if saved is None:
        return []
    from migrator import backup

    restore = backup.restore_command(saved, deployment.context)
    return [("backup", str(saved.path)), ("to restore", restore)]


def _advice(name: str, found: Unfinished) -> str:
    if found.kind == "index":
        return (
            f"{found}, which every write maintains and no query uses: the next {name} builds"
            f" it anew; to give it up, DROP INDEX CONCURRENTLY {found.identifier}"
        )
    if found.kind == "partition":
        return (
            f"{found}, which queries of the table no longer see: the next {name} detaches"
            f" it; by hand, ALTER TABLE {found.identifier} FINALIZE"
        )
    return (
        f"{found}, which was not checked for the rows that were there: run the {name} again, or"
        " drop it"
    )
