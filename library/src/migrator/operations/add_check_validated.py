"""`op.add_check_validated`: a CHECK constraint that is added without blocking writers."""

from typing import Any

from alembic.operations import Operations, ops
from sqlalchemy import TextClause
from sqlalchemy.sql.elements import ColumnElement

from migrator.operations import validation
from migrator.operations.drop_constraint_if_exists import DropConstraintIfExistsOp
from migrator.operations.operation import Operation
from migrator.operations.session import Session


class AddCheckValidatedOp(Operation, ops.CreateCheckConstraintOp):
    """Add a CHECK constraint in two steps outside the transaction: for new rows, then for all.

    Only the first step locks the table, for a moment. What is there already is not done again.

    Args:
        condition: SQL, or an expression.
        plain: add it in one statement in the revision's transaction, which blocks readers and
            writers while it reads the table; SQLite always does.

    Raises:
        MigratorError: a row violates it. Then there is no constraint.
    """

    renders_as = "add_check_validated"
    transactional = False

    def __init__(
        self,
        constraint_name: str | None,
        table_name: str,
        condition: str | TextClause | ColumnElement[Any],
        *,
        schema: str | None = None,
        plain: bool = False,
        **kw: Any,
    ) -> None:
        super().__init__(constraint_name, table_name, condition, schema=schema, **kw)
        self.plain = plain

    def reverse(self) -> ops.DropConstraintOp:
        """Return the operation that reverts it."""
        return DropConstraintIfExistsOp.from_constraint(self.to_constraint())

    def run_in_steps(self, session: Session) -> None:
        """Add it NOT VALID, then validate it."""
        constraint = self.to_constraint(session.context)
        validation.add_not_valid(session, constraint)
        validation.validate_added(session, constraint)

    def run_plain(self, operations: Operations) -> None:
        """Add it in one statement."""
        validation.add_plain(operations, self.to_constraint(operations.migration_context))
