"""Changed columns of tables that hold rows."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate import (
    column_comparison,
    column_steps,
    defaults,
    held_columns,
    probe,
    transition,
)
from migrator.autogenerate.column_comparison import Change
from migrator.autogenerate.steps import GENERATED, PLAIN, CommentOp, Step
from migrator.revisions.phase_and_transaction import CONTRACT, EXPAND

INSTEAD = "add a column of the new type beside it, op.backfill it, and drop this one in the end."
LOSES = "Values of {column} do not stay the same; a downgrade does not bring them back."


def alter(context: MigrationContext, op: ops.AlterColumnOp) -> Iterator[Step]:
    """Yield the steps to a changed column; NOT NULL is a step of its own, and so is a comment."""
    change, probed = column_comparison.change(context, op), probe.of(context, op)
    tightens = op.modify_nullable is False and not transition.is_replaced(change)
    if tightens:
        column = change.after.column
        yield from _fill_before(column, op)
        current = op.existing_type if op.modify_type is None else op.modify_type
        yield column_steps.not_null(op.table_name, op.column_name, op.schema, current)
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
            comments.append(column_steps.rewriting(op.table_name, INSTEAD))
        if up and probed.loses:
            comments.append(CommentOp(LOSES.format(column=op.column_name)))
        if up or down:
            retypes = part.retypes and not transition.is_replaced(part)
            name = held_columns.written(op.schema, op.table_name, op.column_name)
            yield Step(
                _phase(part, heavy),
                [*comments, *up],
                down,
                # It is made again before, with the columns that it was made of.
                GENERATED if change.reversed().is_derived_anew else PLAIN,
                retypes=name if retypes else "",
            )


def _parts(change: Change, heavy: bool) -> list[Change]:
    """Return a change of the default, on which the old code relies, apart from the rest."""
    old, new = change.before.state, change.after.state
    rest = replace(new, default=old.default)
    same_kind = old.type.partition("(")[0] == new.type.partition("(")[0]
    numbered = (old.numbering, old.generated) == (new.numbering, new.generated)
    if heavy or not (old.default and same_kind and numbered) or rest in (old, new):
        return [change]
    column = column_steps.changed(
        change.after.column, server_default=change.before.column.server_default
    )
    middle = column_comparison.Side(rest, column)
    return [Change(change.before, middle), Change(middle, change.after)]


def complete(context: MigrationContext, script: ops.MigrationScript) -> None:
    """Write changed columns into a revision that is not split, as PostgreSQL takes them."""
    for container, back in ((script.upgrade_ops, False), (script.downgrade_ops, True)):
        found = container.ops if container is not None else []
        modified = [op for op in found if isinstance(op, ops.ModifyTableOps)]
        columns = [held_columns.written(*each) for each in held_columns.retyped(context)]
        if pair := held_columns.around(context, columns):
            found[:] = [pair[0], *found, pair[1]]
        for table in modified:
            table.ops = [each for op in table.ops for each in _completed(context, op, back)]


def _completed(
    context: MigrationContext, op: ops.MigrateOperation, back: bool
) -> list[ops.MigrateOperation]:
    if not isinstance(op, ops.AlterColumnOp):
        return [op]
    change, probed = column_comparison.change(context, op), probe.of(context, op)
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
    key = change.before.column.primary_key and not new.not_null  # which goes first
    return CONTRACT if heavy or key or (refills and (filled or refuses)) else EXPAND


def _fill_before(column: sa.Column[Any] | None, op: ops.AlterColumnOp) -> Iterator[Step]:
    if column is None:
        return
    value: Any = defaults.python_default(column)
    if defaults.has_server_default(column):
        value = sa.text(defaults.server_default(column))
    if value is not None:
        yield column_steps.fill(CONTRACT, column_steps.backfill(column, op, op.column_name, value))
