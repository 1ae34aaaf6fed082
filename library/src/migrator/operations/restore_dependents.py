"""`op.restore_dependents`: makes again what `op.drop_dependents` has dropped."""

from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations

from migrator.errors import UsageError
from migrator.operations import dependents
from migrator.operations.operation import Operation
from migrator.operations.session import Session


class RestoreDependentsOp(Operation):
    """Make again what `op.drop_dependents` has dropped in the same transaction.

    With comments, owners, privileges and indexes; a materialized view with its rows. A generated
    column that has been added meanwhile stays as it is.

    Raises:
        DBAPIError: a definition does not fit the columns as they are now.
    """

    renders_as = "restore_dependents"
    transactional = True

    def to_diff_tuple(self) -> tuple[str, ...]:
        """Return what `alembic check` shows."""
        return (self.renders_as,)

    def run_in_steps(self, session: Session) -> None:
        """Run the statements that were kept."""
        session.run(dependents.RESTORE)

    def run_plain(self, operations: Operations) -> None:
        """Refuse.

        Raises:
            UsageError: this is not PostgreSQL.
        """
        raise UsageError(
            "op.restore_dependents needs PostgreSQL: SQLite changes a type by a rebuild."
        )

    def render(self, context: AutogenContext) -> str:
        """Return the call."""
        return self.call(context)
