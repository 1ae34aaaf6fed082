"""The migration log: which deploy applied what, when, how long it took, and who it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from migrator.postgres.unfinished import Unfinished
from migrator.revisions import log_origin, log_table
from migrator.revisions.log_table import LATER, TABLE

FAILED = "failed "  # before the direction of a deploy that failed


@dataclass(frozen=True)
class Entry:
    """What one line says of a revision: `seconds` is how long it ran, without its commit.

    `waited` are the seconds it spent on waiting for locks before that.
    """

    revision: str
    down_revisions: tuple[str, ...]
    upgrade: bool
    seconds: float
    attempts: int
    waited: float

    def values(self) -> dict[str, Any]:
        """Return the values of the line's own columns."""
        return {
            "revision": self.revision,
            "down_revision": ", ".join(self.down_revisions),
            "direction": "upgrade" if self.upgrade else "downgrade",
            "started_at": datetime.now(UTC) - timedelta(seconds=self.seconds),
            "seconds": round(self.seconds, 3),
            "attempts": self.attempts,
            "waited": round(self.waited, 3),
        }


class Log:
    """Writes a line for each revision, in the transaction of that revision.

    Args:
        accepted_risk: the reason given with --accept-risk.
        unfinished: what was unfinished in the database before it.
    """

    def __init__(self, accepted_risk: str | None, unfinished: Sequence[Unfinished]) -> None:
        self.constant: dict[str, Any] = {
            **log_origin.origin(),
            "accepted_risk": accepted_risk,
            "unfinished_before": [each.stored() for each in unfinished],
        }

    def write(self, connection: Connection, entry: Entry, *, complete: bool = False) -> None:
        """Write one line; the transaction is the caller's.

        Args:
            complete: the table is known to be there, with all its columns.
        """
        if not complete:
            log_table.complete(connection)  # each time: it may have been rolled back
        values = entry.values()
        if connection.dialect.name == "postgresql":
            values["wal_position"] = sa.cast(sa.func.pg_current_wal_lsn(), sa.Text)
        connection.execute(TABLE.insert().values(self.constant | values))


def ancestors(connection: Connection, revision: str) -> list[str]:
    """Return the revisions that deploys applied before `revision`, nearest first.

    Empty where no deploy has logged it.
    """
    if not log_table.exists(connection):
        return []
    rows = connection.execute(
        sa.select(TABLE.c.revision, TABLE.c.down_revision)
        .where(TABLE.c.direction == "upgrade")
        .order_by(TABLE.c.id)
    )
    before = {row.revision: row.down_revision.split(", ") for row in rows}
    found: list[str] = []
    waiting = before.get(revision, [])
    while new := [name for name in dict.fromkeys(waiting) if name and name not in found]:
        found += new
        waiting = [older for name in new for older in before.get(name, [])]
    return found


def lines(connection: Connection, limit: int) -> list[sa.Row[Any]]:
    """Return the newest `limit` lines, newest first; none where there is no log.

    `failure` is None but for deploys that failed: see `log_failures`.
    """
    if not log_table.exists(connection):
        return []
    columns: list[Any] = [column for column in TABLE.c if column.name not in LATER]
    failure = (
        TABLE.c.failure if log_table.has(connection, "failure") else sa.null().label("failure")
    )
    columns.append(failure)
    return list(connection.execute(sa.select(*columns).order_by(TABLE.c.id.desc()).limit(limit)))


def as_dict(line: sa.Row[Any]) -> dict[str, Any]:
    """Return a line for JSON."""
    direction = line.direction.removeprefix(FAILED)
    return {
        "started_at": line.started_at.isoformat(),
        "revision": line.revision or None,
        "down_revisions": [name for name in line.down_revision.split(", ") if name],
        "direction": direction,
        "seconds": line.seconds,
        "attempts": line.attempts,
        "waited": line.waited,
        "who": line.who,
        "host": line.host,
        "code_commit": line.code_commit or None,
        "tool_version": line.tool_version,
        "wal_position": line.wal_position,
        "accepted_risk": line.accepted_risk,
        "failure": line.failure,
    }
