"""New columns of tables that hold rows."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate import column_state, column_steps, defaults, probe
from migrator.autogenerate.steps import CommentOp, Step, plain
from migrator.operations import RawType, names
from migrator.revisions.phase_and_transaction import CONTRACT, EXPAND

UNDECIDED = "Decide what the rows that are there get; None stops the upgrade if there are any."
AGAIN = "Once more, for the rows that the old code has written since."
INSTEAD = "a column that the code fills; for a domain, a CHECK constraint of the table."


def add(context: MigrationContext, op: ops.AddColumnOp) -> Iterator[Step]:
    """Yield the steps to a new column: at once if that is no work, else nullable first."""
    rewrites = probe.rewrites_table(context, op)
    first, *more = _add(context, op, rewrites)
    if rewrites:
        first.upgrade.insert(0, column_steps.rewriting(op.table_name, INSTEAD))
    yield from (first, *more)


def as_added(column: sa.Column[Any]) -> sa.Column[Any]:
    """Return a new column as the expand phase adds it: nullable if nothing fills it."""
    if probe.is_serial(column):
        kind = column.type.dialect_impl(names.DIALECT)
        small, big = isinstance(kind, sa.SmallInteger), isinstance(kind, sa.BigInteger)
        name = "smallint" if small else "bigint" if big else "integer"
        return column_steps.changed(
            column, type=RawType(column_state.SERIALS[name]), nullable=False
        )
    made = column.computed is not None or column.identity is not None
    if made or column.nullable or defaults.has_server_default(column):
        return column
    return column_steps.changed(column, nullable=True)


def _add(context: MigrationContext, op: ops.AddColumnOp, rewrites: bool) -> Iterator[Step]:
    has_default = defaults.has_server_default(op.column)
    if probe.is_serial(op.column):
        add = ops.AddColumnOp(op.table_name, as_added(op.column), schema=op.schema)
        yield Step(EXPAND, [add], [add.reverse()])
    elif as_added(op.column) is not op.column:
        yield from _without_default(context, op)
    elif has_default and not rewrites and probe.rewrites_for_default(context, op):
        yield from _with_volatile_default(context, op)
    else:
        yield plain(op)


def _without_default(context: MigrationContext, op: ops.AddColumnOp) -> Iterator[Step]:
    add = ops.AddColumnOp(op.table_name, as_added(op.column), schema=op.schema)
    yield Step(EXPAND, [add], [add.reverse()])
    value = defaults.python_default(op.column)
    column = column_steps.in_models(context, op.schema, op.table_name, op.column.name)
    comment = [CommentOp(UNDECIDED)] if value is None else []
    yield column_steps.fill(
        EXPAND, *comment, column_steps.backfill(column, op, op.column.name, value)
    )
    again = column_steps.backfill(column, op, op.column.name, value)
    yield column_steps.fill(CONTRACT, CommentOp(AGAIN), again)
    yield column_steps.not_null(op.table_name, op.column.name, op.schema, op.column.type)


def _with_volatile_default(context: MigrationContext, op: ops.AddColumnOp) -> Iterator[Step]:
    column = op.column
    default = defaults.server_default(column)
    bare = column_steps.changed(column, nullable=True, server_default=None)
    add = ops.AddColumnOp(op.table_name, bare, schema=op.schema)
    set_default = ops.AlterColumnOp(
        op.table_name,
        column.name,
        schema=op.schema,
        existing_type=column.type,
        modify_server_default=sa.DefaultClause(sa.text(default)),
    )
    why = CommentOp(
        "With the default in the same statement, each row would be written under a lock."
    )
    yield Step(EXPAND, [why, add, set_default], [add.reverse()])
    model = column_steps.in_models(context, op.schema, op.table_name, column.name)
    yield column_steps.fill(EXPAND, column_steps.backfill(model, op, column.name, sa.text(default)))
    if not column.nullable:
        yield column_steps.not_null(op.table_name, column.name, op.schema, column.type, EXPAND)
