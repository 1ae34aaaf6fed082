"""A primary key of other columns, together with the foreign keys that move to them.

A foreign key needs a key to refer to, and the old key cannot go while one refers to it. So the
index of the new key is built first, under the name that its replacement has; then the foreign keys
refer to that index, and then the key is replaced, which finds its index there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate import column_comparison
from migrator.autogenerate.replacements import Defined
from migrator.autogenerate.steps import AFTER, BEFORE, CONSTRAINT, FIRST, PLAIN, Step
from migrator.operations import swap
from migrator.operations.drop_constraint_if_exists import DropConstraintIfExistsOp
from migrator.operations.operation import validated
from migrator.operations.replace_constraint import ReplaceConstraintOp
from migrator.operations.replace_index import ReplaceIndexOp
from migrator.postgres import sql

# The foreign keys that refer to the primary key of a table.
REFERRING = """
SELECT n.nspname, t.relname, k.conname
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class t ON t.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_index i ON i.indexrelid = k.conindid AND i.indisprimary
JOIN pg_catalog.pg_class p ON p.oid = k.confrelid
WHERE k.contype = 'f' AND k.conparentid = 0 AND p.relnamespace = %s::regnamespace
  AND p.relname = %s
"""
Name = tuple[str, ...]


def complete(context: MigrationContext, found: Sequence[Step]) -> list[Step]:
    """Return the steps in an order in which each key and each foreign key finds what it needs."""
    done = list(found)
    for step in found:
        key = _key(step)
        if key is None:
            continue
        referring = set(_referring(context, key))
        moved = [each for each in found if _gone(context, each) in referring]
        if referring and {_gone(context, each) for each in moved} == referring:
            others = [each for each in done if each is not step and each not in moved]
            done = [*others, *_around(step, key), *map(_outside, moved)]
    return done


def _key(step: Step) -> ReplaceConstraintOp | None:
    """Return the operation of a step that replaces a primary key."""
    for op in step.upgrade:
        if isinstance(op, ReplaceConstraintOp) and isinstance(op.back, ReplaceConstraintOp):
            is_key = sql.begins(op.definition, "PRIMARY KEY")
            return op if is_key and not op.plain else None
    return None


def _referring(context: MigrationContext, key: ReplaceConstraintOp) -> Iterator[Name]:
    assert context.connection is not None
    schema, table = column_comparison.full_name(context, key.schema, key.table_name)
    quoted = context.dialect.identifier_preparer.quote(schema).replace("%%", "%")
    rows = context.connection.exec_driver_sql(REFERRING, (quoted, table))
    yield from (tuple(row) for row in rows)


def _gone(context: MigrationContext, step: Step) -> Name:
    """Return the constraint that a step drops or replaces."""
    for op in step.upgrade:
        if isinstance(op, ReplaceConstraintOp | ops.DropConstraintOp):
            name = str(op.constraint_name)
            return column_comparison.full_name(context, op.schema, op.table_name, name)
    return ()


def _around(step: Step, key: Any) -> Iterator[Step]:
    """Yield the steps of the key: its index before the foreign keys, the swap after them."""
    new, old = _index(key), _index(key.back)
    phase = step.phase
    yield Step(phase, [new], [], FIRST, transactional=False)
    yield Step(phase, step.upgrade, [], PLAIN, transactional=False)
    yield Step(phase, [], [old], AFTER, transactional=False)
    yield Step(phase, [], step.downgrade, FIRST, transactional=False)


def _index(key: ReplaceConstraintOp) -> ReplaceIndexOp:
    definition, _ = sql.key_index(key.definition)
    name = swap.temporary(key.constraint_name)
    return ReplaceIndexOp(name, key.table_name, definition, unique=True, schema=key.schema)


def _outside(step: Step) -> Step:
    """Return the step of a foreign key as it runs outside the transaction, like that of the key."""
    (op,) = step.upgrade
    if not isinstance(op, ops.DropConstraintOp):
        return replace(step, rank=CONSTRAINT)
    back: Any = op.back if isinstance(op, Defined) else validated(op.reverse())
    drop = DropConstraintIfExistsOp(str(op.constraint_name), op.table_name, schema=op.schema)
    return Step(step.phase, [drop], [back], BEFORE, transactional=False)
