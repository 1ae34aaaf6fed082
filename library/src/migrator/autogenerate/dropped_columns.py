"""Dropped columns of tables that hold rows."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate import column_comparison, column_state, column_steps, column_types
from migrator.autogenerate.steps import CONSTRAINT, PLAIN, CommentOp, Step
from migrator.operations import RawType
from migrator.operations.set_not_null import SetNotNullOp
from migrator.revisions.phase_and_transaction import CONTRACT, EXPAND

LEFT_OUT = "The new code writes rows without it."
COMES_BACK = "NOT NULL comes back only if no row is without a value."


def drop(context: MigrationContext, op: ops.DropColumnOp) -> Iterator[Step]:
    """Yield the steps to a column that is gone: first the code may leave it out, then it goes."""
    column, schema = _restored(context, op), op.schema
    # A generated column goes before those that it is made of.
    rank = PLAIN if column.computed is None else CONSTRAINT
    filled = column.server_default is not None or column.autoincrement is True
    if column.nullable or column.primary_key or filled:
        yield Step(CONTRACT, [op], [ops.AddColumnOp(op.table_name, column, schema=schema)], rank)
        return
    back = ops.AddColumnOp(
        op.table_name, column_steps.changed(column, nullable=True), schema=schema
    )
    yield Step(CONTRACT, [op], [back], rank)
    loosen = ops.AlterColumnOp(
        op.table_name,
        column.name,
        schema=schema,
        existing_type=column.type,
        existing_nullable=False,
        modify_nullable=True,
    )
    tighten = SetNotNullOp(op.table_name, column.name, schema=schema, if_filled=True, plain=True)
    yield Step(EXPAND, [CommentOp(LEFT_OUT), loosen], [CommentOp(COMES_BACK), tighten])


def _restored(context: MigrationContext, op: ops.DropColumnOp) -> sa.Column[Any]:
    """Return a dropped column as the downgrade adds it again, by the catalog."""
    column = op.to_column()
    name = column_comparison.full_name(context, op.schema, op.table_name, op.column_name)
    state = column_comparison.of(context).existing.get(name)
    if state is None:
        return column
    kind = column_types.of_database(context.connection, column, state.type, state.collation)
    if state.numbering and state.numbering.is_serial:
        kind = RawType(column_state.SERIALS[state.numbering.type])
    return column_steps.changed(column, type=kind)
