"""Indexes that are built and dropped while the table is written to."""

from collections.abc import Sequence
from typing import Any

from alembic.operations import Operations, ops
from sqlalchemy import Column, Index, TextClause
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.elements import ColumnElement

from migrator.operations import building, catalog, partitions
from migrator.operations.running import Session, online


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
        That of a partitioned table is built part by part (not under `--sql`, which cannot know).

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
    assert index.table is not None
    name = catalog.quoted(catalog.final_name(index), index.table.schema)
    with online(operations, "drop_index_concurrently") as session:
        if partitions.has_parts(session, name):
            # PostgreSQL cannot do it otherwise: a brief lock on the table and all of its parts.
            session.run(f"DROP INDEX IF EXISTS {name}")
            return
        with session.without_limit(*building.LIMITS):
            session.run(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def build(session: Session, index: Index) -> None:
    """Build `index` unless it is there, part by part if its table is partitioned.

    Raises:
        MigratorError: see `create_index_concurrently`.
    """
    new = wanted(index)
    if not partitions.has_parts(session, new.target):
        building.build(session, new)
        return
    plain = new.statement.replace(" CONCURRENTLY", "", 1)
    head, definition = plain.split(f" ON {new.target} ", 1)
    create = head.removesuffix(catalog.column(new.name))
    partitions.build_in_parts(
        session, new, lambda table, name: f"{create}{name} ON ONLY {table} {definition}"
    )


def wanted(index: Index) -> building.Wanted:
    """Return what is to be in the catalog."""
    assert index.table is not None
    index.dialect_options["postgresql"]["concurrently"] = True
    name = catalog.final_name(index)
    names = tuple(each.name if isinstance(each, Column) else None for each in index.expressions)
    return building.Wanted(
        target=catalog.target_of(index),
        name=name,
        full=catalog.quoted(name, index.table.schema),
        statement=catalog.compiled(CreateIndex(index, if_not_exists=True)),
        unique=bool(index.unique),
        columns=names,
        shown=", ".join(
            name or str(each) for name, each in zip(names, index.expressions, strict=True)
        ),
    )
