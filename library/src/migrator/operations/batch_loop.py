"""The loop over a backfill's batches: retries where others hold rows, no faster than replicas."""

import time
from typing import Any

from sqlalchemy.exc import DBAPIError

from migrator.console import remark
from migrator.errors import MigratorError, UsageError, counted
from migrator.operations import conditions, names
from migrator.operations.batch_size import BatchSize
from migrator.operations.batches import BY_INDEX, NEXT_TRANSACTION, PASSES, Batches
from migrator.operations.replica_lag import ReplicaLag
from migrator.operations.session import Session, state_of

LOCKED = ("55P03", "40P01", "40001")  # lock not available, deadlock, serialisation
ATTEMPTS = 120
REPORT = 5.0  # seconds between two lines of progress


def fill(
    session: Session, batches: Batches, size: BatchSize, pause: float | None, lag: ReplicaLag
) -> None:
    """Fill all rows that are left, a batch of them at a time.

    Args:
        pause: seconds after each batch; None is as long as that took.

    Raises:
        UsageError: there is no key to go by.
        MigratorError: a replica stays behind, or rows are left that were there before.
        DBAPIError: also that a row stays locked.
    """
    target = batches.target
    if not batches.key:
        batches.key = [names.column(name) for name in conditions.primary_key(session, target)]
    if not batches.key:
        raise UsageError(
            f"{target} has no primary key to go by; name the columns of a unique index in"
            " op.backfill(..., key=...)."
        )
    batches.types = conditions.types(session, target, batches.key)
    done, reported = 0, time.monotonic()
    for _ in range(PASSES):
        before = session.scalar(f"SELECT ({NEXT_TRANSACTION})::text")
        changed, left = 0, 0
        last: list[str] = []
        with session.settings(**BY_INDEX):
            while rows := _next(session, batches, last, size):
                number, still, *last = rows[0]
                changed, left = changed + number, left + still
                if time.monotonic() - reported > REPORT:
                    reported = time.monotonic()
                    remark(f"backfill of {target}: {done + changed - left} rows")
                time.sleep(size.pause if pause is None else pause)
                lag.wait(session, target)
        done += changed - left
        # What stays so would only be written again. The whole table is not read by its index.
        if left or not changed or not session.rows(batches.any_left()):
            break
    if done:
        remark(f"backfill of {target}: {done} rows, done")
    left += session.scalar(batches.left(f"{names.literal(before)}::xid"))
    if left:
        raise MigratorError(
            f"The backfill of {target} has left {counted(left, 'row')}: where"
            f" {batches.where}. Their new value is NULL, the condition stays true, or a trigger or"
            " a key that is NULL keeps them from being filled. The rows that are filled stay so."
            " Give them a value, or leave them out with op.backfill(..., where=...), and run the"
            " migration again."
        )


def _next(session: Session, batches: Batches, last: list[str], size: BatchSize) -> list[Any]:
    """Run the batch after the key `last`, with retries while another session holds a row of it."""
    for attempt in range(ATTEMPTS):
        began = time.monotonic()
        try:
            found = session.rows(batches.next(last, size.rows))
        except DBAPIError as error:
            if state_of(error) not in LOCKED or attempt == ATTEMPTS - 1:
                raise
            size.was_locked_out()
            time.sleep(min(0.1 * (attempt + 1), 1))
        else:
            size.took(time.monotonic() - began)
            return found
    raise AssertionError(batches)
