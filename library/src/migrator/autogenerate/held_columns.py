"""Columns that something holds: a view, a generated column, a policy or a trigger, or a foreign key
whose other column gets another type as well.

PostgreSQL refuses to change their types, so what holds them is dropped and made again.
"""

from collections.abc import Sequence

from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate import column_comparison, transition
from migrator.autogenerate.column_comparison import Name
from migrator.autogenerate.steps import AFTER, BEFORE, Step
from migrator.operations import dependents, names
from migrator.operations.drop_dependents import DropDependentsOp
from migrator.operations.replace_column import ReplaceColumnOp
from migrator.operations.restore_dependents import RestoreDependentsOp
from migrator.revisions.attributes import CONTRACT, EXPAND

RAW = {"no_parameters": True}


def written(schema: str | None, table: str, column: str) -> str:
    """Return a column with its table, as SQL writes it."""
    return f"{names.quoted(table, schema)}.{names.column(column)}"


def retyped(context: MigrationContext) -> list[Name]:
    """Return the columns that get another type where they are."""
    return [
        name
        for name, change in column_comparison.of(context).changes.items()
        if change.retypes and not transition.is_replaced(change)
    ]


def around(
    context: MigrationContext, columns: Sequence[str]
) -> tuple[DropDependentsOp, RestoreDependentsOp] | None:
    """Return what stands before and behind a change of the types of columns, if they are held."""
    assert context.connection is not None
    if not columns:
        return None
    query = dependents.count(columns)
    held = context.connection.exec_driver_sql(query, execution_options=RAW).scalar_one()
    return (DropDependentsOp(*columns), RestoreDependentsOp()) if held else None


def complete(context: MigrationContext, found: Sequence[Step]) -> list[Step]:
    """Return the steps of a difference, with what has to be around those that change types."""
    return [
        step
        for phase in (EXPAND, CONTRACT)
        for step in _complete(context, phase, [each for each in found if each.phase == phase])
    ]


def _complete(context: MigrationContext, phase: str, found: list[Step]) -> list[Step]:
    columns = sorted({each.retypes for each in found if each.retypes})
    if not (pair := around(context, columns)):
        return found
    assert context.connection is not None
    query = dependents.generated(columns)
    rows = context.connection.exec_driver_sql(query, execution_options=RAW)
    dropped = {tuple(row) for row in rows}
    replaced = [each for each in found if _replaces(context, each) in dropped]
    before, after = pair
    # Such a column is not made again as it was, but as it has to be.
    return [
        *(Step(phase, _added(each.upgrade), [], AFTER) for each in replaced),
        *(each for each in found if each not in replaced),
        Step(phase, [before], [after], BEFORE),
        *(Step(phase, [], _added(each.downgrade), BEFORE) for each in replaced),
        Step(phase, [after], [before], AFTER),
    ]


def _replaces(context: MigrationContext, step: Step) -> tuple[str, ...]:
    """Return the column that a step replaces, as the catalog has it."""
    for op in step.upgrade:
        if isinstance(op, ReplaceColumnOp):
            return column_comparison.full_name(context, op.schema, op.table_name, op.column.name)
    return ()


def _added(operations: Sequence[ops.MigrateOperation]) -> list[ops.MigrateOperation]:
    return [
        ops.AddColumnOp(op.table_name, op.column, schema=op.schema)
        if isinstance(op, ReplaceColumnOp)
        else op
        for op in operations
    ]
