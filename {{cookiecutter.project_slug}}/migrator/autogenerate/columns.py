"""New and changed columns of tables that hold rows."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate import probe
from migrator.autogenerate.steps import CONTRACT, EXPAND, FILL, ONLINE, CommentOp, Step, plain
from migrator.operations import catalog
from migrator.operations.backfill import BackfillOp
from migrator.operations.columns import SetNotNullOp

UNDECIDED = "Decide what the rows that are there get; None stops the upgrade if there are any."
AGAIN = "Once more, for the rows that the old code has written since."
REWRITES = (
    "PostgreSQL rewrites {table} for this while nobody can read or write it. Without downtime:",
    "add a column of the new type beside it, op.backfill it, and drop this one in the end.",
)


def add(context: MigrationContext, op: ops.AddColumnOp) -> Iterator[Step]:
    """Yield the steps to a new column: at once if that is no work, else nullable first."""
    column = op.column
    if column.computed is not None or column.identity is not None:
        comment = _rewrites(op.table_name) if probe.rewrites_table(context, op) else []
        yield Step(EXPAND, [*comment, op], [op.reverse()])
        return
    if column.server_default is None:
        if column.nullable:
            yield plain(op)
            return
        yield from _without_default(context, op)
    elif not probe.rewrites_for_default(context, op):
        yield plain(op)
    else:
        yield from _with_volatile_default(context, op)


def alter(context: MigrationContext, op: ops.AlterColumnOp) -> Iterator[Step]:
    """Yield the steps to a changed column; NOT NULL is a step of its own."""
    tightens = op.modify_nullable is False
    rewrites = probe.rewrites_table(context, op)
    if tightens:
        column = _model_column(context, op.schema, op.table_name, op.column_name)
        yield from _fill_before(column, op)
        current = op.existing_type if op.modify_type is None else op.modify_type
        yield _not_null(op.table_name, op.column_name, op.schema, current)
        op = _without_nullable(op)
    if op.has_changes():
        step = plain(op, CONTRACT if rewrites else EXPAND)
        step.upgrade[:0] = _rewrites(op.table_name) if rewrites else []
        yield step


def _without_default(context: MigrationContext, op: ops.AddColumnOp) -> Iterator[Step]:
    nullable = _changed(op.column, nullable=True)
    add = ops.AddColumnOp(op.table_name, nullable, schema=op.schema)
    yield Step(EXPAND, [add], [add.reverse()])
    value = _python_default(op.column)
    column = _model_column(context, op.schema, op.table_name, op.column.name)
    comment = [CommentOp(UNDECIDED)] if value is None else []
    yield Step(ONLINE, [*comment, _backfill(column, op, op.column.name, value)], [], FILL)
    again = _backfill(column, op, op.column.name, value)
    yield Step(CONTRACT, [CommentOp(AGAIN), again], [], FILL)
    yield _not_null(op.table_name, op.column.name, op.schema, op.column.type)


def _with_volatile_default(context: MigrationContext, op: ops.AddColumnOp) -> Iterator[Step]:
    column = op.column
    default = _default_sql(column)
    bare = _changed(column, nullable=True, server_default=None)
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
    model = _model_column(context, op.schema, op.table_name, column.name)
    yield Step(ONLINE, [_backfill(model, op, column.name, sa.text(default))], [], FILL)
    if not column.nullable:
        yield _not_null(op.table_name, column.name, op.schema, column.type, ONLINE)


def _fill_before(column: sa.Column[Any] | None, op: ops.AlterColumnOp) -> Iterator[Step]:
    if column is None:
        return
    has_default = column.server_default is not None
    value = sa.text(_default_sql(column)) if has_default else _python_default(column)
    if value is not None:
        yield Step(CONTRACT, [_backfill(column, op, op.column_name, value)], [], FILL)


def _not_null(
    table: str, column: str, schema: str | None, kind: Any, phase: str = CONTRACT
) -> Step:
    """NOT NULL is of the contract, unless a default fills what the old code leaves out."""
    back = ops.AlterColumnOp(table, column, schema=schema, existing_type=kind, modify_nullable=True)
    return Step(phase, [SetNotNullOp(table, column, schema=schema)], [back], FILL)


def _without_nullable(op: ops.AlterColumnOp) -> ops.AlterColumnOp:
    return ops.AlterColumnOp(
        op.table_name,
        op.column_name,
        schema=op.schema,
        existing_type=op.existing_type,
        existing_server_default=op.existing_server_default,
        existing_nullable=op.existing_nullable,
        existing_comment=op.existing_comment,
        modify_comment=op.modify_comment,
        modify_server_default=op.modify_server_default,
        modify_type=op.modify_type,
        **op.kw,
    )


def _backfill(
    column: sa.Column[Any] | None, op: ops.AddColumnOp | ops.AlterColumnOp, name: str, value: Any
) -> BackfillOp:
    key = [each.name for each in column.table.primary_key] if column is not None else []
    return BackfillOp(op.table_name, {name: value}, key=key, schema=op.schema)


def _rewrites(table: str) -> list[ops.MigrateOperation]:
    return [CommentOp(*(line.format(table=table) for line in REWRITES))]


def _changed(column: sa.Column[Any], **attributes: Any) -> sa.Column[Any]:
    """Return a copy of a model's column, which itself must not change."""
    copy = column._copy()
    for name, value in attributes.items():
        setattr(copy, name, value)
    return copy


def _model_column(
    context: MigrationContext, schema: str | None, table: str, name: str
) -> sa.Column[Any] | None:
    tables = context.opts["target_metadata"].tables
    found = tables.get(f"{schema}.{table}" if schema else table)
    return found.columns.get(name) if found is not None else None


def _python_default(column: sa.Column[Any]) -> Any:
    """Return the model's default if it is a plain value, None if there is none."""
    default = column.default
    value = getattr(default, "arg", None) if default is not None and default.is_scalar else None
    return value if isinstance(value, bool | int | float | str) else None


def _default_sql(column: sa.Column[Any]) -> str:
    default: Any = column.server_default
    if isinstance(default.arg, str):
        return catalog.literal(default.arg)
    compiled = default.arg.compile(dialect=catalog.DIALECT, compile_kwargs={"literal_binds": True})
    return str(compiled)
