"""The loop over a backfill's batches: retries where others hold rows, no faster than replicas."""

import time
from typing import Any

from sqlalchemy.exc import DBAPIError

from migrator.console import note
from migrator.errors import UsageError
from migrator.operations import conditions, names
from migrator.operations.batches import PASSES, Batches
from migrator.operations.replica_lag import ReplicaLag
from migrator.operations.session import Session, state_of

LOCKED = ("55P03", "40P01", "40001")  # lock not available, deadlock, serialisation
ATTEMPTS = 120
REPORT = 5.0  # seconds between two lines of progress


def fill(session: Session, batches: Batches, size: int, pause: float, lag: ReplicaLag) -> None:
    """Fill all rows that are left, `size` of them at a time.

    Args:
        pause: seconds after each batch.

    Raises:
        UsageError: there is no key to go by.
        MigratorError: a replica stays behind.
        DBAPIError: also that a row stays locked.
    """
    if not batches.key:
        found = conditions.primary_key(session, batches.target)
        batches.key = [names.column(name) for name in found]
    if not batches.key:
        raise UsageError(
            f"{batches.target} has no primary key to go by; name the columns of a unique index in"
            " op.backfill(..., key=...)."
        )
    done, reported = 0, time.monotonic()
    for _ in range(PASSES):
        changed, last = 0, None
        while True:
            rows = _run(session, batches, batches.next(last, size))
            if not rows:
                break
            number, *last = rows[0]
            changed += number
            if time.monotonic() - reported > REPORT:
                reported = time.monotonic()
                note(f"backfill of {batches.target}: {done + changed} rows")
            time.sleep(pause)
            lag.wait(session, batches.target)
        done += changed
        if not changed:
            break
    if done:
        note(f"backfill of {batches.target}: {done} rows, done")


def _run(session: Session, batches: Batches, statement: str) -> list[Any]:
    """Run one batch, with retries while another session holds one of its rows."""
    for attempt in range(ATTEMPTS):
        try:
            return session.rows(statement)
        except DBAPIError as error:
            if state_of(error) not in LOCKED or attempt == ATTEMPTS - 1:
                raise
            time.sleep(min(0.1 * (attempt + 1), 1))
    raise AssertionError(batches)
