"""What the steps of new, changed and dropped columns share."""

from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate.steps import FILL, CommentOp, Step, outside
from migrator.operations.backfill import BackfillOp
from migrator.operations.set_not_null import SetNotNullOp
from migrator.revisions.phase_and_transaction import CONTRACT

REWRITES = (
    "PostgreSQL rewrites {table} for this while nobody can read or write it. Without downtime:"
)


def not_null(table: str, column: str, schema: str | None, kind: Any, phase: str = CONTRACT) -> Step:
    """NOT NULL is of the contract, unless a default fills what the old code leaves out."""
    op = SetNotNullOp(table, column, schema=schema, existing_type=kind)
    return outside(phase, op, rank=FILL)


def fill(phase: str, *operations: ops.MigrateOperation) -> Step:
    """A backfill; nothing has to revert it."""
    return Step(phase, [*operations], [], FILL, transactional=False)


def backfill(
    column: sa.Column[Any] | None, op: ops.AddColumnOp | ops.AlterColumnOp, name: str, value: Any
) -> BackfillOp:
    """Return what fills a column, in the order of the table's primary key."""
    key = [each.name for each in column.table.primary_key] if column is not None else []
    return BackfillOp(op.table_name, {name: value}, key=key, schema=op.schema)


def rewriting(table: str, instead: str) -> CommentOp:
    """Return the comment on what rewrites a table, and what to do instead."""
    return CommentOp(REWRITES.format(table=table), instead)


def changed(column: sa.Column[Any], **attributes: Any) -> sa.Column[Any]:
    """Return a copy of a model's column, which itself must not change."""
    copy = column._copy()
    for name, value in attributes.items():
        setattr(copy, name, value)
    return copy


def in_models(
    context: MigrationContext, schema: str | None, table: str, name: str
) -> sa.Column[Any] | None:
    """Return the column of the models, None if there is none."""
    tables = context.opts["target_metadata"].tables
    found = tables.get(f"{schema}.{table}" if schema else table)
    return found.columns.get(name) if found is not None else None
