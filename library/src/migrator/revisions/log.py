"""The migration log: which deploy applied what, when, how long it took, and who it was."""

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from migrator import __version__
from migrator.errors import RefusedError
from migrator.postgres.unfinished import Unfinished

TABLE = sa.Table(
    "migration_log",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("revision", sa.Text(), nullable=False),
    sa.Column("down_revision", sa.Text(), nullable=False),
    sa.Column("direction", sa.Text(), nullable=False),
    sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("seconds", sa.Float(), nullable=False),
    sa.Column("attempts", sa.Integer(), nullable=False),
    sa.Column("waited", sa.Float(), nullable=False),
    sa.Column("who", sa.Text(), nullable=False),
    sa.Column("host", sa.Text(), nullable=False),
    sa.Column("code_commit", sa.Text(), nullable=False),
    sa.Column("tool_version", sa.Text(), nullable=False),
    sa.Column("wal_position", sa.Text()),
    sa.Column("accepted_risk", sa.Text()),
    sa.Column("unfinished_before", sa.JSON(none_as_null=True)),
    sa.Column("verified", sa.Text()),
    sa.Column("failure", sa.JSON(none_as_null=True)),
)
ADDED = {"accepted_risk", "wal_position"}  # in the first version, and of no use to tell ours
LATER = ("unfinished_before", "verified", "failure")  # which tables of older versions do not have
HAS = {
    "postgresql": "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('migration_log')"
    " AND attname = :name AND NOT attisdropped",
    "sqlite": "SELECT 1 FROM pragma_table_info('migration_log') WHERE name = :name",
}
FAILED = "failed "  # before the direction of a deploy that failed
# In the column `verified`: a deploy failed before anybody had verified the database.
NEVER = "never"
COMMIT_VARIABLES = ("GIT_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA")
WHO_VARIABLES = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN")


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
            **origin(),
            "accepted_risk": accepted_risk,
            "unfinished_before": [each.stored() for each in unfinished],
        }

    def write(self, connection: Connection, entry: Entry) -> None:
        """Write one line; the transaction is the caller's."""
        complete(connection)  # each time: it may have been rolled back
        values = entry.values()
        if connection.dialect.name == "postgresql":
            values["wal_position"] = sa.cast(sa.func.pg_current_wal_lsn(), sa.Text)
        connection.execute(TABLE.insert().values(self.constant | values))


def origin() -> dict[str, str]:
    """Return who runs this, where, and with which code, as a line has it."""
    return {
        "who": _first(WHO_VARIABLES) or _user(),
        "host": socket.gethostname(),
        "code_commit": _first(COMMIT_VARIABLES) or _commit(),
        "tool_version": __version__,
    }


def unverified(connection: Connection) -> list[Unfinished] | None:
    """Return what was unfinished before the oldest line that nobody has verified yet.

    Lines that an older version wrote count as verified. Ends the transaction that reads.

    Returns:
        None if there is no such line.
    """
    found = None
    if has(connection, "verified") and exists(connection):
        query = sa.select(TABLE.c.unfinished_before).where(TABLE.c.verified.is_(None))
        found = connection.execute(query.order_by(TABLE.c.id).limit(1)).first()
    connection.rollback()
    return None if found is None else [Unfinished.of(each) for each in found[0] or ()]


def exists(connection: Connection) -> bool:
    """Tell whether there is a migration log; what only has its name is none."""
    return _kind(connection) == "log"


def never_verified(connection: Connection) -> bool:
    """Tell whether no deploy has ever verified the database: it is new, or another tool's."""
    if not exists(connection):
        return True
    marked = sa.select(TABLE.c.id).where(TABLE.c.verified == NEVER).limit(1)
    return has(connection, "failure") and connection.execute(marked).first() is not None


def is_other(connection: Connection) -> str:
    """Return what kind of relation has the name of the log without being it; usually none.

    Ends the transaction that reads.
    """
    found = _kind(connection)
    connection.rollback()
    return "" if found == "log" else found


def refuse_other(connection: Connection) -> None:
    """Refuse a database in which something else has the name of the migration log.

    Raises:
        RefusedError: there is one.
    """
    if found := is_other(connection):
        raise RefusedError(
            f"There is a {found} {TABLE.name} in the database that is not the migration log of this"
            " tool. Nothing was changed. Rename it, or deploy with --no-log, which keeps no log."
        )


def _kind(connection: Connection) -> str:
    """Return "log", another kind of relation that has its name, or nothing."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(TABLE.name):
        other = connection.dialect.name == "postgresql" and connection.scalar(
            sa.select(sa.func.to_regclass(TABLE.name))
        )
        return "relation" if other else ""
    if TABLE.name in inspector.get_view_names():
        return "view"
    if TABLE.name not in inspector.get_table_names():
        return "relation"
    there = {column["name"] for column in inspector.get_columns(TABLE.name)}
    first = {column.name for column in TABLE.c} - set(LATER) - ADDED
    return "log" if first <= there else "table"


def settle(connection: Connection, how: str) -> None:
    """Write down how the lines so far came to count as verified, and commit that.

    The table alone says that a database was verified which another tool had brought there.
    """
    complete(connection)
    open_lines = TABLE.c.verified.is_(None) | (TABLE.c.verified == NEVER)
    connection.execute(TABLE.update().where(open_lines).values(verified=how))
    connection.commit()


def ancestors(connection: Connection, revision: str) -> list[str]:
    """Return the revisions that deploys applied before `revision`, nearest first.

    Empty where no deploy has logged it.
    """
    if not exists(connection):
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

    `failure` is None but for deploys that failed: see `failures`.
    """
    if not exists(connection):
        return []
    columns: list[Any] = [column for column in TABLE.c if column.name not in LATER]
    failure = TABLE.c.failure if has(connection, "failure") else sa.null().label("failure")
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


def has(connection: Connection, column: str) -> bool:
    """Tell whether there is a table of that name with this column."""
    query = sa.text(HAS[connection.dialect.name])
    return connection.execute(query, {"name": column}).first() is not None


def complete(connection: Connection) -> None:
    """Make the table, or give that of an older version what it lacks."""
    if has(connection, LATER[-1]):
        return
    if not sa.inspect(connection).has_table(TABLE.name):
        TABLE.create(connection)
        return
    missing = [name for name in LATER if not has(connection, name)]
    for name in missing:
        kind = TABLE.c[name].type.compile(connection.dialect)
        connection.execute(sa.text(f"ALTER TABLE {TABLE.name} ADD COLUMN {name} {kind}"))
    if "verified" in missing:
        connection.execute(TABLE.update().values(verified="by an older version"))


def _first(names: Sequence[str]) -> str:
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        return f"uid {os.getuid()}"


def _commit() -> str:
    git = shutil.which("git")
    if not git:
        return ""
    found = subprocess.run(
        [git, "rev-parse", "HEAD"],
        capture_output=True,
        encoding="ascii",
        errors="replace",
        check=False,
    )
    return found.stdout.strip()
