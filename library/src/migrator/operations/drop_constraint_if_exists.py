"""`op.drop_constraint_if_exists`: a constraint of any kind that is dropped, if it is there."""

from typing import Any, cast

from alembic.operations import Operations, ops
from sqlalchemy import Constraint

from migrator.operations import names
from migrator.operations.operation import Operation, validated
from migrator.operations.session import Session


class DropConstraintIfExistsOp(Operation, ops.DropConstraintOp):
    """Drop a constraint, if it is there, outside the transaction: among operations like these.

    Args:
        type_: "unique", "foreignkey" or "check", which SQLite needs.
    """

    renders_as = "drop_constraint_if_exists"
    transactional = False

    def __init__(
        self,
        constraint_name: str | None,
        table_name: str,
        type_: str | None = None,
        *,
        schema: str | None = None,
    ) -> None:
        super().__init__(constraint_name, table_name, type_, schema=schema)

    @classmethod
    def from_constraint(cls, constraint: Constraint) -> "DropConstraintIfExistsOp":
        """Return the operation that drops a constraint."""
        drop = ops.DropConstraintOp.from_constraint(constraint)
        name = cast("str | None", drop.constraint_name)
        own = cls(name, drop.table_name, drop.constraint_type, schema=drop.schema)
        own._reverse = drop._reverse
        return own

    def reverse(self) -> Any:
        """Return the operation that reverts it, if the constraint is known."""
        if self.back:
            return self.back
        back = ops.DropConstraintOp.reverse(self)
        return validated(back) or back

    def run_in_steps(self, session: Session) -> None:
        """Drop it."""
        # As it was made: one that is too long has been cut, and IF EXISTS would not miss it.
        name = names.shortened(self.constraint_name)
        target = names.quoted(self.table_name, self.schema)
        session.run(f"ALTER TABLE {target} DROP CONSTRAINT IF EXISTS {name}")

    def run_plain(self, operations: Operations) -> None:
        """Drop it by a rebuild of the table, as SQLite needs it."""
        with operations.batch_alter_table(self.table_name, schema=self.schema) as batch:
            batch.drop_constraint(str(self.constraint_name), type_=self.constraint_type)
