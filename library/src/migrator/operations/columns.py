"""NOT NULL for a column of a table that is in use."""

import hashlib
from typing import Any

from alembic.operations import MigrateOperation, Operations
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from migrator.errors import MigratorError
from migrator.operations import catalog
from migrator.operations.running import Session, online, state_of

CHECK_VIOLATION = "23514"


@Operations.register_operation("set_not_null")
class SetNotNullOp(MigrateOperation):
    """Makes a column NOT NULL, and reads the table without keeping anybody from writing."""

    def __init__(
        self,
        table_name: str,
        column_name: str,
        *,
        schema: str | None = None,
        existing_type: TypeEngine[Any] | None = None,
        plain: bool = False,
    ) -> None:
        self.table_name = table_name
        self.column_name = column_name
        self.schema = schema
        self.existing_type = existing_type
        self.plain = plain

    def to_diff_tuple(self) -> tuple[str, str | None, str, str]:
        """Return what `alembic check` shows."""
        return ("set_not_null", self.schema, self.table_name, self.column_name)

    @classmethod
    def set_not_null(
        cls,
        operations: Operations,
        table_name: str,
        column_name: str,
        *,
        schema: str | None = None,
        plain: bool = False,
    ) -> None:
        """Make a column NOT NULL outside the transaction, without a lock while it is read.

        A check that the column is not NULL is added for new rows, then validated for all; it
        spares PostgreSQL the reading when the column becomes NOT NULL, and goes again.

        Args:
            plain: set it in one statement in the revision's transaction, which keeps everybody
                out while it reads; SQLite always does.

        Raises:
            MigratorError: rows hold NULL. Then nothing has changed.
        """
        operations.invoke(cls(table_name, column_name, schema=schema, plain=plain))


@Operations.implementation_for(SetNotNullOp)
def _set_not_null(operations: Operations, operation: SetNotNullOp) -> None:
    table, column, schema = operation.table_name, operation.column_name, operation.schema
    if operations.impl.dialect.name == "sqlite":
        with operations.batch_alter_table(table, schema=schema) as batch:
            batch.alter_column(column, nullable=False)
        return
    if operation.plain or operations.impl.dialect.name != "postgresql":
        operations.alter_column(table, column, nullable=False, schema=schema)
        return
    with online(operations, "set_not_null") as session:
        _in_steps(session, catalog.quoted(table, schema), column, helper_name(table, column))


def helper_name(table: str, column: str) -> str:
    """Return the name of the check that is there for a while, the same at every try.

    Not `<table>_<column>_not_null`, which PostgreSQL 18 gives to the NOT NULL itself.
    """
    name = f"{table}_{column}_is_filled"
    if len(name.encode()) <= catalog.NAME_LENGTH:
        return name
    return f"is_filled_{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _in_steps(session: Session, target: str, name: str, helper: str) -> None:
    done = catalog.is_not_null(target, name)
    column, check = catalog.column(name), catalog.column(helper)
    add = f"ALTER TABLE {target} ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID"
    validate = f"ALTER TABLE {target} VALIDATE CONSTRAINT {check}"
    there = catalog.has_constraint(target, helper)
    session.run_unless(f"({done} OR {there})", add)
    with session.without_limit("statement_timeout"):
        try:
            session.run_if(there, validate)  # which does nothing if it is done
        except DBAPIError as error:
            if state_of(error) != CHECK_VIOLATION:
                raise
            session.run(f"ALTER TABLE {target} DROP CONSTRAINT IF EXISTS {check}")
            raise MigratorError(
                f"{target}.{column} stays nullable: rows of {target} hold NULL there. Fill them"
                " before this operation (op.backfill), and run the migration again."
            ) from error
    session.run_unless(done, f"ALTER TABLE {target} ALTER COLUMN {column} SET NOT NULL")
    session.run_if(there, f"ALTER TABLE {target} DROP CONSTRAINT {check}")
    session.expect(done, f"{target}.{name} is still nullable")
