"""`op.set_not_null`: NOT NULL for a column of a table in use."""

import hashlib
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, MetaData, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from migrator.errors import MigratorError
from migrator.operations import conditions, names, wanted
from migrator.operations.operation import Operation
from migrator.operations.session import Session, state_of

CHECK_VIOLATION = "23514"


class SetNotNullOp(Operation):
    """Make a column NOT NULL outside the transaction, without a lock while the table is read.

    A CHECK constraint that the column is not NULL is added for new rows, then validated for all; it
    spares PostgreSQL the reading when the column becomes NOT NULL, and is dropped again.

    Args:
        existing_type: of the column, for the operation that reverts it.
        if_filled: leave the column nullable if rows hold NULL, instead of failing.
        plain: set it in one statement in the revision's transaction, which blocks readers and
            writers while it reads the table; SQLite always does.

    Raises:
        MigratorError: rows hold NULL. Then nothing has changed.
    """

    renders_as = "set_not_null"
    transactional = False

    def __init__(
        self,
        table_name: str,
        column_name: str,
        *,
        schema: str | None = None,
        existing_type: TypeEngine[Any] | None = None,
        if_filled: bool = False,
        plain: bool = False,
    ) -> None:
        self.table_name = table_name
        self.column_name = column_name
        self.schema = schema
        self.existing_type = existing_type
        self.if_filled = if_filled
        self.plain = plain

    def reverse(self) -> ops.AlterColumnOp:
        """Return the operation that reverts it."""
        return ops.AlterColumnOp(
            self.table_name,
            self.column_name,
            schema=self.schema,
            existing_type=self.existing_type,
            modify_nullable=True,
        )

    def to_diff_tuple(self) -> tuple[str, str | None, str, str]:
        """Return what `alembic check` shows."""
        return (self.renders_as, self.schema, self.table_name, self.column_name)

    def adds(self, _context: MigrationContext | None = None) -> str:
        """Return the statement that sets it, unless NULLs are no reason to fail."""
        if self.if_filled:
            return ""
        target = names.quoted(self.table_name, self.schema)
        return f"ALTER TABLE {target} ALTER COLUMN {names.column(self.column_name)} SET NOT NULL"

    def run_in_steps(self, session: Session) -> None:
        """Set it with the help of a CHECK constraint, which is dropped in the end."""
        target, name = names.quoted(self.table_name, self.schema), self.column_name
        helper = helper_name(self.table_name, name)
        done = conditions.is_not_null(target, name)
        if self.if_filled and session.offline:
            self._set_if_filled(session)
            return
        column, check = names.column(name), names.column(helper)
        add = f"ALTER TABLE {target} ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID"
        validate = f"ALTER TABLE {target} VALIDATE CONSTRAINT {check}"
        there = conditions.has_constraint(target, helper)
        if not session.offline:
            self._refuse_other(session, helper)
        session.run_unless(f"({done} OR {there})", add)
        with session.reading():
            try:
                session.run_if(there, validate)  # which does nothing if it is done
            except DBAPIError as error:
                if state_of(error) != CHECK_VIOLATION:
                    raise
                session.run(f"ALTER TABLE {target} DROP CONSTRAINT IF EXISTS {check}")
                if self.if_filled:
                    return
                found = MigratorError(
                    f"{target}.{column} stays nullable: rows of {target} hold NULL there. Fill them"
                    " before this operation (op.backfill), and run the migration again."
                )
                found.adds = self.adds()
                raise found from error
        session.run_unless(done, f"ALTER TABLE {target} ALTER COLUMN {column} SET NOT NULL")
        session.run_if(there, f"ALTER TABLE {target} DROP CONSTRAINT {check}")
        session.expect(done, f"{target}.{name} is still nullable")

    def _refuse_other(self, session: Session, helper: str) -> None:
        table = Table(self.table_name, MetaData(), schema=self.schema)
        condition = CheckConstraint(f"{names.column(self.column_name)} IS NOT NULL", name=helper)
        table.append_constraint(condition)
        wanted.has_constraint(session, condition)

    def run_plain(self, operations: Operations) -> None:
        """Set it in one statement, on SQLite by a rebuild of the table."""
        session = Session(operations.migration_context)
        if operations.impl.dialect.name == "sqlite":
            if self.if_filled and session.scalar(f"SELECT {self._holds_null}"):
                return
            with operations.batch_alter_table(self.table_name, schema=self.schema) as batch:
                batch.alter_column(self.column_name, nullable=False)
        elif self.if_filled:
            self._set_if_filled(session)
        else:
            operations.alter_column(
                self.table_name, self.column_name, nullable=False, schema=self.schema
            )

    def render(self, context: AutogenContext) -> str:
        """Return the call; the type is not needed in a revision."""
        return self.call(
            context,
            repr(self.table_name),
            repr(self.column_name),
            schema=self.schema,
            if_filled=self.if_filled or None,
            plain=self.plain or None,
        )

    @property
    def _holds_null(self) -> str:
        target, column = names.quoted(self.table_name, self.schema), names.column(self.column_name)
        return f"EXISTS (SELECT 1 FROM {target} WHERE {column} IS NULL)"

    def _set_if_filled(self, session: Session) -> None:
        target, column = names.quoted(self.table_name, self.schema), names.column(self.column_name)
        statement = f"ALTER TABLE {target} ALTER COLUMN {column} SET NOT NULL"
        session.run_unless(self._holds_null, statement)


def helper_name(table: str, column: str) -> str:
    """Return the name of the CHECK constraint that helps, the same at every attempt.

    Not `<table>_<column>_not_null`, which PostgreSQL 18 gives to the NOT NULL itself.
    """
    name = f"{table}_{column}_is_filled"
    if len(name.encode()) <= names.NAME_LENGTH:
        return name
    return f"is_filled_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
