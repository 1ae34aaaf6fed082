"""The rows of all tables: what a revision must leave as it is."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from migrator.catalog import Key, Schema

MOST = 1000  # rows of a table whose values are compared; those of a larger one are counted

Name = tuple[str, ...]
Casts = Callable[[Name, str], str | None]
Rows = Mapping[tuple[Any, ...], Mapping[str, str | None]]


class Loss(NamedTuple):
    """Rows that are gone, or, with a column, values that are other ones: one of them, before and
    after."""

    table: Name
    column: str
    number: int
    before: str
    after: str

    def __str__(self) -> str:
        """Return it for people."""
        name = ".".join(part for part in (*self.table, self.column) if part)
        if not self.column:
            return f"{name}: {self.number} rows are gone"
        return f"{name}: {self.number} values are other ones, as {self.before!r} -> {self.after!r}"


@dataclass(frozen=True)
class Contents:
    """The rows of the tables of a schema, as text by column; `types` are those of the columns."""

    schema: Schema
    counts: Mapping[Name, int]
    rows: Mapping[Name, list[Mapping[str, str | None]]]

    def columns(self, table: Name) -> dict[str, str]:
        """Return the columns of a table with their types."""
        return {
            key.name[-1]: str(self.schema.objects[key].get("type"))
            for key in self._by_table.get(table, ())
            if key.kind == "column"
        }

    def key(self, table: Name) -> tuple[str, ...]:
        """Return the columns of the primary key."""
        for key in self._by_table.get(table, ()):
            said = self.schema.objects[key]
            if key.kind == "constraint" and said.get("type") == "primary key":
                return tuple(said.get("columns", ()))
        return ()

    @cached_property
    def _by_table(self) -> dict[Name, list[Key]]:
        found: dict[Name, list[Key]] = {}
        for key in self.schema.objects:
            found.setdefault(key.name[:-1], []).append(key)
        return found


def read(
    connection: Connection,
    schema: Schema,
    casts: Callable[[Name, str], str | None] = lambda *_: None,
    only: Collection[Name] | None = None,
) -> Contents:
    """Return the rows that there are.

    Args:
        only: the tables to read, if not all of them.
        casts: for a table and a column, the type to cast its values to before they become text.
    """
    quote = connection.dialect.identifier_preparer.quote
    counts: dict[Name, int] = {}
    rows: dict[Name, list[Mapping[str, str | None]]] = {}
    empty = Contents(schema, {}, {})
    for key in _tables(schema):
        if only is not None and key.name not in only:
            continue
        table = ".".join(quote(part) for part in key.name)
        counts[key.name] = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
        if counts[key.name] > MOST:
            continue
        names = [*empty.columns(key.name)]
        kinds = {each: casts(key.name, each) for each in names}
        found = _rows(connection, table, kinds)
        if found is None:  # values that cannot be cast back are compared as they are
            for each, kind in kinds.items():
                if kind and _rows(connection, table, {each: kind}) is None:
                    kinds[each] = None
            found = _rows(connection, table, kinds)
        if found is not None:
            rows[key.name] = [dict(zip(names, row, strict=False)) for row in found]
    return Contents(schema, counts, rows)


def _rows(
    connection: Connection, table: str, kinds: Mapping[str, str | None]
) -> Sequence[Any] | None:
    """Return columns as text, cast to types before; None if that is not possible."""
    quote = connection.dialect.identifier_preparer.quote
    texts = (_text(quote(name), kind) for name, kind in kinds.items())
    query = f"SELECT {', '.join(texts) or '1'} FROM {table}"
    savepoint = connection.begin_nested()
    try:
        options = {"no_parameters": True}  # a percent sign in a name is one
        return connection.exec_driver_sql(query, execution_options=options).all()
    except DBAPIError:
        return None
    finally:
        savepoint.rollback()


def losses(
    before: Contents, after: Contents, between: Contents, *, only_changed_types: bool
) -> Iterator[Loss]:
    """Yield what tables that both have, and their columns, have lost.

    A NULL that has got a value is no loss.

    Args:
        after: with the values of changed types cast back; see `read`.
        between: without the columns that were dropped, and have other values in `after`.
        only_changed_types: values may change where the type stays, as a revision that was written
            by hand may mean them to.
    """
    for table, count in before.counts.items():
        if table not in after.counts:
            continue
        if after.counts[table] < count:
            yield Loss(table, "", count - after.counts[table], "", "")
        elif table in before.rows and table in after.rows:
            kept = between.columns(table)
            yield from _changed(table, before, after, kept, only_changed_types)


def _changed(
    table: Name, before: Contents, after: Contents, kept: Collection[str], only_changed_types: bool
) -> Iterator[Loss]:
    types, others = before.columns(table), after.columns(table)
    key = [each for each in before.key(table) if types[each] == others.get(each) and each in kept]
    if not key or len(key) < len(before.key(table)):
        return  # without a key that stays, rows cannot be told apart
    old, new = _by_key(before.rows[table], key), _by_key(after.rows[table], key)
    for column in types.keys() & others.keys() - set(key):
        if only_changed_types and types[column] == others[column]:
            continue
        pairs = [
            (row[column], new.get(at, {}).get(column))
            for at, row in old.items()
            if row[column] is not None
        ]
        if wrong := [(one, other) for one, other in pairs if one != other]:
            one, other = wrong[0]
            yield Loss(table, column, len(wrong), str(one), str(other))


def _by_key(rows: list[Mapping[str, str | None]], key: list[str]) -> Rows:
    return {tuple(row[each] for each in key): row for row in rows}


def _text(column: str, kind: str | None) -> str:
    value = f"CAST({column} AS {kind})" if kind else column
    return f"CAST({value} AS text)"


def _tables(schema: Schema) -> list[Key]:
    return [
        key
        for key, properties in schema.objects.items()
        if key.kind == "table"
        and properties.get("form") != "foreign"
        and "module" not in properties
    ]
