"""Unique constraints on tables that are in use, and dropping constraints of every kind."""

from collections.abc import Sequence
from typing import Any

from alembic.operations import Operations, ops
from sqlalchemy import Index
from sqlalchemy.schema import AddConstraint

from migrator.operations import building, catalog, indexes, partitions
from migrator.operations.running import online
from migrator.operations.validating import add_plain


@Operations.register_operation("add_unique_concurrently")
class AddUniqueConcurrentlyOp(ops.CreateUniqueConstraintOp):
    """Adds a unique constraint through an index that is built concurrently."""

    @classmethod
    def add_unique_concurrently(
        cls,
        operations: Operations,
        /,
        constraint_name: str,
        table_name: str,
        columns: Sequence[str],
        *,
        schema: str | None = None,
        plain: bool = False,
        **kw: Any,
    ) -> None:
        """Build a unique index concurrently and make it a constraint, outside the transaction.

        Only the last step locks the table, for a moment. What is there already is not done again.

        Args:
            plain: add it in one statement in the revision's transaction, which keeps everybody
                out while the index is built; SQLite always does.
            kw: as for `op.create_unique_constraint`: deferrable, postgresql_include and so on.

        Raises:
            MigratorError: the rows are not unique, or another index has the name. Then there is
                no constraint.
        """
        operation = cls(constraint_name, table_name, columns, schema=schema, **kw)
        operation.plain = plain
        operations.invoke(operation)

    plain = False


@Operations.register_operation("drop_constraint_if_exists")
class DropConstraintIfExistsOp(ops.DropConstraintOp):
    """Drops a constraint; may be run again."""

    @classmethod
    def drop_constraint_if_exists(
        cls,
        operations: Operations,
        constraint_name: str,
        table_name: str,
        type_: str | None = None,
        *,
        schema: str | None = None,
    ) -> None:
        """Drop a constraint, if it is there, outside the transaction: among operations like these.

        Args:
            type_: "unique", "foreignkey" or "check", which SQLite needs.
        """
        operations.invoke(cls(constraint_name, table_name, type_, schema=schema))


@Operations.implementation_for(DropConstraintIfExistsOp)
def _drop(operations: Operations, operation: DropConstraintIfExistsOp) -> None:
    table, schema = operation.table_name, operation.schema
    if operations.impl.dialect.name != "postgresql":
        with operations.batch_alter_table(table, schema=schema) as batch:
            batch.drop_constraint(str(operation.constraint_name), type_=operation.constraint_type)
        return
    # As it was made: one that is too long has been cut, and IF EXISTS would not miss it.
    name = catalog.shortened(operation.constraint_name)
    with online(operations, "drop_constraint_if_exists") as session:
        target = catalog.quoted(table, schema)
        session.run(f"ALTER TABLE {target} DROP CONSTRAINT IF EXISTS {name}")


@Operations.implementation_for(AddUniqueConcurrentlyOp)
def _unique(operations: Operations, operation: AddUniqueConcurrentlyOp) -> None:
    constraint = operation.to_constraint(operations.migration_context)
    if operation.plain or operations.impl.dialect.name != "postgresql":
        add_plain(operations, constraint)
        return
    target, name = catalog.target_of(constraint), catalog.final_name(constraint)
    there = catalog.has_constraint(target, name)
    options = {key: value for key, value in operation.kw.items() if key.startswith("postgresql_")}
    index = indexes.wanted(Index(name, *constraint.columns, unique=True, **options))
    deferred = _deferred(operation.kw.get("deferrable"), operation.kw.get("initially"))

    def adopt(table: str, index: str) -> str:
        return f"ALTER TABLE {table} ADD CONSTRAINT {index} UNIQUE USING INDEX {index}{deferred}"

    def whole(table: str, name: str) -> str:
        _, definition = catalog.compiled(AddConstraint(constraint)).split(" UNIQUE ", 1)
        return f"ALTER TABLE ONLY {table} ADD CONSTRAINT {name} UNIQUE {definition}"

    with online(operations, "add_unique_concurrently") as session:
        if partitions.has_parts(session, target):
            partitions.build_in_parts(session, index, whole, adopt)
        elif session.offline or not session.holds(there):
            building.build(session, index)
            session.run_unless(there, adopt(target, catalog.column(name)))
            session.expect(there, f"{name} was not added")


def _deferred(deferrable: bool | None, initially: str | None) -> str:
    words = " DEFERRABLE" if deferrable else ""
    return words + (f" INITIALLY {initially}" if initially else "")
