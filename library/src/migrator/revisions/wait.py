"""Wait for a database: until it is at the revision that this code expects."""

import time

from migrator import database
from migrator.config.context import Context
from migrator.errors import (
    MigratorError,
    PendingError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from migrator.revisions import expectation, pending
from migrator.revisions.pending import Plan

PAUSE = 1.0  # seconds between two attempts


def until_expected(context: Context, timeout: float) -> str:
    """Return where the database is, once it is where this code expects it; see `until`."""
    return expectation.expected(until(context, timeout))


def until(context: Context, timeout: float) -> Plan:
    """Return what is pending, once the database is where this code expects it.

    Args:
        timeout: seconds.

    Raises:
        PendingError: it is not there when the time is up.
        UnreachableError: it never will be reached: a wrong password, an unknown name.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            with database.connect(context, only_looks=True) as connection:
                found = pending.make(context, connection)
            expectation.expected(found)
            return found
        except (UsageError, RefusedError):
            raise
        except MigratorError as error:
            if isinstance(error, UnreachableError) and error.permanent:
                raise
            if time.monotonic() >= deadline:
                late = PendingError(f"{error} Waited {timeout:g} s.")
                late.details, late.data = error.details, error.data
                raise late from None
        time.sleep(PAUSE)
