"""Other people's sessions on PostgreSQL: whose transaction is old, and who blocks us."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, bindparam, text

# Every transaction holds a lock on its own number, which everybody may see; how old it is, and
# what kind of session, only the members of pg_read_all_stats. Who vacuums, everybody may see too.
TRANSACTIONS = text("""
SELECT l.pid, l.virtualtransaction AS transaction, a.application_name, a.backend_type,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float AS age,
       '' AS holds, a.query, false AS vacuums, NULL AS prepared, NULL AS awaited
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted
  AND a.datname = current_database() AND l.pid NOT IN (pg_backend_pid(), :own)
  AND (CAST(:tables AS bigint[]) IS NULL OR EXISTS (SELECT FROM pg_locks h WHERE h.pid = l.pid
       AND h.locktype = 'relation' AND h.relation::bigint = ANY (CAST(:tables AS bigint[]))))
  AND (a.backend_type = 'client backend' OR a.backend_type IS NULL
       AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = l.pid)
       AND NOT EXISTS (SELECT FROM pg_stat_progress_analyze v WHERE v.pid = l.pid))
ORDER BY a.xact_start
""")
BLOCKERS = text("""
SELECT b.pid, a.application_name, a.backend_type, a.query, awaited.relations AS awaited,
       (SELECT string_agg(quote_literal(p.gid), ', ' ORDER BY p.prepared)
        FROM pg_prepared_xacts p, pg_locks y
        WHERE b.pid = 0 AND p.database = current_database() AND y.pid = w.pid AND NOT y.granted
          AND (y.transactionid = p.transaction OR y.virtualxid = '-1/' || p.transaction
               OR EXISTS (SELECT FROM pg_locks z JOIN pg_locks x USING (virtualtransaction)
                          WHERE z.pid IS NULL AND z.relation = y.relation
                          AND x.pid IS NULL AND x.transactionid = p.transaction))) AS prepared,
       (SELECT virtualtransaction FROM pg_locks x
        WHERE x.pid = b.pid AND x.locktype = 'virtualxid' AND x.mode = 'ExclusiveLock'
        LIMIT 1) AS transaction,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float AS age,
       (SELECT string_agg(DISTINCT mode || ' on ' || relation::regclass, ', ') FROM pg_locks x
        WHERE x.pid = b.pid AND x.granted AND x.relation IN
          (SELECT relation FROM pg_locks y WHERE y.pid = w.pid AND NOT y.granted)) AS holds,
       EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = b.pid)
         OR EXISTS (SELECT FROM pg_stat_progress_analyze v WHERE v.pid = b.pid) AS vacuums
FROM pg_stat_activity w
CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS b(pid)
CROSS JOIN LATERAL (SELECT array_agg(DISTINCT y.relation::bigint) AS relations FROM pg_locks y
                    WHERE y.pid = w.pid AND NOT y.granted AND y.relation IS NOT NULL) AS awaited
LEFT JOIN pg_stat_activity a ON a.pid = b.pid
WHERE w.pid = :waiting AND w.wait_event_type = 'Lock'
""")
# Cheap. BLOCKERS takes milliseconds to plan alone, and is asked while a revision holds its locks.
WAITS = text("SELECT wait_event_type = 'Lock' FROM pg_stat_get_activity(:waiting)")
SEES_ALL = text("SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')")


@dataclass(frozen=True)
class Session:
    """A session in a transaction that began `age` seconds ago (None: this user may not see it).

    `transaction` is the same as long as the session is in the same transaction. `prepared` are the
    names of prepared transactions, which have no session, and `awaited` the relations for which
    another session waits because of it.
    """

    pid: int
    transaction: str
    application: str
    age: float | None
    holds: str
    autovacuum: bool
    query: str
    prepared: str = ""
    awaited: tuple[int, ...] = ()

    def describe(self, *, with_query: bool = False) -> str:
        """Return who it is in words; the statement may hold personal data."""
        if self.pid == 0:
            name = f" {self.prepared}" if self.prepared else ""
            return f"the prepared transaction{name} (COMMIT PREPARED or ROLLBACK PREPARED ends it)"
        if self.autovacuum:
            ends = (
                "against wraparound, not cancelled"
                if "wraparound" in self.query
                else "cancelled soon"
            )
            return f"process {self.pid} (autovacuum, {ends}{self._holding()})"
        name = self.application or "no application_name"
        if name == "pg_dump":
            name = "pg_dump, somebody's backup"
        age = f", transaction open for {self.age:.1f} s" if self.age is not None else ""
        query = f": {' '.join(self.query.split())}" if with_query and self.query else ""
        return f"process {self.pid} ({name}{age}{self._holding()}){query}"

    def _holding(self) -> str:
        return f", holds {self.holds}" if self.holds else ""


def process(connection: Connection) -> int:
    """Return the number of the server's process behind a PostgreSQL connection.

    As libpq has it: where a pooler is in between, it is not what `pg_backend_pid()` gives.
    """
    dbapi = connection.connection.dbapi_connection
    assert dbapi is not None
    number: int = dbapi.info.backend_pid
    return number


def in_transaction(
    connection: Connection, own: int, tables: Sequence[int] | None = None
) -> list[Session]:
    """Return the other sessions of this database that are in a transaction, oldest first.

    Args:
        own: the process of another connection of ours, to leave out.
        tables: only those that have a lock on one of these relations, or wait for one.
    """
    parameters = {"own": own, "tables": None if tables is None else list(tables)}
    return _sessions(connection.execute(TRANSACTIONS, parameters))


def relations(connection: Connection, names: Iterable[str]) -> tuple[int, ...]:
    """Return the numbers of relations, by their plain names, with a schema or not, if there."""
    found = text("SELECT to_regclass(:name)::oid::bigint")
    quoted = (".".join(_quoted(part) for part in name.split(".", 1)) for name in names)
    numbers = [connection.scalar(found, {"name": name}) for name in quoted]
    return tuple(number for number in numbers if number is not None)


def blocking(connection: Connection, waiting: int) -> list[Session]:
    """Return the sessions that the process `waiting` waits for; none if it does not wait."""
    parameters = {"waiting": waiting}
    if not connection.scalar(WAITS, parameters):
        return []
    return _sessions(connection.execute(BLOCKERS, parameters))


def still_there(connection: Connection, sessions: Iterable[Session]) -> bool:
    """Tell whether any of `sessions` is still in the transaction that it was in."""
    found = text(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE virtualtransaction IN :ids"
        " AND locktype = 'virtualxid')"
    ).bindparams(bindparam("ids", expanding=True))
    ids = [session.transaction for session in sessions]
    return bool(ids) and bool(connection.scalar(found, {"ids": ids}))


def sees_all(connection: Connection) -> bool:
    """Tell whether this user may see how old other users' transactions are."""
    return bool(connection.scalar(SEES_ALL))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _sessions(rows: Iterable[Row[tuple[object, ...]]]) -> list[Session]:
    return [
        Session(
            pid=row.pid,
            transaction=row.transaction or "",
            application=row.application_name or "",
            age=row.age,
            holds=row.holds or "",
            autovacuum=row.backend_type == "autovacuum worker"
            or (row.backend_type is None and bool(row.vacuums) and row.pid != 0),
            query=row.query or "",
            prepared=row.prepared or "",
            awaited=tuple(row.awaited or ()),
        )
        for row in rows
    ]
