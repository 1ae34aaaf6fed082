"""Created and dropped tables, complete and in an order in which they can be run.

Alembic's `op.create_table` leaves out what it cannot write (operator classes, comments of
constraints, triggers of events), and a dropped table comes back as SQLAlchemy has read it. So each
is tried in a savepoint and compared by the catalogs. What is missing follows as a statement; a
table that is different otherwise is written as SQL.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Self

import sqlalchemy as sa
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op
from alembic.operations import MigrateOperation, Operations, ops
from alembic.runtime.migration import MigrationContext

from migrator import catalog
from migrator.autogenerate import table_definition, table_order
from migrator.autogenerate.comparison import VIEWS, Comparison
from migrator.autogenerate.steps import sql
from migrator.catalog import Difference, Key, Schema
from migrator.operations import names

TableOp = ops.CreateTableOp | ops.ModifyTableOps | ops.DropTableOp


class CreateWholeTableOp(ops.CreateTableOp):
    """CREATE TABLE and `more`; or only `more`, which has the table, too."""

    only_more = False
    word = "TABLE"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.more: list[MigrateOperation] = []

    @classmethod
    def of(cls, op: ops.CreateTableOp) -> Self:
        """Return the same operation, to be completed."""
        made = cls(op.table_name, op.columns)
        made.__dict__.update(op.__dict__)
        return made

    def reverse(self) -> Any:
        """Return what drops it, with what belongs to it."""
        if self.word != "TABLE":
            return DropViewOp(self.table_name, self.word, schema=self.schema)
        return super().reverse()


class DropViewOp(ops.DropTableOp):
    """DROP VIEW, or DROP MATERIALIZED VIEW."""

    def __init__(self, name: str, word: str, *, schema: str | None) -> None:
        super().__init__(name, schema=schema)
        self.word = word


@renderers.dispatch_for(DropViewOp)
def _render_drop(_context: AutogenContext, op: DropViewOp) -> str:
    name = table_definition.full(*filter(None, (op.schema, op.table_name)))
    return f"op.execute({f'DROP {op.word} {name}'!r})"


class DropWholeTableOp(ops.DropTableOp):
    """DROP TABLE, which is reverted by `back`."""

    def __init__(self, op: ops.DropTableOp, back: CreateWholeTableOp) -> None:
        super().__init__(op.table_name)
        self.__dict__.update(op.__dict__)
        self.back = back

    def reverse(self) -> CreateWholeTableOp:
        """Return what creates it as it was."""
        return self.back


@renderers.dispatch_for(CreateWholeTableOp)
def _render(context: AutogenContext, op: CreateWholeTableOp) -> list[str]:
    create = renderers.dispatch(ops.CreateTableOp)  # a class will do
    lines = [] if op.only_more else [str(create(context, op))]
    return [*lines, *(line for each in op.more for line in render_op(context, each))]


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
    found = table_order.Tables.of(context, upgrade.ops)
    gone = {each.key for each in comparison.differences if each.after is None}
    found.dropped = [op for op in found.dropped if _key(context, op) in gone]
    found.others = list(_without_kept(context, found.others, gone))
    _created(context, comparison, found, first)
    _dropped(context, comparison, found)
    upgrade.ops[:] = found.in_order()
    script.downgrade_ops = upgrade.reverse()


def _without_kept(
    context: MigrationContext, others: Sequence[MigrateOperation], gone: Collection[Key]
) -> Iterator[MigrateOperation]:
    """Leave out dropped columns that are no difference: inherited ones, and those accepted."""
    for op in others:
        if isinstance(op, ops.ModifyTableOps):
            table = (op.schema or str(context.dialect.default_schema_name), op.table_name)
            op.ops = [
                leaf
                for leaf in op.ops
                if not isinstance(leaf, ops.DropColumnOp)
                or Key("column", (*table, leaf.column_name)) in gone
            ]
        if not isinstance(op, ops.ModifyTableOps) or op.ops:
            yield op


def _created(
    context: MigrationContext,
    comparison: Comparison,
    found: "table_order.Tables",
    first: Sequence[MigrateOperation],
) -> None:
    views = {key.name: key.kind for key in comparison.existing.objects if key.kind in VIEWS}
    # A model of a view that a revision has made is no new table.
    created = [op for op in found.created if _key(context, op).name not in views]
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
    later = set(_named(context, found.foreign_keys, comparison.models))
    _try(context, keys, comparison.models, [*first], found, later)


def _dropped(
    context: MigrationContext, comparison: Comparison, found: "table_order.Tables"
) -> None:
    backs = {}
    for place, op in enumerate(found.dropped):
        back = CreateWholeTableOp.of(op.reverse())
        back.more = [each.reverse() for each in found.of_dropped(op)]
        found.dropped[place] = DropWholeTableOp(op, back)
        backs[_key(context, op)] = back
    drops = [*found.foreign_keys_before, *found.dropped]
    later = set(_named(context, found.foreign_keys_before, comparison.existing))
    reverting = table_order.Tables([backs[_key(context, op)] for op in reversed(found.dropped)])
    reverting.foreign_keys = [op.reverse() for op in reversed(found.foreign_keys_before)]
    _try(context, backs, comparison.existing, drops, reverting, later)


def _try(
    context: MigrationContext,
    tables: dict[Key, CreateWholeTableOp],
    wanted: Schema,
    first: Sequence[MigrateOperation],
    found: "table_order.Tables",
    later: Collection[Key],
) -> None:
    """Complete what creates `tables`, so that they are as in `wanted`."""
    connection = context.connection
    if not tables or connection is None:
        return
    writing = AutogenContext(context)
    savepoint = connection.begin_nested()
    try:
        for each in first:
            _run(writing, each)
        for op in found.created:
            _create(writing, op, tables, wanted, later)
        for other in (*found.of_created, *found.foreign_keys):
            _run(writing, other)
        actual = catalog.read(connection, catalog.NOT_OURS)
    except Exception:
        return  # it needs what another part of this revision brings; the proof will show it
    finally:
        savepoint.rollback()
    for key, op in tables.items():
        if key in wanted.objects and not op.only_more:
            differing = catalog.diff(_own(key, actual), _own(key, wanted))
            if all(map(_is_missing, differing)):
                op.more += sql(*_missing(differing, wanted, later))
            else:
                _as_sql(op, key, wanted, later)
                found.leave_out_of(op)


def _create(
    writing: AutogenContext,
    op: ops.CreateTableOp,
    tables: dict[Key, CreateWholeTableOp],
    wanted: Schema,
    later: Collection[Key],
) -> None:
    """Create a table; one that cannot be created as Alembic writes it, as the catalog has it."""
    assert writing.connection is not None and isinstance(op, CreateWholeTableOp)
    savepoint = writing.connection.begin_nested()
    try:
        if not op.columns:
            raise sa.exc.ArgumentError("a table of an event of the models")
        _run(writing, op)
    except Exception:
        savepoint.rollback()
        key = next(key for key, each in tables.items() if each is op)
        _as_sql(op, key, wanted, later)
        _run(writing, op)
    else:
        savepoint.commit()


def _as_sql(op: CreateWholeTableOp, key: Key, wanted: Schema, later: Collection[Key]) -> None:
    if key in wanted.objects:
        op.more = list(sql(*table_definition.of(key, wanted, later)))
        op.only_more = True


def _run(writing: AutogenContext, op: MigrateOperation) -> None:
    """Run an operation as it will be written."""
    imports = ("import sqlalchemy as sa", "from sqlalchemy.dialects import postgresql")
    lines = "\n".join(render_op(writing, op))
    names: dict[str, Any] = {}
    exec(
        "\n".join([*imports, *(each for each in writing.imports if "migrator" not in each)]), names
    )
    names["op"] = Operations(writing.migration_context)
    exec(lines, names)


def _own(table: Key, schema: Schema) -> Schema:
    """Return a table alone, with all that belongs to it."""
    return Schema(
        {
            key: properties
            for key, properties in schema.objects.items()
            if key == table
            or key.name[:-1] == table.name
            or (key.kind == "sequence" and table_definition.owner(properties)[:-1] == table.name)
        }
    )


def _is_missing(each: Difference) -> bool:
    if each.property:
        return each.property == "comment" and each.after is not None
    return each.before is None and each.key.kind not in ("table", "column", "sequence")


def _missing(
    differing: Sequence[Difference], wanted: Schema, later: Collection[Key]
) -> Iterator[str]:
    for each in differing:
        if each.property:
            yield from table_definition.comment(each.key, each.after)
        elif each.key not in later:
            yield from table_definition.object_of(each.key, wanted)


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
