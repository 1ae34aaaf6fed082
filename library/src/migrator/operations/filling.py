"""Run a backfill's batches: patient where others hold rows, no faster than replicas follow."""

import time
from typing import Any

from sqlalchemy.exc import DBAPIError

from migrator.console import note
from migrator.errors import UsageError
from migrator.operations import catalog
from migrator.operations.batches import PASSES, Batches
from migrator.operations.replicas import Patience
from migrator.operations.running import Session, state_of

LOCKED = ("55P03", "40P01", "40001")  # lock not available, deadlock, serialisation
TRIES = 120
REPORT = 5.0  # seconds between two lines of progress


def fill(session: Session, batches: Batches, size: int, pause: float, patience: Patience) -> None:
    """Fill all rows that are left, `size` of them at a time.

    Args:
        pause: seconds after each batch.

    Raises:
        UsageError: there is no key to go by.
        MigratorError: a replica stays behind.
        DBAPIError: also that a row stays locked.
    """
    if not batches.key:
        found = catalog.primary_key(session, batches.target)
        batches.key = [catalog.column(name) for name in found]
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
            patience.wait(session, batches.target)
        done += changed
        if not changed:
            break
    if done:
        note(f"backfill of {batches.target}: {done} rows, done")


def _run(session: Session, batches: Batches, statement: str) -> list[Any]:
    """Run one batch, again and again while somebody else holds one of its rows."""
    for attempt in range(TRIES):
        try:
            return session.rows(statement)
        except DBAPIError as error:
            if state_of(error) not in LOCKED or attempt == TRIES - 1:
                raise
            time.sleep(min(0.1 * (attempt + 1), 1))
    raise AssertionError(batches)
