"""The deploys that failed, as lines of the migration log.

Such a line says which revision it came to, and `direction` is "failed upgrade" or "failed
downgrade", so that nobody takes the revision for applied. The rest is in the column `failure`.
"""

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from migrator.revisions import log_origin, log_table, verified
from migrator.revisions.log import FAILED, Entry
from migrator.revisions.log_table import TABLE

AS_STORED = (
    *("started_at", "seconds", "who", "host", "code_commit"),
    *("revision", "attempts", "waited"),
)
OF_CAUSE = {"step", "reason", "exit_code", "pending", "backup", "state"}
KEPT = 100  # the newest; a deploy that is retried for days would fill the log
VERIFIED = "failed"  # such a line applies nothing, so there is nothing to verify


@dataclass(frozen=True)
class Cause:
    """Why it failed: the `step` of the deploy, the `reason` without secrets or rows.

    `exit_code` is that of the command, and `pending` are the revisions that it was to run. `backup`
    is the file that it made, and `state` the fingerprint of the schema then; they are empty if it
    made none, or has committed something that the next backup would not contain.
    """

    step: str
    reason: str
    exit_code: int
    pending: tuple[str, ...] = ()
    backup: str = ""
    state: str = ""


@dataclass(frozen=True)
class Failure:
    """One deploy or rollback that failed.

    `revision` is the one that failed, or the first that was pending when it ended before any was
    tried; empty if it was not yet known. `seconds` is how long the whole deploy took. `resolved`
    is whether a revision was applied or reverted since.
    """

    started_at: datetime
    seconds: float
    who: str
    host: str
    code_commit: str
    revision: str
    direction: str
    attempts: int
    waited: float
    cause: Cause
    resolved: bool


def as_dict(failure: Failure) -> dict[str, Any]:
    """Return a failure for JSON."""
    found: dict[str, Any] = asdict(failure)
    cause: dict[str, Any] = found.pop("cause")
    return {
        **found,
        **cause,
        "started_at": failure.started_at.isoformat(),
        "revision": failure.revision or None,
        "code_commit": failure.code_commit or None,
        "pending": [*failure.cause.pending],
    }


def last(connection: Connection, limit: int = 5) -> list[Failure]:
    """Return the newest `limit` deploys that failed, newest first; none where there is no log."""
    if not log_table.exists(connection) or not log_table.has(connection, "failure"):
        return []
    done = sa.select(sa.func.max(TABLE.c.id)).where(TABLE.c.failure.is_(None)).scalar_subquery()
    query = (
        sa.select(TABLE, (TABLE.c.id < sa.func.coalesce(done, 0)).label("resolved"))
        .where(TABLE.c.failure.is_not(None))
        .order_by(TABLE.c.id.desc())
        .limit(limit)
    )
    return [_of(row) for row in connection.execute(query)]


def write(connection: Connection, entry: Entry, cause: Cause, *, alone: bool) -> bool:
    """Write a line, and commit it; the oldest that are more than `KEPT` are removed.

    Args:
        alone: this process has the deploy lock, so it may create the table or add a column. Another
            deploy that does the same at this moment would fail.

    Returns:
        False if there is no complete log, and it was not alone; nothing is written then.
    """
    how = verified.NEVER if verified.never_verified(connection) else VERIFIED
    if alone:
        log_table.complete(connection)
    elif not log_table.has(connection, "failure"):
        connection.rollback()
        return False
    values = entry.values()
    values |= log_origin.origin() | {
        "direction": f"{FAILED}{values['direction']}",
        "verified": how,
        "failure": asdict(cause),
    }
    connection.execute(TABLE.insert().values(values))
    connection.commit()
    with suppress(DBAPIError):  # for want of the right; the line is there
        newest = sa.select(TABLE.c.id).where(TABLE.c.failure.is_not(None))
        kept = newest.order_by(TABLE.c.id.desc()).limit(KEPT)
        old = TABLE.c.failure.is_not(None) & TABLE.c.id.not_in(kept)
        connection.execute(TABLE.delete().where(old))
        connection.commit()
    return True


def _of(row: sa.Row[Any]) -> Failure:
    cause = {name: row.failure[name] for name in row.failure.keys() & OF_CAUSE}
    return Failure(
        **{name: getattr(row, name) for name in AS_STORED},
        direction=row.direction.removeprefix(FAILED),
        cause=Cause(**cause | {"pending": tuple(cause["pending"])}),
        resolved=bool(row.resolved),
    )
