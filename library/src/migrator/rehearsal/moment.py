"""What a session's transaction has locked, read and written up to now, as its server has it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from migrator.trace.transaction_state import query

if TYPE_CHECKING:  # psycopg does not come with SQLite
    from psycopg.pq.abc import PGconn

RELATION = """
json_build_array(c.oid::bigint, c.oid::regclass::text, c.relkind,
    coalesce(pg_relation_filenode(c.oid), 0)::bigint,
    CASE WHEN c.relkind = 'i' THEN pg_relation_size(c.oid) ELSE pg_table_size(c.oid) END,
    greatest(c.reltuples, 0)::bigint)
"""
# TOAST counts as a part of its table.
TABLES_AND_INDEXES = (
    "c.relkind IN ('r', 'p', 'm', 'i') AND c.relnamespace <> 'pg_toast'::regnamespace"
)
# What a transaction changes it has locked: nothing else has to be looked at.
MOMENT = f"""
WITH own AS (
  SELECT relation, json_agg(mode) AS modes FROM pg_locks
  WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted AND relation >= 16384
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  GROUP BY relation)
SELECT json_build_object(
  'wal', (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint,
  'locks', (SELECT coalesce(json_agg(json_build_array(relation::bigint, modes)), '[]') FROM own),
  'relations', (SELECT coalesce(json_agg({RELATION}), '[]')
    FROM own JOIN pg_class c ON c.oid = own.relation WHERE {TABLES_AND_INDEXES}),
  'counters', (SELECT coalesce(json_agg(json_build_array(relid::bigint, seq_scan,
      seq_tup_read + coalesce(idx_tup_fetch, 0), n_tup_ins + n_tup_upd + n_tup_del)), '[]')
    FROM pg_stat_xact_user_tables
    WHERE seq_scan + n_tup_ins + n_tup_upd + n_tup_del + coalesce(idx_tup_fetch, 0) > 0))
"""
EVERYTHING = f"""
SELECT coalesce(json_agg({RELATION}), '[]') FROM pg_class c
WHERE c.oid >= 16384 AND {TABLES_AND_INDEXES}
"""


@dataclass(frozen=True)
class Relation:
    """A table or an index, the file that it is in, its size in bytes and about its rows."""

    name: str
    kind: str
    file: int
    size: int
    rows: int


@dataclass(frozen=True)
class Moment:
    """`locks` are modes by relation; `counters` are scans, rows read and rows changed."""

    wal: int = 0
    locks: dict[int, frozenset[str]] = field(default_factory=dict)
    relations: dict[int, Relation] = field(default_factory=dict)
    counters: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    def grown(self, since: "Moment", counter: int) -> dict[int, int]:
        """Return by how much a counter has grown, for the tables where it has."""
        found = {
            oid: now[counter] - since.counters.get(oid, (0, 0, 0))[counter]
            for oid, now in self.counters.items()
        }
        return {oid: count for oid, count in found.items() if count > 0}


def look(session: "PGconn") -> Moment:
    """Look at a session, in the transaction that it is in.

    Raises:
        MigratorError: the server does not answer.
    """
    found = query(session, MOMENT)
    return Moment(
        found["wal"],
        {oid: frozenset(modes) for oid, modes in found["locks"]},
        {oid: Relation(*rest) for oid, *rest in found["relations"]},
        {oid: (scans, read, changed) for oid, scans, read, changed in found["counters"]},
    )


def relations(session: "PGconn") -> dict[int, Relation]:
    """Return every table and index that is there.

    Raises:
        MigratorError: the server does not answer.
    """
    return {oid: Relation(*rest) for oid, *rest in query(session, EVERYTHING)}
