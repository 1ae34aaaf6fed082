"""`op.restore_dependents`: makes again what `op.drop_dependents` has dropped."""

from collections.abc import Mapping

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

    A definition that was kept has casts of the type that the column had. In a downgrade, `instead`
    has the one from before the upgrade.

    Args:
        instead: definitions to take in place of those that were kept, by the statements that drop
            what they make: `{"DROP VIEW v": "CREATE VIEW v AS SELECT a FROM t"}`. One that fits
            nothing that was dropped is not used.

    Raises:
        DBAPIError: a definition does not fit the columns as they are now.
    """

    renders_as = "restore_dependents"
    transactional = True

    def __init__(self, instead: Mapping[str, str] | None = None) -> None:
        self.instead: Mapping[str, str] = instead or {}

    def to_diff_tuple(self) -> tuple[str, ...]:
        """Return what `alembic check` shows."""
        return (self.renders_as,)

    def run_in_steps(self, session: Session) -> None:
        """Run the statements that were kept."""
        session.run(dependents.restore(self.instead))

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
        return self.call(context, *([repr(dict(self.instead))] if self.instead else []))
