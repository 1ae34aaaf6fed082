"""Columns that something holds: a view, a generated column, a policy or a trigger, or a foreign key
whose other column gets another type as well.

PostgreSQL refuses to change their types, so what holds them is dropped and made again.
"""

from collections.abc import Iterator, Sequence

from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate import column_comparison, comparison, retyped_definitions, transition
from migrator.autogenerate.column_comparison import Name
from migrator.autogenerate.column_steps import changed
from migrator.autogenerate.replacements import Replacement, in_transaction
from migrator.autogenerate.retyped_definitions import Retyped
from migrator.autogenerate.steps import AFTER, BEFORE, CONSTRAINT, GENERATED, CommentOp, Step
from migrator.catalog import Key
from migrator.operations import dependents, names
from migrator.operations.drop_dependents import DropDependentsOp
from migrator.operations.replace_column import ReplaceColumnOp
from migrator.operations.replace_constraint import ReplaceConstraintOp
from migrator.operations.restore_dependents import RestoreDependentsOp
from migrator.revisions.phase_and_transaction import CONTRACT, EXPAND

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
    done = list(found)
    for phase in (EXPAND, CONTRACT):
        own = [each for each in done if each.phase == phase and each.retypes]
        columns = sorted({each.retypes for each in own})
        if columns and (names_held := [*_names(context, columns)]):
            done = _complete(context, phase, done, columns, names_held[0])
    return done


def _complete(
    context: MigrationContext, phase: str, found: list[Step], columns: list[str], first: Name
) -> list[Step]:
    pair = around(context, columns)
    replacing = [each for each in found if _redefines(context, each)]
    if not (pair or replacing):
        return found
    changes = [op for each in found if each.phase == phase and each.retypes for op in each.upgrade]
    replaced = _replaced(context, [each for each in found if each.phase == phase], columns)
    first_of_all, last = ([pair[0]], [pair[1]]) if pair else ([], [])
    added = [op for each in replaced for op in _added(each.upgrade)]
    tried = [*first_of_all, *changes, *added]
    tried = [op for op in tried if not isinstance(op, CommentOp)]
    became = retyped_definitions.of(context, first, columns, tried, last)
    others = [each for each in found if each not in replacing]
    again = [new for each in replacing for new in _redefined(context, each, phase, became)]
    if pair is None:
        return [*others, *again]
    return [*_held(phase, others, replaced, pair, became), *again]


def _replaced(context: MigrationContext, own: list[Step], columns: list[str]) -> list[Step]:
    """Return the steps that replace a generated column which is dropped with the others."""
    assert context.connection is not None
    query = dependents.generated(columns)
    rows = context.connection.exec_driver_sql(query, execution_options=RAW)
    dropped = {tuple(row) for row in rows}
    return [each for each in own if _replaces(context, each) in dropped]


def _held(
    phase: str,
    found: list[Step],
    replaced: list[Step],
    pair: tuple[DropDependentsOp, RestoreDependentsOp],
    became: Retyped | None,
) -> list[Step]:
    before, after = pair
    as_they_were = RestoreDependentsOp(became.changed if became else {})
    # Such a column is not made again as it was, but as it has to be.
    return [
        *(Step(phase, _added(each.upgrade), [], AFTER) for each in replaced),
        *(each for each in found if each not in replaced),
        Step(phase, [before], [as_they_were], BEFORE),
        *(Step(phase, [], _added(each.downgrade), BEFORE) for each in replaced),
        Step(phase, [after], [before], AFTER),
    ]


def _names(context: MigrationContext, columns: Sequence[str]) -> Iterator[Name]:
    """Yield the columns that are written so."""
    yield from (each for each in retyped(context) if written(*each) in columns)


def _redefines(context: MigrationContext, step: Step) -> bool:
    """Whether a step replaces an index or a constraint that names a column of another type."""
    for op in step.upgrade:
        if isinstance(op, Replacement) and isinstance(op.back, Replacement):
            texts = (op.definition, op.back.definition)
            return any(
                (schema, table) == (op.schema, op.table_name)
                and (column in op.columns or any(column in text for text in texts))
                for schema, table, column in retyped(context)
            )
    return False


def _redefined(
    context: MigrationContext, step: Step, phase: str, became: Retyped | None
) -> Iterator[Step]:
    """Yield the steps to such a definition: it is written after the types, both ways."""
    (op,) = step.upgrade
    assert isinstance(op, Replacement)
    kind, name = "index", getattr(op, "index_name", "")
    if isinstance(op, ReplaceConstraintOp):
        kind, name = "constraint", op.constraint_name
    key = Key(kind, column_comparison.full_name(context, op.schema, op.table_name, name))
    yield Step(phase, [], [in_transaction(op.back)], CONSTRAINT)
    if became and became.is_as(comparison.of(context).models, key):
        return
    if phase == CONTRACT:
        yield Step(phase, [in_transaction(op)], [], GENERATED)
    else:
        yield step


def _replaces(context: MigrationContext, step: Step) -> tuple[str, ...]:
    """Return the column that a step replaces, as the catalog has it."""
    for op in step.upgrade:
        if isinstance(op, ReplaceColumnOp):
            return column_comparison.full_name(context, op.schema, op.table_name, op.column.name)
    return ()


def _added(operations: Sequence[ops.MigrateOperation]) -> list[ops.MigrateOperation]:
    """Return the same with the columns added, whose indexes come back with the other dependents."""
    return [
        ops.AddColumnOp(
            op.table_name, changed(op.column, index=None, unique=None), schema=op.schema
        )
        if isinstance(op, ReplaceColumnOp)
        else op
        for op in operations
    ]
