"""The operations that lead from a table to another one: plain ones if those are exact."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import sqlalchemy as sa
from alembic.operations import MigrateOperation, ops
from sqlalchemy.sql.elements import TextClause

from migrator.autogenerate import defaults, new_columns
from migrator.autogenerate.sqlite.change import ColumnGoesOp, StatementOp, ValuesChangeOp
from migrator.autogenerate.steps import CommentOp
from migrator.catalog import Key, Schema
from migrator.operations.rebuild_table import RebuildTableOp
from migrator.sqlite.sql import laid_out

Properties = Mapping[str, Any]
Operations = list[MigrateOperation]
# What old code can read, where a dropped column comes back as NOT NULL.
EMPTY = (
    (("INT", "REAL", "FLOA", "DOUB", "NUMERIC", "DECIMAL", "BOOL"), 0),
    (("DATETIME", "TIMESTAMP"), "1970-01-01 00:00:00"),
    (("DATE",), "1970-01-01"),
    (("TIME",), "00:00:00"),
    (("JSON",), "null"),
    (("CHAR", "CLOB", "TEXT"), ""),
)
GONE = "The values are gone, and NOT NULL needs some."


@dataclass
class Side:
    """One state of a table: what the catalog says of it, and its statements by kind and name."""

    table: str
    columns: dict[str, Properties]
    rest: dict[Key, Properties]
    indexes: dict[str, Properties]
    statements: dict[tuple[str, str], str]
    model: sa.Table | None

    def same_as(self, other: "Side") -> bool:
        """Whether the catalogs are equal."""
        mine = (self.columns, self.rest, self.indexes)
        return mine == (other.columns, other.rest, other.indexes)

    def statement(self, kind: str, name: str) -> str:
        """Return a statement, to be read."""
        return laid_out(self.statements[kind, name])


def sides(
    schema: Schema,
    statements: Mapping[tuple[str, str], tuple[str, str]],
    models: Mapping[str, sa.Table],
) -> dict[str, Side]:
    """Return what belongs to each table."""
    found: dict[str, Side] = {
        key.name[0]: Side(key.name[0], {}, {}, {}, {}, models.get(key.name[0]))
        for key in schema.objects
        if key.kind == "table"
    }
    for key, properties in schema.objects.items():
        side = found.get(key.name[0])
        if side is not None and key.kind in ("table", "column", "constraint", "index"):
            kept = {name: each for name, each in properties.items() if name != "position"}
            parts: dict[str, dict[Any, Properties]] = {
                "column": side.columns,
                "index": side.indexes,
            }
            own = key.name[-1] if key.kind in parts else key
            parts.get(key.kind, side.rest)[own] = kept
    for kind_and_name, (owner, sql) in statements.items():
        if owner in found:
            found[owner].statements[kind_and_name] = sql
    return found


def create(side: Side) -> Iterator[Operations]:
    """Yield the ways to make a table: Alembic's, then the statements themselves."""
    if side.model is not None:
        indexes = [_create_index(side, name) for name in side.indexes]
        yield [ops.CreateTableOp.from_table(side.model), *indexes]
        yield [StatementOp(side.statement("table", side.table)), *indexes]
    yield [StatementOp(side.statement(*key)) for key in side.statements]


def change(
    before: Side, after: Side, lossy: Collection[str], misfits: Mapping[str, str]
) -> Iterator[Operations]:
    """Yield the ways from one to the other.

    Args:
        lossy: columns (table.column) whose values may change.
        misfits: those with values that do not fit their new type, and how many.
    """
    replaced = [name for name in before.indexes if before.indexes[name] != after.indexes.get(name)]
    drops = [ops.DropIndexOp(name, before.table) for name in replaced]
    wanted = [n for n in after.indexes if before.indexes.get(n) != after.indexes[n]]
    statements = [StatementOp(after.statement("index", name)) for name in wanted]
    indexes: list[Operations] = [[*statements]]
    if after.model is not None:
        indexes.insert(0, [_create_index(after, name) for name in wanted])
    for table, last in product(_table(before, after, lossy, misfits), indexes):
        yield [*drops, *table, *last]


def _table(
    before: Side, after: Side, lossy: Collection[str], misfits: Mapping[str, str]
) -> Iterator[Operations]:
    """Yield the ways for columns and constraints: at most a rebuild."""
    gone = [name for name in before.columns if name not in after.columns]
    new = [name for name in after.columns if name not in before.columns]
    same = all(before.columns[n] == after.columns[n] for n in after.columns if n not in new)
    if same and not gone and not new and before.rest == after.rest:
        yield []
        return
    if same and (not new or after.model is not None):
        found: Operations = []
        if after.model is not None:
            model = {each.name: each for each in after.model.columns}
            found = [ops.AddColumnOp(after.table, model[name]._copy()) for name in new]
        yield [*found, *(ops.DropColumnOp(after.table, name) for name in gone)]
    values = dict(_values(before, after))
    comments: Operations = [ColumnGoesOp(after.table, name) for name in gone]
    if any(value is None for value in values.values()):
        comments.append(CommentOp(new_columns.UNDECIDED))
    elif values and after.model is None:
        comments.append(CommentOp(GONE))
    changing = list(_changing(before, after, lossy, misfits))
    back = after.model is None

    def named(each: ValuesChangeOp) -> bool:
        return f"{each.table_name}.{each.column_name}" in lossy

    rebuild = RebuildTableOp(
        after.table,
        after.statement("table", after.table),
        values=values,
        drop=gone,
        lose=[each.column_name for each in changing if each.lost and (named(each) or back)],
    )
    yield [*comments, *changing, rebuild]


def _changing(
    before: Side, after: Side, lossy: Collection[str], misfits: Mapping[str, str]
) -> Iterator[ValuesChangeOp]:
    """Yield the columns whose values are generated now, or may change with their type."""
    for name in after.columns.keys() & before.columns.keys():
        old, new = before.columns[name], after.columns[name]
        if old.get("generated") != new.get("generated") and "generated" in new:
            yield ValuesChangeOp(after.table, name, lost="generated" not in old)
        elif old.get("type") != new.get("type"):
            full = f"{after.table}.{name}"
            if full in lossy or full in misfits:
                yield ValuesChangeOp(after.table, name, lost=True, detail=misfits.get(full, ""))


def _values(before: Side, after: Side) -> Iterator[tuple[str, Any]]:
    """Yield what rows get that have no value in a column which needs one."""
    for name, column in after.columns.items():
        old = before.columns.get(name)
        if not column.get("not_null") or column.get("generated") or (old or {}).get("not_null"):
            continue
        if "default" in column:
            if old is not None:
                yield name, sa.text(column["default"])
        elif after.model is not None:
            model = after.model.columns[name]
            if not (model.primary_key and model is after.model.autoincrement_column):
                yield name, defaults.python_default(model)
        else:
            yield name, _empty(column.get("type", ""))


def _empty(kind: str) -> int | str | TextClause:
    for words, value in EMPTY:
        if any(word in kind.upper() for word in words):
            return value
    return sa.text("x''")


def _create_index(side: Side, name: str) -> MigrateOperation:
    """Return Alembic's operation for an index of the models."""
    assert side.model is not None
    for index in side.model.indexes:
        if index.name == name:
            return ops.CreateIndexOp.from_index(index)
    return StatementOp(side.statement("index", name))
