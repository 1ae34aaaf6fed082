"""New, changed and dropped columns of tables that hold rows."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate import (
    column_changes,
    column_state,
    column_types,
    defaults,
    probe,
    transition,
)
from migrator.autogenerate.column_changes import Change
from migrator.autogenerate.steps import FILL, CommentOp, Step, outside, plain
from migrator.operations import RawType, names
from migrator.operations.backfill import BackfillOp
from migrator.operations.set_not_null import SetNotNullOp
from migrator.revisions.attributes import CONTRACT, EXPAND

UNDECIDED = "Decide what the rows that are there get; None stops the upgrade if there are any."
AGAIN = "Once more, for the rows that the old code has written since."
REWRITES = (
    "PostgreSQL rewrites {table} for this while nobody can read or write it. Without downtime:"
)
INSTEAD = "add a column of the new type beside it, op.backfill it, and drop this one in the end."
INSTEAD_OF_NEW = "a column that the code fills; for a domain, a CHECK constraint of the table."
LEFT_OUT = "The new code writes rows without it."
LOSES = "Values of {column} do not stay the same; a downgrade does not bring them back."
COMES_BACK = "NOT NULL comes back only if no row is without a value."


def add(context: MigrationContext, op: ops.AddColumnOp) -> Iterator[Step]:
    """Yield the steps to a new column: at once if that is no work, else nullable first."""
    rewrites = probe.rewrites_table(context, op)
    first, *more = _add(context, op, rewrites)
    if rewrites:
        first.upgrade.insert(0, _rewriting(op.table_name, INSTEAD_OF_NEW))
    yield from (first, *more)


def as_added(column: sa.Column[Any]) -> sa.Column[Any]:
    """Return a new column as the expand phase adds it: nullable if nothing fills it."""
    if probe.is_serial(column):
        kind = column.type.dialect_impl(names.DIALECT)
        small, big = isinstance(kind, sa.SmallInteger), isinstance(kind, sa.BigInteger)
        name = "smallint" if small else "bigint" if big else "integer"
        return _changed(column, type=RawType(column_state.SERIALS[name]), nullable=False)
    made = column.computed is not None or column.identity is not None
    if made or column.nullable or defaults.has_server_default(column):
        return column
    return _changed(column, nullable=True)


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


def alter(context: MigrationContext, op: ops.AlterColumnOp) -> Iterator[Step]:
    """Yield the steps to a changed column; NOT NULL is a step of its own, and so is a comment."""
    change, probed = column_changes.change(context, op), probe.of(context, op)
    tightens = op.modify_nullable is False and not transition.is_replaced(change)
    if tightens:
        column = change.after.column
        yield from _fill_before(column, op)
        current = op.existing_type if op.modify_type is None else op.modify_type
        yield _not_null(op.table_name, op.column_name, op.schema, current)
    heavy = probed.rewrites is not False or probed.loses
    for part in _parts(change, heavy):
        up = transition.operations(op.table_name, op.schema, part, probed.using, tighten=False)
        back = part.reversed()
        down = transition.operations(
            op.table_name, op.schema, back, probed.back, tighten=not tightens
        )
        if tightens:
            down = [each for each in down if getattr(each, "modify_nullable", None) is not True]
        comments = []
        if up and probed.rewrites:
            comments.append(_rewriting(op.table_name, INSTEAD))
        if up and probed.loses:
            comments.append(CommentOp(LOSES.format(column=op.column_name)))
        if up or down:
            yield Step(_phase(part, heavy), [*comments, *up], down)


def _parts(change: Change, heavy: bool) -> list[Change]:
    """Return a change of the default, on which the old code relies, apart from the rest."""
    old, new = change.before.state, change.after.state
    rest = replace(new, default=old.default)
    same_kind = old.type.partition("(")[0] == new.type.partition("(")[0]
    numbered = (old.numbering, old.generated) == (new.numbering, new.generated)
    if heavy or not (old.default and same_kind and numbered) or rest in (old, new):
        return [change]
    column = _changed(change.after.column, server_default=change.before.column.server_default)
    middle = column_changes.Side(rest, column)
    return [Change(change.before, middle), Change(middle, change.after)]


def complete(context: MigrationContext, script: ops.MigrationScript) -> None:
    """Write changed columns into a revision that is not split, as PostgreSQL takes them."""
    for container, back in ((script.upgrade_ops, False), (script.downgrade_ops, True)):
        found = container.ops if container is not None else []
        modified = [op for op in found if isinstance(op, ops.ModifyTableOps)]
        for table in modified:
            table.ops = [each for op in table.ops for each in _completed(context, op, back)]


def _completed(
    context: MigrationContext, op: ops.MigrateOperation, back: bool
) -> list[ops.MigrateOperation]:
    if not isinstance(op, ops.AlterColumnOp):
        return [op]
    change, probed = column_changes.change(context, op), probe.of(context, op)
    using = probed.back if back else probed.using
    way = change.reversed() if back else change
    return transition.operations(op.table_name, op.schema, way, using)


def _phase(change: Change, heavy: bool) -> str:
    """Return when a change is deployed: what the old code can notice is for contract."""
    old, new = change.before.state, change.after.state
    # The old code may leave the column out, and relies on what fills it in.
    filled = old.default or old.numbering or old.generated
    refills = (old.default, old.numbering, old.generated) != (
        new.default,
        new.numbering,
        new.generated,
    )
    refuses = new.generated or (new.numbering and new.numbering.kind == "always")
    return CONTRACT if heavy or (refills and (filled or refuses)) else EXPAND


def drop(context: MigrationContext, op: ops.DropColumnOp) -> Iterator[Step]:
    """Yield the steps to a column that is gone: first the code may leave it out, then it goes."""
    column, schema = _restored(context, op), op.schema
    filled = column.server_default is not None or column.autoincrement is True
    if column.nullable or column.primary_key or filled:
        yield Step(CONTRACT, [op], [ops.AddColumnOp(op.table_name, column, schema=schema)])
        return
    back = ops.AddColumnOp(op.table_name, _changed(column, nullable=True), schema=schema)
    yield Step(CONTRACT, [op], [back])
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
    name = column_changes.full_name(context, op.schema, op.table_name, op.column_name)
    state = column_changes.of(context).existing.get(name)
    if state is None:
        return column
    kind = column_types.of_database(context.connection, column, state.type, state.collation)
    if state.numbering and state.numbering.is_serial:
        kind = RawType(column_state.SERIALS[state.numbering.type])
    return _changed(column, type=kind)


def _without_default(context: MigrationContext, op: ops.AddColumnOp) -> Iterator[Step]:
    add = ops.AddColumnOp(op.table_name, as_added(op.column), schema=op.schema)
    yield Step(EXPAND, [add], [add.reverse()])
    value = defaults.python_default(op.column)
    column = _model_column(context, op.schema, op.table_name, op.column.name)
    comment = [CommentOp(UNDECIDED)] if value is None else []
    yield _fill(EXPAND, *comment, _backfill(column, op, op.column.name, value))
    again = _backfill(column, op, op.column.name, value)
    yield _fill(CONTRACT, CommentOp(AGAIN), again)
    yield _not_null(op.table_name, op.column.name, op.schema, op.column.type)


def _with_volatile_default(context: MigrationContext, op: ops.AddColumnOp) -> Iterator[Step]:
    column = op.column
    default = defaults.server_default(column)
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
    yield _fill(EXPAND, _backfill(model, op, column.name, sa.text(default)))
    if not column.nullable:
        yield _not_null(op.table_name, column.name, op.schema, column.type, EXPAND)


def _fill_before(column: sa.Column[Any] | None, op: ops.AlterColumnOp) -> Iterator[Step]:
    if column is None:
        return
    value: Any = defaults.python_default(column)
    if defaults.has_server_default(column):
        value = sa.text(defaults.server_default(column))
    if value is not None:
        yield _fill(CONTRACT, _backfill(column, op, op.column_name, value))


def _not_null(
    table: str, column: str, schema: str | None, kind: Any, phase: str = CONTRACT
) -> Step:
    """NOT NULL is of the contract, unless a default fills what the old code leaves out."""
    op = SetNotNullOp(table, column, schema=schema, existing_type=kind)
    return outside(phase, op, rank=FILL)


def _fill(phase: str, *operations: ops.MigrateOperation) -> Step:
    """A backfill; nothing has to revert it."""
    return Step(phase, [*operations], [], FILL, transactional=False)


def _backfill(
    column: sa.Column[Any] | None, op: ops.AddColumnOp | ops.AlterColumnOp, name: str, value: Any
) -> BackfillOp:
    key = [each.name for each in column.table.primary_key] if column is not None else []
    return BackfillOp(op.table_name, {name: value}, key=key, schema=op.schema)


def _rewriting(table: str, instead: str) -> CommentOp:
    return CommentOp(REWRITES.format(table=table), instead)


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
