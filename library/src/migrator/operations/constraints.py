"""Constraints on tables that are in use: added for new rows first, then checked for the others."""

from typing import Any

from alembic.operations import Operations, ops
from sqlalchemy import ForeignKeyConstraint, TextClause
from sqlalchemy.sql.elements import ColumnElement

from migrator.operations import catalog
from migrator.operations.partitions import has_parts
from migrator.operations.running import online
from migrator.operations.validating import add_not_valid, add_plain, add_to_parts, validate


@Operations.register_operation("add_foreign_key_validated")
class AddForeignKeyValidatedOp(ops.CreateForeignKeyOp):
    """Adds a foreign key, and reads the table without keeping anybody from writing."""

    @classmethod
    def add_foreign_key_validated(
        cls,
        operations: Operations,
        /,
        constraint_name: str,
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
        """Add a foreign key in two steps outside the transaction: for new rows, then for all.

        Only the first step locks the two tables, for a moment. What is there already is not done
        again.

        Args:
            plain: add it in one statement in the revision's transaction, which keeps writers out
                of both tables while it reads; SQLite always does.
            kw: as for `op.create_foreign_key`: ondelete, onupdate, deferrable and so on.

        Raises:
            MigratorError: a row refers to nothing. Then there is no foreign key.
        """
        operation = cls(
            constraint_name,
            source_table,
            referent_table,
            local_cols,
            remote_cols,
            source_schema=source_schema,
            referent_schema=referent_schema,
            **kw,
        )
        operation.plain = plain
        operations.invoke(operation)

    plain = False


@Operations.register_operation("add_check_validated")
class AddCheckValidatedOp(ops.CreateCheckConstraintOp):
    """Adds a check, and reads the table without keeping anybody from writing."""

    @classmethod
    def add_check_validated(
        cls,
        operations: Operations,
        /,
        constraint_name: str,
        table_name: str,
        condition: str | TextClause | ColumnElement[Any],
        *,
        schema: str | None = None,
        plain: bool = False,
        **kw: Any,
    ) -> None:
        """Add a check in two steps outside the transaction: for new rows, then for all.

        Only the first step locks the table, for a moment. What is there already is not done again.

        Args:
            condition: SQL, or an expression.
            plain: add it in one statement in the revision's transaction, which keeps everybody
                out while it reads; SQLite always does.

        Raises:
            MigratorError: a row breaks it. Then there is no check.
        """
        operation = cls(constraint_name, table_name, condition, schema=schema, **kw)
        operation.plain = plain
        operations.invoke(operation)

    plain = False


@Operations.implementation_for(AddForeignKeyValidatedOp)
def _foreign_key(operations: Operations, operation: AddForeignKeyValidatedOp) -> None:
    _in_two_steps(operations, operation, "add_foreign_key_validated")


@Operations.implementation_for(AddCheckValidatedOp)
def _check(operations: Operations, operation: AddCheckValidatedOp) -> None:
    _in_two_steps(operations, operation, "add_check_validated")


def _in_two_steps(
    operations: Operations,
    operation: AddForeignKeyValidatedOp | AddCheckValidatedOp,
    name: str,
) -> None:
    constraint = operation.to_constraint(operations.migration_context)
    if operation.plain or operations.impl.dialect.name != "postgresql":
        add_plain(operations, constraint)
        return
    target = catalog.target_of(constraint)
    with online(operations, name) as session:
        if isinstance(constraint, ForeignKeyConstraint) and has_parts(session, target):
            add_to_parts(session, constraint)
        else:
            add_not_valid(session, constraint)
            validate(session, target, catalog.final_name(constraint))
