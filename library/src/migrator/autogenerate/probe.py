"""A probe that asks PostgreSQL what a change does, instead of knowing all of its rules.

The change is made to the real table, in the shadow database and in a savepoint that is rolled
back: a table that was rewritten has another file afterwards. What the same revision makes before
(types, other columns of the table) is made first.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from alembic.operations import MigrateOperation, ops
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate import column_comparison, conversions, held_columns, transition, trial
from migrator.autogenerate.column_comparison import Change
from migrator.autogenerate.trial import Trial
from migrator.operations import names
from migrator.operations.drop_dependents import DropDependentsOp
from migrator.operations.restore_dependents import RestoreDependentsOp
from migrator.postgres import converted_values

KEY = "migrator_probes"  # in the options of Alembic's context


@dataclass(frozen=True)
class Probed:
    """What PostgreSQL does for a change.

    Attributes:
        rewrites: the table is written anew; None if that could not be tried.
        error: why not, or why the change is impossible.
        using: what the values become, in SQL; None if PostgreSQL converts them by itself.
        back: likewise, when the change is reverted.
        loses: values would not be the same after going there and back.
        alike: the types are of one kind, such as numbers, so that values can be compared.
        reverts: the change can be reverted.
    """

    rewrites: bool | None
    error: str = ""
    using: str | None = None
    back: str | None = None
    loses: bool = False
    alike: bool = True
    reverts: bool = True


def rewrites_table(context: MigrationContext, op: MigrateOperation) -> bool:
    """Whether a change rewrites its table; also if that could not be tried.

    A default that differs from row to row does so too, but there is another way to it.
    """
    if isinstance(op, ops.AlterColumnOp | ops.AddColumnOp):
        return of(context, op).rewrites is not False
    return False


def of(context: MigrationContext, op: ops.AlterColumnOp | ops.AddColumnOp) -> Probed:
    """Return what PostgreSQL does for a changed or a new column; it is asked once."""
    probes: dict[Any, Probed] = context.opts.setdefault(KEY, {})
    name = op.column.name if isinstance(op, ops.AddColumnOp) else op.column_name
    key = (op.schema, op.table_name, name)
    if key not in probes:
        probes[key] = _probe(context, op)
    return probes[key]


def rewrites_for_default(context: MigrationContext, op: ops.AddColumnOp) -> bool:
    """Whether the default of a new column differs from row to row, so each has to be written."""
    if op.column.server_default is None:
        return False
    return _added(context, op, _whole(context, op)).rewrites is not False


def is_serial(column: sa.Column[Any]) -> bool:
    """Whether a sequence of its own numbers a new column."""
    if column.identity is not None or column.server_default is not None:
        return False
    return column.table is not None and column is column.table._autoincrement_column


def _probe(context: MigrationContext, op: ops.AlterColumnOp | ops.AddColumnOp) -> Probed:
    if isinstance(op, ops.AddColumnOp):
        made = op.column.computed or op.column.identity or is_serial(op.column)
        return _added(context, op, _whole(context, op) if made else _bare(op))
    change = column_comparison.change(context, op)
    if not (change.retypes or transition.is_replaced(change)):
        return Probed(rewrites=False)
    with trial.of(context, op.table_name, op.schema, op.column_name) as table:
        return _changed(table, op, change)


def _added(context: MigrationContext, op: ops.AddColumnOp, statement: str) -> Probed:
    with trial.of(context, op.table_name, op.schema, str(op.column.name)) as table:
        before = table.files()
        error = table.attempt([transition.execute(statement)])
        return Probed(rewrites=None, error=error) if error else _rewritten(table, before)


def _changed(table: Trial, op: ops.AlterColumnOp, change: Change) -> Probed:
    before = table.files()
    using, error = _way(table, op, change)
    if error and transition.is_replaced(change):
        rewrites = change.after.state.stored
        if not (error := _beside_others(table, op, change)):
            return Probed(rewrites, loses=change.before.state.generated is None, alike=False)
    if error:
        return Probed(rewrites=None, error=error)
    rewrites = table.files() != before
    if transition.is_replaced(change):
        # The values that are there go, unless they were derived before.
        loses = change.before.state.generated is None
        back, error = _way(table, op, change.reversed())
        return Probed(rewrites, error, loses=loses, alike=False, reverts=not error)
    conversion = conversions.of(change, using)
    alike = converted_values.alike(table.connection, conversion)
    loses = conversions.keeps_one(change, using) or conversions.nests(change, using)
    loses = loses or (alike and converted_values.loses(table.connection, conversion))
    if loses and using is None:
        using = conversions.explicit(change)
    back, error = _way(table, op, change.reversed())
    loses = loses or conversions.nests(change.reversed(), back)
    return Probed(rewrites, error, using, back, loses, alike, reverts=not error)


def _way(table: Trial, op: ops.AlterColumnOp, change: Change) -> tuple[str | None, str]:
    """Apply a change as a revision does, without what holds the columns."""
    if transition.is_replaced(change):
        return _first(table, op, change)
    held = [held_columns.written(*each) for each in held_columns.retyped(table.context)]
    if change.before.state.generated:  # what it is made of is as it was
        held = [held_columns.written(op.schema, op.table_name, op.column_name)]
    table.attempt([DropDependentsOp(*held)])
    found = _first(table, op, change)
    table.attempt([RestoreDependentsOp()])
    return found


def _beside_others(table: Trial, op: ops.AlterColumnOp, change: Change) -> str:
    """Add a generated column as it has to be, once those that it is made of have their types."""
    held = held_columns.retyped(table.context)
    table.attempt([DropDependentsOp(*(held_columns.written(*each) for each in held))])
    changes = column_comparison.of(table.context).changes
    for schema, name, column in held:
        if (schema, name) == (op.schema, op.table_name):
            _first(table, op, changes[schema, name, column])
    new = change.after.column._copy()
    return table.attempt([ops.AddColumnOp(op.table_name, new, schema=op.schema)])


def _first(table: Trial, op: ops.AlterColumnOp, change: Change) -> tuple[str | None, str]:
    """Apply a change with the first way of converting values that PostgreSQL accepts."""
    errors = []
    for using in conversions.candidates(change):
        if not conversions.is_possible(table.connection, change, using):
            continue
        made = transition.operations(op.table_name, op.schema, change, using)
        if not (error := table.attempt(made)):
            return using, ""
        errors.append(error)
    return None, errors[0]


def _rewritten(table: Trial, before: list[str]) -> Probed:
    return Probed(rewrites=table.files() != before)


def _whole(context: MigrationContext, op: ops.AddColumnOp) -> str:
    description = names.column_definition(op.column, context.dialect)
    return f"ALTER TABLE {names.quoted(op.table_name, op.schema)} ADD COLUMN {description}"


def _bare(op: ops.AddColumnOp) -> str:
    """Return SQL for a column that nothing fills: a domain may check that, row by row."""
    kind = op.column.type.compile(dialect=names.DIALECT)
    table, column = names.quoted(op.table_name, op.schema), names.column(op.column.name)
    return f"ALTER TABLE {table} ADD COLUMN {column} {kind}"
