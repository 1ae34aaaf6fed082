"""`op.drop_dependents`: what PostgreSQL lets no column change under, dropped for a moment."""

from collections.abc import Sequence

from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations

from migrator.errors import UsageError
from migrator.operations import dependents
from migrator.operations.operation import Operation
from migrator.operations.session import Session


class DropDependentsOp(Operation):
    """Drop what depends on columns, until `op.restore_dependents` makes it again.

    PostgreSQL lets no column get another type under a view, a generated column, a policy, a
    trigger, a rule or a function in standard SQL (BEGIN ATOMIC). They are read from the catalog and
    dropped: views and materialized views, with those that are made of them; such functions of
    columns and of these views; generated columns with their indexes and constraints; statistics of
    expressions; policies; triggers; rules; and foreign keys of which both columns are named.

    Args:
        columns: with their tables, as SQL writes them: `t.c`, `"My Schema".t.c`.

    Raises:
        DBAPIError: something else depends on it, for example on a function. Nothing was dropped.
    """

    renders_as = "drop_dependents"
    transactional = True

    def __init__(self, *columns: str) -> None:
        self.columns: Sequence[str] = columns

    def to_diff_tuple(self) -> tuple[str, ...]:
        """Return what `alembic check` shows."""
        return (self.renders_as, *self.columns)

    def run_in_steps(self, session: Session) -> None:
        """Keep what makes them again until the end of the transaction, and drop them."""
        session.run(dependents.drop(self.columns))

    def run_plain(self, operations: Operations) -> None:
        """Refuse.

        Raises:
            UsageError: this is not PostgreSQL.
        """
        raise UsageError("op.drop_dependents needs PostgreSQL: SQLite changes a type by a rebuild.")

    def render(self, context: AutogenContext) -> str:
        """Return the call."""
        return self.call(context, *map(repr, self.columns))
