"""`op.add_foreign_key_validated`: a foreign key that is added without blocking writers."""

from typing import Any

from alembic.operations import Operations, ops

from migrator.operations import names, partitions, validation
from migrator.operations.drop_constraint_if_exists import DropConstraintIfExistsOp
from migrator.operations.operation import Operation
from migrator.operations.session import Session


class AddForeignKeyValidatedOp(Operation, ops.CreateForeignKeyOp):
    """Add a foreign key in two steps outside the transaction: for new rows, then for all.

    Only the first step locks the two tables, for a moment. What is there already is not done
    again.

    Args:
        plain: add it in one statement in the revision's transaction, which blocks the writers
            of both tables while it reads; SQLite always does.
        kw: as for `op.create_foreign_key`: ondelete, onupdate, deferrable and so on.

    Raises:
        MigratorError: a row refers to nothing. Then there is no foreign key.
    """

    renders_as = "add_foreign_key_validated"
    transactional = False

    def __init__(
        self,
        constraint_name: str | None,
        source_table: str,
        referent_table: str,
        local_cols: list[str],
        remote_cols: list[str],
        *,
        source_schema: str | None = None,
        referent_schema: str | None = None,
        plain: bool = False,
        **kw: Any,
    ) -> None:
        super().__init__(
            constraint_name,
            source_table,
            referent_table,
            local_cols,
            remote_cols,
            source_schema=source_schema,
            referent_schema=referent_schema,
            **kw,
        )
        self.plain = plain

    def reverse(self) -> ops.DropConstraintOp:
        """Return the operation that reverts it."""
        return DropConstraintIfExistsOp.from_constraint(self.to_constraint())

    def run_in_steps(self, session: Session) -> None:
        """Add it NOT VALID, then validate it; that of a partitioned table part by part."""
        constraint = self.to_constraint(session.context)
        target = names.target_of(constraint)
        if partitions.has_parts(session, target):
            validation.add_to_parts(session, constraint)
        else:
            validation.add_not_valid(session, constraint)
            validation.validate_added(session, constraint)

    def run_plain(self, operations: Operations) -> None:
        """Add it in one statement."""
        validation.add_plain(operations, self.to_constraint(operations.migration_context))
