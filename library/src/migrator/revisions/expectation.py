"""Whether the database is where this code expects it, which is what an application asks."""

from sqlalchemy import Connection

from migrator.config.context import Context
from migrator.errors import PendingError
from migrator.revisions import pending, phase_and_transaction
from migrator.revisions.pending import Plan
from migrator.revisions.phase_and_transaction import CONTRACT


def expect(context: Context, connection: Connection) -> str:
    """Return a sentence that says that the database is where this code expects it.

    Raises:
        PendingError: it is not there yet.
        MigratorError: as for `make`.
    """
    return expected(pending.make(context, connection))


def is_expected(found: Plan) -> bool:
    """Tell whether the database is where this code expects it.

    Contract revisions may be missing: they are for when this code has taken over.
    """
    phases = {phase_and_transaction.of(script).phase for script in found.pending}
    return not phases or (phases == {CONTRACT} and bool(found.current))


def expected(found: Plan) -> str:
    """Return a sentence that says so.

    Raises:
        PendingError: it is not there yet.
    """
    if not is_expected(found):
        first = ""
        if found.current and phase_and_transaction.of(found.pending[0]).phase == CONTRACT:
            first = " with --phase contract, which an earlier release has left,"
        raise PendingError(
            f"The database is at {found.at}, this code expects {found.target}: deploy{first} first."
        )
    if found.pending:
        return (
            f"The database is at {found.at}, as this code expects; {len(found.pending)} to apply"
            " with --phase contract, when no older code runs."
        )
    if found.ahead:
        return f"The database is at {found.at}, ahead of this code, which is allowed."
    return f"The database is at {found.at}, as this code expects."
