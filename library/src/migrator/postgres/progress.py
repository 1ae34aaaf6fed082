"""How far the statement of another session is, as PostgreSQL says it."""

from dataclasses import dataclass
from itertools import takewhile

from sqlalchemy import Connection, text

# The views that there are in PostgreSQL 13; that of COPY came with 14.
VIEWS = {
    "pg_stat_progress_create_index": (
        "phase",
        "CASE WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END",
        "CASE WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END",
    ),
    "pg_stat_progress_cluster": ("phase", "heap_blks_scanned", "heap_blks_total"),
    "pg_stat_progress_vacuum": ("phase", "heap_blks_scanned", "heap_blks_total"),
    "pg_stat_progress_analyze": ("phase", "sample_blks_scanned", "sample_blks_total"),
}
COPY = ("'copying rows'", "bytes_processed", "bytes_total")
QUERY = """
SELECT extract(epoch FROM clock_timestamp() - a.query_start)::float AS seconds, a.query,
       nullif(a.wait_event_type || ' ' || a.wait_event, 'Client ClientRead') AS waits,
       p.phase, p.done, p.total
FROM pg_stat_activity a LEFT JOIN ({views}) p USING (pid)
WHERE a.pid = :pid AND a.state = 'active'
"""


@dataclass(frozen=True)
class Progress:
    """What a session is doing: for how many `seconds`, in which `phase` and `percent` of it.

    `phase` and `percent` are None where there is no view for such a statement, and `waits` is
    PostgreSQL's name of what it waits for, None while it computes.
    """

    query: str
    seconds: float
    phase: str | None
    percent: int | None
    waits: str | None

    def __str__(self) -> str:
        # Not further than names: constants may be personal data.
        verb = " ".join(takewhile(str.isidentifier, self.query.split()[:3])) or "A statement"
        words = [f"{verb} has been running for {self.seconds:.0f} s"]
        if self.phase:
            part = "" if self.percent is None else f", {self.percent} %"
            words.append(f"{self.phase}{part}")
        elif self.waits:
            words.append(f"waiting for {self.waits}")
        return ": ".join(words)


def of(connection: Connection, pid: int) -> Progress | None:
    """Return what the process `pid` is doing; None if it runs no statement."""
    version = connection.dialect.server_version_info or (0,)
    views = VIEWS | ({"pg_stat_progress_copy": COPY} if version >= (14,) else {})
    union = " UNION ALL ".join(
        f"SELECT pid, {phase} AS phase, {done} AS done, {total} AS total FROM {view}"
        for view, (phase, done, total) in views.items()
    )
    row = connection.execute(text(QUERY.format(views=union)), {"pid": pid}).first()
    if row is None:
        return None
    percent = min(100 * row.done // row.total, 100) if row.total else None
    return Progress(row.query, row.seconds, row.phase, percent, row.waits)
