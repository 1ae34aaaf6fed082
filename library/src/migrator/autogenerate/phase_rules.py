"""Each difference as operations that can be run beside others, and the phase they belong to."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from alembic.operations import MigrateOperation, ops
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate import changed_columns, dependents, dropped_columns, new_columns, probe
from migrator.autogenerate.cannot_break_old_code import is_unnoticed
from migrator.autogenerate.renamed_constraints import RenameOp
from migrator.autogenerate.replacements import CommentOnOp, Defined, Replacement, in_transaction
from migrator.autogenerate.steps import (
    CONSTRAINT,
    FIRST,
    GENERATED,
    INDEX,
    PLAIN,
    Step,
    outside,
    plain,
)
from migrator.autogenerate.table_order import LateForeignKeyOp
from migrator.operations.create_index_concurrently import CreateIndexConcurrentlyOp
from migrator.operations.drop_constraint_if_exists import DropConstraintIfExistsOp
from migrator.operations.drop_index_concurrently import DropIndexConcurrentlyOp
from migrator.operations.operation import validated
from migrator.operations.replace_index import ReplaceIndexOp
from migrator.operations.validate_constraint import ValidateConstraintOp
from migrator.postgres import sql
from migrator.revisions.phase_and_transaction import CONTRACT, EXPAND

Table = tuple[str | None, str]  # schema and name
Made = ops.CreateIndexOp | ops.AddConstraintOp
Gone = ops.DropIndexOp | ops.DropConstraintOp


@dataclass
class Known:
    """What has to be known of the whole difference to judge one operation of it.

    Attributes:
        created: the new tables.
        dropped: the tables that are dropped.
        added: the names of new indexes and constraints, with their schemas.
        removed: likewise, of those that are dropped.
        columns: the new columns of tables, as the expand phase adds them.
        dependents: the indexes and constraints that are dropped with a column.
        rewritten: the columns that a rewrite of the table gives another type, and new ones that are
            made of them.
    """

    context: MigrationContext
    created: set[Table] = field(default_factory=set)
    dropped: set[Table] = field(default_factory=set)
    added: set[Table] = field(default_factory=set)
    removed: set[Table] = field(default_factory=set)
    columns: dict[Table, list[sa.Column[Any]]] = field(default_factory=dict)
    dependents: dict[Table, set[str]] = field(default_factory=dict)
    rewritten: dict[Table, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, context: MigrationContext, upgrade: ops.UpgradeOps) -> "Known":
        """Look through all operations."""
        known = cls(context)
        for op in upgrade.ops:
            if isinstance(op, ops.CreateTableOp):
                known.created.add((op.schema, op.table_name))
            elif isinstance(op, ops.DropTableOp):
                known.dropped.add((op.schema, op.table_name))
            elif isinstance(op, ops.ModifyTableOps):
                for leaf in op.ops:
                    known.learn(leaf, (op.schema, op.table_name))
        for table, columns in known.columns.items():
            waiting = (each.name for each in columns if known.waits(each, table))
            known.rewritten.setdefault(table, set()).update(waiting)
        return known

    def waits(self, column: sa.Column[Any], table: Table) -> bool:
        """Whether a new generated column names another one that gets another type."""
        expression = str(column.computed.sqltext) if column.computed is not None else ""
        return any(name in expression for name in self.rewritten.get(table, ()))

    def learn(self, op: MigrateOperation, table: Table) -> None:
        """Look at one operation."""
        if isinstance(op, Made):
            self.added.add(_name(op))
        elif isinstance(op, Gone):
            self.removed.add(_name(op))
        elif isinstance(op, ops.AddColumnOp):
            self.columns.setdefault(table, []).append(new_columns.as_added(op.column))
        elif isinstance(op, ops.DropColumnOp):
            self.dependents.setdefault(table, set()).update(dependents.of(self.context, op))
        elif isinstance(op, ops.AlterColumnOp) and probe.rewrites_table(self.context, op):
            self.rewritten.setdefault(table, set()).add(op.column_name)

    def replaces(self, op: Made | Gone) -> bool:
        """Whether something of the same name is dropped and made."""
        return _name(op) in self.added & self.removed

    def goes_with_column(self, op: Gone, table: Table) -> bool:
        """Whether it is dropped with a column, and nothing else takes its name before."""
        return _name(op)[1] in self.dependents.get(table, ()) and not self.replaces(op)

    def phase(self, op: Made, table: Table) -> str:
        """Return the phase of a new index or constraint on a table that was there before."""
        if self.replaces(op):
            return CONTRACT
        new = self.columns.get(table, ())
        return EXPAND if is_unnoticed(self.context, op, new) else CONTRACT


def steps(known: Known, op: MigrateOperation, table: Table | None) -> Iterator[Step]:
    """Yield what to do about one difference on an existing table (or about a whole table)."""
    if table in known.created and not isinstance(op, LateForeignKeyOp):
        yield plain(op)
    elif table in known.dropped or isinstance(op, ops.DropTableOp):
        yield plain(op, CONTRACT)
    elif isinstance(op, Made) and table:
        yield _made(known, op, table)
    elif isinstance(op, Gone) and table and known.goes_with_column(op, table):
        # Made again after the column, which comes back first.
        yield Step(CONTRACT, [], [op.reverse()], CONSTRAINT)
    elif isinstance(op, ops.DropIndexOp):
        yield _drop_index(known, op)
    elif isinstance(op, ops.DropConstraintOp):
        yield _drop_constraint(known, op)
    elif isinstance(op, Replacement) and table:
        yield _replaced(known, op, table)
    elif isinstance(op, ValidateConstraintOp):
        yield outside(EXPAND, op, rank=CONSTRAINT)
    elif isinstance(op, RenameOp):
        # INSERT ... ON CONFLICT ON CONSTRAINT names a constraint; no statement names an index.
        yield plain(op, EXPAND if op.is_index else CONTRACT, FIRST)
    elif isinstance(op, CommentOnOp):
        yield plain(op, CONTRACT if op.is_new else EXPAND)
    elif isinstance(op, ops.AddColumnOp):
        for step in new_columns.add(known.context, op):
            yield _generated(known, step, op, table) if op.column.computed is not None else step
    elif isinstance(op, ops.AlterColumnOp):
        yield from changed_columns.alter(known.context, op)
    elif isinstance(op, ops.DropColumnOp):
        yield from dropped_columns.drop(known.context, op)
    else:
        yield plain(op)


def _generated(known: Known, step: Step, op: ops.AddColumnOp, table: Table | None) -> Step:
    """Put a generated column behind the new types of the columns that its expression names."""
    assert table is not None
    waits = known.waits(op.column, table)
    return replace(step, rank=GENERATED, phase=CONTRACT if waits else step.phase)


def _made(known: Known, op: Made, table: Table) -> Step:
    if any(each in _columns(op) or each in _text(op) for each in known.rewritten.get(table, ())):
        # Behind the new type, which it may need, in the same transaction.
        return plain(op, CONTRACT, GENERATED)
    phase = known.phase(op, table)
    if isinstance(op, ops.CreateIndexOp):
        return outside(phase, CreateIndexConcurrentlyOp.from_index(op.to_index()), rank=INDEX)
    return _add_constraint(op, phase)


def _drop_index(known: Known, op: ops.DropIndexOp) -> Step:
    drop = DropIndexConcurrentlyOp.from_index(op.to_index())
    if isinstance(op, Defined):
        drop.back = op.back
    # The code that runs may rely on it: for INSERT ... ON CONFLICT, or to be fast.
    return outside(CONTRACT, drop, rank=FIRST if known.replaces(op) else PLAIN)


def _add_constraint(op: ops.AddConstraintOp, phase: str) -> Step:
    safe = validated(op)
    if safe is None:
        return plain(op, phase)
    return outside(phase, safe, rank=INDEX if op.constraint_type == "unique" else CONSTRAINT)


def _drop_constraint(known: Known, op: ops.DropConstraintOp) -> Step:
    if known.replaces(op):
        if isinstance(op, Defined):
            name = str(op.constraint_name)
            drop = DropConstraintIfExistsOp(name, op.table_name, schema=op.schema)
            drop.back = op.back
        else:
            drop = DropConstraintIfExistsOp.from_constraint(op.to_constraint())
        return outside(CONTRACT, drop, rank=FIRST)
    # A foreign key goes before what it refers to, and all of them before their columns change.
    rank = INDEX if op.constraint_type == "foreignkey" else CONSTRAINT
    return plain(op, CONTRACT, rank=rank)


def _replaced(known: Known, op: Replacement, table: Table) -> Step:
    if known.rewritten.get(table, set()) & op.columns:
        return plain(in_transaction(op), CONTRACT, GENERATED)
    rank = INDEX if isinstance(op, ReplaceIndexOp) or sql.is_key(op.definition) else CONSTRAINT
    # Code that runs may violate the new one, or need the old one for INSERT ... ON CONFLICT.
    kept = isinstance(op, ReplaceIndexOp) and not (op.unique or getattr(op.back, "unique", True))
    return outside(EXPAND if kept else CONTRACT, op, rank=rank)


def _columns(op: Made) -> set[str]:
    """Return the columns by their names, without those in expressions."""
    made = op.to_index() if isinstance(op, ops.CreateIndexOp) else op.to_constraint()
    return {column.name for column in getattr(made, "columns", ())}


def _text(op: Made) -> str:
    """Return the SQL in it, which may name columns."""
    if isinstance(op, ops.CreateIndexOp):
        index = op.to_index()
        expressions = (each for each in index.expressions if not isinstance(each, sa.Column))
        where = index.dialect_options["postgresql"]["where"]
        return " ".join(map(str, (*expressions, where)))
    return str(getattr(op.to_constraint(), "sqltext", ""))


def _name(op: Made | Gone) -> Table:
    name = getattr(op, "index_name", None) or getattr(op, "constraint_name", None)
    return getattr(op, "schema", None), str(name)
