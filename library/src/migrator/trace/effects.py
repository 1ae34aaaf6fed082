"""What a statement has done: the difference of the states before and after it."""

from migrator.postgres import lock_modes
from migrator.trace import names, schemas, transaction_state
from migrator.trace.traced_statement import Known, Step
from migrator.trace.transaction_state import State


def note(step: Step, before: State, after: State, known: Known) -> None:
    """Write down in `step` what it has done.

    Args:
        before: the session before the statement.
        after: the session after it. In another transaction, `step` is no longer watched, and only
            what the catalog says of it is known.
        known: what was there before the revision.
    """
    then, now = before.schemas, after.schemas
    step.rewritten = frozenset(schemas.rewritten(then, now))
    locked = {oid for oid, _ in before.locks | after.locks}
    used = locked | after.counters.keys() | step.rewritten
    step.names = schemas.names((then, now), used)
    step.lost = names.lost(known.names, now.used)
    if after.transaction != before.transaction and step.watched:  # it has ended its own
        step.watched, step.committed = False, True
    if not step.watched:
        return
    gained = after.locks - before.locks
    # Locks on indexes come with those on their tables.
    step.locks = frozenset(lock for lock in gained if lock[0] in step.names)
    step.held = frozenset(transaction_state.locked_tables(before, lock_modes.STOPS_WRITES))
    scanned = transaction_state.grown(before, after, 0).keys()
    step.scanned = frozenset(scanned | schemas.validated(then, now))
    step.inserted = transaction_state.grown(before, after, 1)
    step.rows = transaction_state.grown(before, after, 2)
    step.read = transaction_state.grown(before, after, 3)
