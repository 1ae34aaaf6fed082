"""Indexes that are INVALID or still being built, whoever builds them.

A CREATE INDEX CONCURRENTLY that was cut off leaves an INVALID index behind; one that still runs,
perhaps for a client that is gone, has to be waited for. Operations and plain SQL both ask here.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from migrator.console import remark
from migrator.errors import LockTimeout

# Everyone may see who builds some index and who holds which lock; which index it is, only the
# builder's own role and the members of pg_read_all_stats. A build holds this lock on the table from
# its beginning to its end, and only one session can, so nothing can be done before it ends anyway.
# What REINDEX CONCURRENTLY builds has another name, but it holds the lock on the old index too.
STATE = """
SELECT i.indisvalid, i.indrelid = t.oid, i.indisunique,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (n, place)
             LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n
             WHERE k.place <= i.indnkeyatts ORDER BY k.place),
       pg_get_indexdef(i.indexrelid), b.pid, b.application_name
FROM pg_catalog.pg_class t
JOIN pg_catalog.pg_class c ON c.relnamespace = t.relnamespace AND c.relname = %s::name
JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
LEFT JOIN LATERAL (
    SELECT l.pid, a.application_name FROM pg_catalog.pg_locks l
    JOIN pg_catalog.pg_stat_progress_create_index p ON p.pid = l.pid
    LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
    WHERE l.relation = i.indrelid AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted
      AND l.pid <> pg_backend_pid() AND l.database =
          (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
      AND (p.index_relid = i.indexrelid OR p.index_relid IS NULL
           OR EXISTS (SELECT FROM pg_catalog.pg_locks o WHERE o.pid = l.pid
                      AND o.relation = i.indexrelid AND o.mode = l.mode AND o.granted))
    LIMIT 1
) b ON NOT i.indisvalid
WHERE t.oid = to_regclass(%s)
"""
INTERVAL = 0.2  # seconds between two looks

# Runs a query with parameters and returns its rows.
Ask = Callable[[str, Sequence[str]], Sequence[Sequence[Any]]]


@dataclass(frozen=True)
class IndexState:
    """An index that is there.

    Args:
        columns: its key, None for an expression.
        definition: the CREATE INDEX of it.
        builder: the session that is building it, in words; empty if nobody is.
    """

    valid: bool
    same_table: bool
    unique: bool
    columns: tuple[str | None, ...]
    definition: str
    builder: str


def look(ask: Ask, table: str, name: str) -> IndexState | None:
    """Look for an index by name, in the schema of its table, where it would be.

    Args:
        table: as SQL writes it.
        name: as the catalog has it; one that is too long counts as PostgreSQL cuts it.
    """
    rows = ask(STATE, (name, table))
    if not rows:
        return None
    valid, same_table, unique, columns, definition, pid, application = rows[0]
    builder = f"process {pid} ({application or 'no application_name'})" if pid else ""
    return IndexState(valid, same_table, unique, tuple(columns), definition, builder)


def settled(ask: Ask, table: str, name: str, deadline: float) -> IndexState | None:
    """Return the state of an index when nobody is building it any more.

    Args:
        deadline: seconds that it may take; 0 is no limit.

    Raises:
        LockTimeout: somebody is still building it.
    """
    began, told = time.monotonic(), False
    while (state := look(ask, table, name)) and state.builder:
        if 0 < deadline <= time.monotonic() - began:
            raise LockTimeout(
                f"gave up after {deadline:g} s: the index {name} is still being built by"
                f" {state.builder}."
            )
        if not told:  # perhaps for a deploy that was killed, which its server has not noticed yet
            remark(f"{name} is being built by {state.builder}: waiting for it to end.")
            told = True
        time.sleep(INTERVAL)
    return state
