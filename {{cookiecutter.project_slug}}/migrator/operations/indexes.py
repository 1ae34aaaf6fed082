"""Indexes that are built and dropped while the table is written to."""

import time
from collections.abc import Sequence
from typing import Any

from alembic.operations import Operations, ops
from sqlalchemy import Index, TextClause
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.elements import ColumnElement

from migrator.console import note
from migrator.errors import MigratorError
from migrator.operations import catalog
from migrator.operations.running import Session, block, online, state_of

LIMITS = ("lock_timeout", "statement_timeout")
UNIQUE_VIOLATION = "23505"


@Operations.register_operation("create_index_concurrently")
class CreateIndexConcurrentlyOp(ops.CreateIndexOp):
    """Builds an index without keeping anybody from writing."""

    @classmethod
    def create_index_concurrently(
        cls,
        operations: Operations,
        /,
        index_name: str,
        table_name: str,
        columns: Sequence[str | TextClause | ColumnElement[Any]],
        *,
        schema: str | None = None,
        unique: bool = False,
        plain: bool = False,
        **kw: Any,
    ) -> None:
        """Build an index without keeping anybody from writing, outside the transaction.

        What an earlier try left INVALID is dropped first; if the index is there, nothing is done.

        Args:
            columns: names, or expressions in `sa.text()`.
            plain: build it in the revision's transaction instead, which blocks writers; SQLite
                always does.
            kw: as for `op.create_index`: postgresql_where, postgresql_using and so on.

        Raises:
            MigratorError: another index has the name, or the rows are not unique. Then there is
                no index.
        """
        operation = cls(index_name, table_name, columns, schema=schema, unique=unique, **kw)
        operation.plain = plain
        operations.invoke(operation)

    plain = False

    def reverse(self) -> ops.DropIndexOp:
        """Return the operation that takes it back."""
        return DropIndexConcurrentlyOp.from_index(self.to_index())


@Operations.register_operation("drop_index_concurrently")
class DropIndexConcurrentlyOp(ops.DropIndexOp):
    """Drops an index without waiting for its table."""

    @classmethod
    def drop_index_concurrently(
        cls,
        operations: Operations,
        /,
        index_name: str,
        table_name: str,
        *,
        schema: str | None = None,
        plain: bool = False,
    ) -> None:
        """Drop an index, if it is there, without making others wait, outside the transaction.

        Args:
            plain: drop it in the revision's transaction instead; SQLite always does.
        """
        operation = cls(index_name, table_name, schema=schema)
        operation.plain = plain
        operations.invoke(operation)

    plain = False

    def reverse(self) -> ops.CreateIndexOp:
        """Return the operation that takes it back."""
        return CreateIndexConcurrentlyOp.from_index(self.to_index())


@Operations.implementation_for(CreateIndexConcurrentlyOp)
def _create(operations: Operations, operation: CreateIndexConcurrentlyOp) -> None:
    index = operation.to_index(operations.migration_context)
    if operation.plain or operations.impl.dialect.name != "postgresql":
        operations.impl.create_index(index, if_not_exists=True)
        return
    with online(operations, "create_index_concurrently") as session:
        build(session, index)


@Operations.implementation_for(DropIndexConcurrentlyOp)
def _drop(operations: Operations, operation: DropIndexConcurrentlyOp) -> None:
    index = operation.to_index(operations.migration_context)
    if operation.plain or operations.impl.dialect.name != "postgresql":
        operations.impl.drop_index(index, if_exists=True)
        return
    with (
        online(operations, "drop_index_concurrently") as session,
        session.without_limit(*LIMITS),
    ):
        session.run(_drop_statement(index))


def build(session: Session, index: Index) -> None:
    """Build `index` unless it is there.

    Raises:
        MigratorError: see `create_index_concurrently`.
    """
    target, name = catalog.target_of(index), catalog.final_name(index)
    index.dialect_options["postgresql"]["concurrently"] = True
    statement = catalog.compiled(CreateIndex(index, if_not_exists=True))
    if session.offline:
        # An index that cannot be used has no readers, so its drop waits for nobody's.
        session.run(_drop_invalid(index))
        session.run(statement)
        return
    if _is_there(session, index, target, name):
        return
    with session.without_limit(*LIMITS):
        try:
            session.run(statement)
        except DBAPIError as error:
            if not error.connection_invalidated:
                session.run(_drop_statement(index))  # it would cost every write, for nothing
            if state_of(error) != UNIQUE_VIOLATION:
                raise
            columns = ", ".join(str(each) for each in index.expressions)
            raise MigratorError(
                f"{name} was not created: rows of {target} are not unique in {columns}. Merge or"
                " mend those rows, and run the migration again."
            ) from error


def _is_there(session: Session, index: Index, target: str, name: str) -> bool:
    """Whether a usable index has the name, after what is left of an earlier try was dropped."""
    found = catalog.find_index(session, target, name)
    if found and found.builder:
        # The try before was killed, and its server process has not noticed yet.
        note(f"{name} is being built by process {found.builder}: waiting for it to end.")
    while found and found.builder:
        time.sleep(0.5)
        found = catalog.find_index(session, target, name)
    if found is None:
        return False
    wanted = tuple(getattr(each, "name", None) for each in index.expressions)
    differs = any(a and b and a != b for a, b in zip(wanted, found.columns, strict=False))
    if not found.same_table or found.unique != bool(index.unique) or differs:
        raise MigratorError(
            f"There is another index {name} already, on other columns or another table. Nothing"
            " was changed; drop that one, or give this one another name."
        )
    if not found.valid:
        with session.without_limit(*LIMITS):
            session.run(_drop_statement(index))
    return found.valid


def _drop_statement(index: Index) -> str:
    return f"DROP INDEX CONCURRENTLY IF EXISTS {_qualified(index)}"


def _drop_invalid(index: Index) -> str:
    found = f"to_regclass({catalog.literal(_qualified(index))})"
    return block(
        f"IF EXISTS (SELECT 1 FROM pg_catalog.pg_index WHERE indexrelid = {found}"
        f" AND NOT indisvalid) THEN\n    DROP INDEX {_qualified(index)};\n  END IF;"
    )


def _qualified(index: Index) -> str:
    assert index.table is not None
    return catalog.quoted(catalog.final_name(index), index.table.schema)
