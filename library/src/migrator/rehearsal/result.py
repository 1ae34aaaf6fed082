"""What a rehearsal found: a value, and what of it is kept as JSON."""

from dataclasses import asdict, dataclass, field
from typing import Any

from migrator.postgres import lock_modes
from migrator.rehearsal.disk import Disk
from migrator.rehearsal.statement import Lock, Statement

VERSION = 1


@dataclass
class Downgrade:
    """The way back of a revision: its seconds and its statements; `error` if there is none."""

    seconds: float = 0.0
    statements: list[Statement] = field(default_factory=list)
    error: str = ""


@dataclass
class Revision:
    """What one revision cost. `wal`, `temporary` and `disk`, the most at one time, are bytes."""

    revision: str
    message: str
    phase: str
    transactional: bool
    digest: str
    applied: bool = False
    seconds: float = 0.0
    attempts: int = 0
    waited: float = 0.0
    wal: int = 0
    temporary: int = 0
    disk: int = 0
    statements: list[Statement] = field(default_factory=list)
    downgrade: Downgrade | None = None

    @property
    def longest(self) -> Lock | None:
        """The strongest lock that it took; of several, the one that was held longest."""
        found = [each.strongest for each in self.statements]
        locks = [lock for lock in found if lock]
        return max(locks, key=lambda each: (lock_modes.rank(each.mode), each.seconds), default=None)

    @property
    def rewritten(self) -> int:
        """The bytes of the tables and indexes that it wrote anew."""
        amounts = [each for step in self.statements for each in step.amounts]
        return sum(each.size for each in amounts if each.how != "scanned")

    @property
    def scanned(self) -> int:
        """The bytes of the tables that it read from end to end."""
        amounts = [each for step in self.statements for each in step.amounts]
        return sum(each.size for each in amounts if each.how == "scanned")


@dataclass
class Schema:
    """The schema afterwards, compared with the one that the revisions build.

    `not_compared` says why there is no comparison; `restored` whether the downgrade has brought
    back the schema from before, as far as it was tried.
    """

    differences: list[dict[str, Any]] = field(default_factory=list)
    not_compared: str | None = None
    left_by_downgrade: list[dict[str, Any]] | None = None


@dataclass
class Result:
    """Everything. `source` and `server` are described by name.

    `values` are rows for each of the violations, if they were asked for: they are not kept.
    """

    source: dict[str, Any]
    server: dict[str, Any]
    disk: Disk
    started_at: str = ""
    seconds: float = 0.0
    restored_seconds: float = 0.0
    restored_bytes: int = 0
    at: str = ""
    revisions: list[Revision] = field(default_factory=list)
    schema: Schema = field(default_factory=Schema)
    violations: list[dict[str, Any]] = field(default_factory=list)
    values: list[list[dict[str, Any]]] | None = None
    load: dict[str, Any] | None = None
    failure: str = ""
    details: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def as_dict(self, *, values: bool) -> dict[str, Any]:
        """Return it for JSON, as far as that knows the types of values.

        Args:
            values: with those of rows.
        """
        return {
            "version": VERSION,
            "started_at": self.started_at,
            "succeeded": not self.failure,
            "failure": self.failure or None,
            "details": self.details,
            "seconds": round(self.seconds, 3),
            "source": self.source,
            "server": self.server,
            "disk": {"needed_bytes": self.disk.needed, "free_bytes": self.disk.free},
            "restored": {
                "seconds": round(self.restored_seconds, 3),
                "bytes": self.restored_bytes,
                "at": self.at,
            },
            "total": self._total(),
            "revisions": [_revision(each) for each in self.revisions],
            "violations": self.violations,
            "values": self.values if values else None,
            "schema": asdict(self.schema),
            "load": self.load,
            "notes": self.notes,
        }

    def _total(self) -> dict[str, Any]:
        every = self.revisions
        return {
            "seconds": round(sum(each.seconds for each in every), 3),
            "wal_bytes": sum(each.wal for each in every),
            "temporary_bytes": sum(each.temporary for each in every),
            "disk_bytes": max((each.disk for each in every), default=0),
            "rewritten_bytes": sum(each.rewritten for each in every),
            "scanned_bytes": sum(each.scanned for each in every),
            "strongest_lock": _lock(strongest(every)),
        }


def strongest(revisions: list[Revision]) -> Lock | None:
    """Return the strongest lock of all; of several, the one that was held longest."""
    locks = [lock for each in revisions if (lock := each.longest)]
    return max(locks, key=lambda each: (lock_modes.rank(each.mode), each.seconds), default=None)


def _revision(each: Revision) -> dict[str, Any]:
    back = each.downgrade
    return {
        "revision": each.revision,
        "message": each.message,
        "phase": each.phase,
        "transactional": each.transactional,
        "sha256": each.digest,
        "applied": each.applied,
        "seconds": round(each.seconds, 3),
        "attempts": each.attempts,
        "waited_seconds": round(each.waited, 3),
        "wal_bytes": each.wal,
        "temporary_bytes": each.temporary,
        "disk_bytes": each.disk,
        "rewritten_bytes": each.rewritten,
        "scanned_bytes": each.scanned,
        "strongest_lock": _lock(each.longest),
        "statements": [_statement(step) for step in each.statements],
        "downgrade": back
        and {
            "seconds": round(back.seconds, 3),
            "error": back.error or None,
            "statements": [_statement(step) for step in back.statements],
        },
    }


def _statement(each: Statement) -> dict[str, Any]:
    return {
        "line": each.line,
        "statement": each.sql,
        "transactional": each.transactional,
        "count": each.count,
        "seconds": round(each.seconds, 6),
        "strongest_lock": _lock(each.strongest),
        "locks": [_lock(lock) for lock in each.locks],
        "tables": [
            {"name": a.relation, "how": a.how, "rows": a.rows, "bytes": a.size}
            for a in each.amounts
        ],
        "changed_rows": each.changed,
        "wal_bytes": each.wal,
        "temporary_bytes": each.temporary,
        "error": each.error or None,
    }


def _lock(lock: Lock | None) -> dict[str, Any] | None:
    if lock is None:
        return None
    return {
        "mode": lock_modes.shown(lock.mode),
        "table": lock.table,
        "seconds": round(lock.seconds, 6),
    }
