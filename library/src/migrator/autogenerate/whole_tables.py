"""Created and dropped tables, complete and in an order in which they can be run.

Alembic's `op.create_table` leaves out what it cannot write (operator classes, comments of
constraints, triggers of events), and a dropped table comes back as SQLAlchemy has read it. So each
is tried in a savepoint and compared by the catalogs. What is missing follows as a statement; a
table that is different otherwise is written as SQL.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic.operations import MigrateOperation, ops
from alembic.runtime.migration import MigrationContext

from migrator.autogenerate import table_definition, table_order, table_trial
from migrator.autogenerate.comparison import Comparison
from migrator.autogenerate.models_schema import VIEWS
from migrator.autogenerate.steps import sql
from migrator.autogenerate.table_operations import CreateWholeTableOp, DropWholeTableOp
from migrator.autogenerate.table_order import LateForeignKeyOp, Tables
from migrator.catalog import Key, Schema
from migrator.operations import names

HAS_KEY = sa.text("""
SELECT EXISTS (
  SELECT FROM pg_index x
  WHERE x.indrelid = to_regclass(:name) AND x.indisunique AND x.indpred IS NULL
    AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text COLLATE "C") FROM pg_attribute a
         WHERE a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey[0:x.indnkeyatts - 1]))
      = CAST(:columns AS text[]))
""")
TableOp = ops.CreateTableOp | ops.ModifyTableOps | ops.DropTableOp


def complete(
    context: MigrationContext,
    script: ops.MigrationScript,
    comparison: Comparison,
    first: Sequence[MigrateOperation],
) -> None:
    """Put tables into order, and complete them.

    Args:
        first: what comes before them: their schemas, types and sequences.
    """
    upgrade = script.upgrade_ops
    assert upgrade is not None
    found = Tables.of(context, upgrade.ops)
    gone = {each.key for each in comparison.differences if each.after is None}
    found.dropped = [op for op in found.dropped if _key(context, op) in gone]
    found.others = list(_only_differences(context, found.others, gone, comparison.left_out))
    _created(context, comparison, found, first)
    _dropped(context, comparison, found)
    upgrade.ops[:] = found.in_order()
    script.downgrade_ops = upgrade.reverse()


def _only_differences(
    context: MigrationContext,
    others: Sequence[MigrateOperation],
    gone: Collection[Key],
    left_out: Collection[Key],
) -> Iterator[MigrateOperation]:
    """Leave out columns that are no difference: dropped ones that are inherited, accepted ones."""
    for op in others:
        if isinstance(op, ops.ModifyTableOps):
            table = _key(context, op).name
            op.ops = [
                leaf
                for leaf in op.ops
                if not isinstance(leaf, ops.DropColumnOp)
                or Key("column", (*table, leaf.column_name)) in gone
                if not isinstance(leaf, ops.AddColumnOp)
                or Key("column", (*table, str(leaf.column.name))) not in left_out
            ]
        if not isinstance(op, ops.ModifyTableOps) or op.ops:
            yield op


def _created(
    context: MigrationContext,
    comparison: Comparison,
    found: Tables,
    first: Sequence[MigrateOperation],
) -> None:
    views = {key.name: key.kind for key in comparison.existing.objects if key.kind in VIEWS}
    # A model of a view that a revision has made is no new table.
    created = [
        op
        for op in found.created
        if _key(context, op).name not in views and _key(context, op) not in comparison.left_out
    ]
    keys = {_key(context, op): CreateWholeTableOp.of(op) for op in created}
    for key in comparison.models.objects:  # what events of the models create besides
        if key.kind == "table" and key not in keys and key not in comparison.existing.objects:
            keys[key] = CreateWholeTableOp(key.name[1], [], schema=key.name[0])
    for key, op in keys.items():
        for kind in VIEWS:
            if view := comparison.models.objects.get(Key(kind, key.name)):
                op.word, op.only_more = kind.upper().replace("_", " "), True
                name = table_definition.full(*key.name)
                op.more = [*sql(f"CREATE {op.word} {name} AS {view['definition'].rstrip(';')}")]
    found.created = list(keys.values())
    found.of_created = [op for op in found.of_created if _key(context, op) in keys]
    waiting = list(_without_key(context, found.created))
    found.others += table_order.by_table(waiting)
    later = set(_named(context, [*found.foreign_keys, *waiting], comparison.models))
    table_trial.complete(context, keys, comparison.models, [*first], found, later)


def _without_key(
    context: MigrationContext, created: Sequence[ops.CreateTableOp]
) -> Iterator[ops.CreateForeignKeyOp]:
    """Take those foreign keys out of new tables that need a new key of a table that is there."""
    new = {_key(context, op).name for op in created}
    for op in created:
        for each in [*op.columns]:
            if not isinstance(each, sa.ForeignKeyConstraint):
                continue
            target = each.referred_table
            schema = target.schema or str(context.dialect.default_schema_name)
            columns = [element.column.name for element in each.elements]
            if (schema, target.name) not in new and not _has_key(context, target, columns):
                op.columns = [item for item in op.columns if item is not each]
                yield LateForeignKeyOp.from_constraint(each)


def _has_key(context: MigrationContext, table: sa.Table, columns: Sequence[str]) -> bool:
    if context.connection is None or context.dialect.name != "postgresql":
        return True  # SQLite asks only when a row is written
    name = context.dialect.identifier_preparer.format_table(table)
    found = context.connection.execute(HAS_KEY, {"name": name, "columns": sorted(columns)})
    return bool(found.scalar_one())


def _dropped(context: MigrationContext, comparison: Comparison, found: Tables) -> None:
    backs = {}
    for place, op in enumerate(found.dropped):
        back = CreateWholeTableOp.of(op.reverse())
        back.more = [each.reverse() for each in found.of_dropped(op)]
        found.dropped[place] = DropWholeTableOp(op, back)
        backs[_key(context, op)] = back
    drops = [*found.foreign_keys_before, *found.dropped]
    later = set(_named(context, found.foreign_keys_before, comparison.existing))
    reverting = Tables([backs[_key(context, op)] for op in reversed(found.dropped)])
    reverting.foreign_keys = [op.reverse() for op in reversed(found.foreign_keys_before)]
    table_trial.complete(context, backs, comparison.existing, drops, reverting, later)


def _key(context: MigrationContext, op: TableOp) -> Key:
    return Key("table", (op.schema or str(context.dialect.default_schema_name), op.table_name))


def _named(context: MigrationContext, foreign_keys: Sequence[Any], schema: Schema) -> Iterator[Key]:
    """Yield the keys of foreign keys; one without a name gets that which PostgreSQL gives it."""
    for op in foreign_keys:
        constraint = op.to_constraint()
        owner = constraint.table.schema or str(context.dialect.default_schema_name)
        table = (owner, constraint.table.name)
        name = names.final_name(constraint) if constraint.name else ""
        columns = tuple(constraint.column_keys)
        for key, properties in schema.objects.items():
            if key.kind == "constraint" and key.name[:-1] == table:
                alike = properties["type"] == "foreign key" and properties["columns"] == columns
                if key.name[-1] == name or (not name and alike):
                    op.constraint_name = name or key.name[-1]
                    yield key
                    break
