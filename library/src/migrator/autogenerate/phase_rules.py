"""Each difference as operations that can be run beside others, and the phase they belong to."""

from collections.abc import Iterator
from dataclasses import dataclass

from alembic.operations import MigrateOperation, ops
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate import columns
from migrator.autogenerate.steps import CONSTRAINT, FIRST, INDEX, Step, outside, plain
from migrator.operations.create_index_concurrently import CreateIndexConcurrentlyOp
from migrator.operations.drop_constraint_if_exists import DropConstraintIfExistsOp
from migrator.operations.drop_index_concurrently import DropIndexConcurrentlyOp
from migrator.operations.operation import validated
from migrator.revisions.attributes import CONTRACT, EXPAND

Table = tuple[str | None, str]  # schema and name


@dataclass
class Known:
    """What has to be known of the whole difference to judge one operation of it."""

    context: MigrationContext
    created: set[Table]
    dropped: set[Table]
    added: set[tuple[str | None, str, str]]  # schema, table and name of indexes and constraints

    @classmethod
    def of(cls, context: MigrationContext, upgrade: ops.UpgradeOps) -> "Known":
        """Look through all operations."""
        known = cls(context, set(), set(), set())
        for op in upgrade.ops:
            if isinstance(op, ops.CreateTableOp):
                known.created.add((op.schema, op.table_name))
            elif isinstance(op, ops.DropTableOp):
                known.dropped.add((op.schema, op.table_name))
            elif isinstance(op, ops.ModifyTableOps):
                for leaf in op.ops:
                    name = getattr(leaf, "index_name", None) or getattr(
                        leaf, "constraint_name", None
                    )
                    if isinstance(leaf, ops.CreateIndexOp | ops.AddConstraintOp):
                        known.added.add((op.schema, op.table_name, str(name)))
        return known


def steps(known: Known, op: MigrateOperation, table: Table | None) -> Iterator[Step]:
    """Yield what to do about one difference on an existing table (or about a whole table)."""
    if table in known.created:
        yield plain(op)
    elif table in known.dropped or isinstance(op, ops.DropTableOp):
        yield plain(op, CONTRACT)
    elif isinstance(op, ops.CreateIndexOp):
        yield outside(EXPAND, CreateIndexConcurrentlyOp.from_index(op.to_index()), rank=INDEX)
    elif isinstance(op, ops.DropIndexOp):
        yield _drop_index(known, op)
    elif isinstance(op, ops.AddConstraintOp):
        yield _add_constraint(op)
    elif isinstance(op, ops.DropConstraintOp):
        yield _drop_constraint(known, op)
    elif isinstance(op, ops.AddColumnOp):
        yield from columns.add(known.context, op)
    elif isinstance(op, ops.AlterColumnOp):
        yield from columns.alter(known.context, op)
    elif isinstance(op, ops.DropColumnOp):
        yield from columns.drop(op)
    else:
        yield plain(op)


def _drop_index(known: Known, op: ops.DropIndexOp) -> Step:
    drop = DropIndexConcurrentlyOp.from_index(op.to_index())
    replaced = (op.schema, op.table_name, str(op.index_name)) in known.added
    if op.kw.get("unique") and not replaced:
        # The code that runs may rely on it: INSERT ... ON CONFLICT.
        return outside(CONTRACT, drop, rank=FIRST)
    return outside(EXPAND, drop, rank=FIRST if replaced else INDEX)


def _add_constraint(op: ops.AddConstraintOp) -> Step:
    safe = validated(op)
    if safe is None:
        return plain(op)
    return outside(EXPAND, safe, rank=INDEX if op.constraint_type == "unique" else CONSTRAINT)


def _drop_constraint(known: Known, op: ops.DropConstraintOp) -> Step:
    if (op.schema, op.table_name, str(op.constraint_name)) in known.added:
        drop = DropConstraintIfExistsOp.from_constraint(op.to_constraint())
        return outside(EXPAND, drop, rank=FIRST)
    # The code that runs may rely on a unique one: INSERT ... ON CONFLICT.
    return plain(op, CONTRACT if op.constraint_type == "unique" else EXPAND)
