"""Tries operations that create tables in a savepoint, and completes them by the catalog."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op
from alembic.operations import MigrateOperation, Operations, ops
from alembic.runtime.migration import MigrationContext

from migrator import catalog
from migrator.autogenerate import table_definition
from migrator.autogenerate.steps import sql
from migrator.autogenerate.table_operations import CreateWholeTableOp
from migrator.autogenerate.table_order import Tables
from migrator.catalog import Difference, Key, Schema


def complete(
    context: MigrationContext,
    tables: dict[Key, CreateWholeTableOp],
    wanted: Schema,
    first: Sequence[MigrateOperation],
    found: Tables,
    later: Collection[Key],
) -> None:
    """Complete what creates `tables`, so that they are as in `wanted`."""
    connection = context.connection
    if not tables or connection is None:
        return
    writing = AutogenContext(context)
    savepoint = connection.begin_nested()
    try:
        for each in first:
            _run(writing, each)
        for op in [*found.created]:
            was_sql = isinstance(op, CreateWholeTableOp) and op.only_more
            _create(writing, op, tables, wanted, later)
            if isinstance(op, CreateWholeTableOp) and op.only_more and not was_sql:
                found.leave_out_of(op)
            for index in found.of_one(op):
                _run(writing, index)
        for foreign_key in found.foreign_keys:
            _run(writing, foreign_key)
        actual = catalog.read(connection, catalog.NOT_OURS)
    except Exception:
        return  # it needs what another part of this revision brings; the proof will show it
    finally:
        savepoint.rollback()
    for key, op in tables.items():
        if key in wanted.objects and not op.only_more:
            differing = catalog.diff(_own(key, actual), _own(key, wanted))
            if all(map(_is_missing, differing)):
                op.more += sql(*_missing(differing, wanted, later))
            else:
                _as_sql(op, key, wanted, later)
                found.leave_out_of(op)


def _create(
    writing: AutogenContext,
    op: ops.CreateTableOp,
    tables: dict[Key, CreateWholeTableOp],
    wanted: Schema,
    later: Collection[Key],
) -> None:
    """Create a table; one that cannot be created as Alembic writes it, as the catalog has it."""
    assert writing.connection is not None and isinstance(op, CreateWholeTableOp)
    savepoint = writing.connection.begin_nested()
    try:
        if not op.columns:
            raise sa.exc.ArgumentError("a table of an event of the models")
        _run(writing, op)
    except Exception:
        savepoint.rollback()
        key = next(key for key, each in tables.items() if each is op)
        _as_sql(op, key, wanted, later)
        _run(writing, op)
    else:
        savepoint.commit()


def _as_sql(op: CreateWholeTableOp, key: Key, wanted: Schema, later: Collection[Key]) -> None:
    if key in wanted.objects:
        op.more = list(sql(*table_definition.of(key, wanted, later)))
        op.only_more = True


def _run(writing: AutogenContext, op: MigrateOperation) -> None:
    """Run an operation as it will be written."""
    imports = ("import sqlalchemy as sa", "from sqlalchemy.dialects import postgresql")
    lines = "\n".join(render_op(writing, op))
    names: dict[str, Any] = {}
    exec("\n".join([*imports, *writing.imports]), names)
    names["op"] = Operations(writing.migration_context)
    exec(lines, names)


def _own(table: Key, schema: Schema) -> Schema:
    """Return a table alone, with all that belongs to it."""
    return Schema(
        {
            key: properties
            for key, properties in schema.objects.items()
            if key == table
            or key.name[:-1] == table.name
            or (key.kind == "sequence" and table_definition.owner(properties)[:-1] == table.name)
        }
    )


def _is_missing(each: Difference) -> bool:
    if each.property:
        return each.property == "comment" and each.after is not None
    return each.before is None and each.key.kind not in ("table", "column", "sequence")


def _missing(
    differing: Sequence[Difference], wanted: Schema, later: Collection[Key]
) -> Iterator[str]:
    for each in differing:
        if each.property:
            yield from table_definition.comment(each.key, each.after)
        elif each.key not in later:
            yield from table_definition.object_of(each.key, wanted)
