"""Looks from another session at what no session can tell of itself while a statement runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
from sqlalchemy.engine import URL

from migrator.errors import MigratorError
from migrator.rehearsal.stage import Totals
from migrator.trace.transaction_state import query

INTERVAL = 0.1  # seconds between two looks
FIRST = 0.005  # after a statement has begun: it may be a short one
LOOK = """
SELECT json_build_object(
  'locks', (SELECT coalesce(json_agg(json_build_array(relation::bigint, mode)), '[]') FROM pg_locks
    WHERE pid = {pid} AND locktype = 'relation' AND granted AND relation >= 16384
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
  'temporary', {temporary},
  'size', pg_database_size(current_database()))
"""
TEMPORARY = "(SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_tmpdir())"
MAY_SEE = "SELECT to_json(has_function_privilege('pg_ls_tmpdir()', 'EXECUTE'))"
TOTALS = """
SELECT json_build_object(
  'wal', (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint,
  'size', pg_database_size(current_database()),
  'temporary', (SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()))
"""


@dataclass
class Seen:
    """What was seen of one statement: its locks, and the most bytes of temporary files."""

    locks: set[tuple[int, str]] = field(default_factory=set)
    temporary: int = 0


class Sampler:
    """A thread with a connection of its own to the database at `url`.

    `peak` is the most bytes that the database and its temporary files took, since it was set.
    """

    def __init__(self, url: URL) -> None:
        own = url.set(drivername="postgresql").render_as_string(hide_password=False)
        # Two connections: one for the thread, the other for who asks.
        self._looking, self._asked = (psycopg.connect(own, autocommit=True) for _ in range(2))
        may_see = query(self._asked.pgconn, MAY_SEE)
        self._look = LOOK.replace("{temporary}", TEMPORARY if may_see else "0")
        self.peak = 0
        self._pid, self._seen = 0, Seen()
        self._wake, self._end = threading.Event(), False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, and close its connections."""
        self._end = True
        self._wake.set()
        self._thread.join()
        self._looking.close()
        self._asked.close()

    def totals(self) -> Totals:
        """Return the counters of the server."""
        return Totals(**query(self._asked.pgconn, TOTALS))

    @contextmanager
    def watching(self, pid: int) -> Iterator[Seen]:
        """Look at a session while the block runs; what is yielded grows meanwhile."""
        self._seen, self._pid = Seen(), pid
        self._wake.set()
        try:
            yield self._seen
        finally:
            self._pid = 0

    def _run(self) -> None:
        pause = INTERVAL
        while not self._end:
            if self._wake.wait(pause):
                self._wake.clear()
                pause = FIRST
            else:
                pause = min(pause * 2, INTERVAL)
            pid, seen = self._pid, self._seen
            with suppress(MigratorError):
                found = query(self._looking.pgconn, self._look.format(pid=pid))
                self.peak = max(self.peak, found["size"] + found["temporary"])
                if pid:
                    seen.locks |= {(oid, mode) for oid, mode in found["locks"]}
                    seen.temporary = max(seen.temporary, found["temporary"])
