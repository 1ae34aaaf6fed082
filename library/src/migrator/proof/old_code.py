"""What code writes that does not know of a revision: is it still accepted?

The statements of code are not known, but what it may send is: rows with the columns of its schema,
with those only that have to be there, updates of each column, also to NULL, to the value of another
row and to values at the edge, upserts on its unique keys. Those that its own schema accepts must
be accepted by the other one, too.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from migrator.catalog import Schema
from migrator.errors import one_line
from migrator.operations import names
from migrator.proof.contents import Contents, Name

# Beside the values that are there: what a condition on numbers or texts may refuse.
EDGES = ("0", "-1", "999999", "")


class Statement(NamedTuple):
    """What code may send, in one transaction that is rolled back: `before` makes room for it."""

    sql: str
    before: str = ""


class Refused(NamedTuple):
    """A statement, and why the server refuses it."""

    sql: str
    reason: str


@dataclass(frozen=True)
class Code:
    """The statements of code that knows one schema, and that this schema accepts."""

    statements: Sequence[Statement]

    @classmethod
    def of(cls, connection: Connection, contents: Contents, tables: Collection[Name]) -> "Code":
        """Return what the schema of `connection`, with its rows, accepts in some tables."""
        written = [table for table in contents.rows if table in tables]
        found = [each for table in written for each in _statements(contents, table)]
        return cls([each for each in found if not _reason(connection, each)])

    def refused(self, connection: Connection) -> list[Refused]:
        """Return what the schema of `connection` refuses."""
        found = ((each.sql, _reason(connection, each)) for each in self.statements)
        return [Refused(sql, reason) for sql, reason in found if reason]


def _reason(connection: Connection, statement: Statement) -> str:
    savepoint = connection.begin_nested()
    try:
        for sql in filter(None, statement[::-1]):
            connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
        # What is checked at the end of a transaction is checked now.
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    except DBAPIError as error:
        return one_line(error)
    finally:
        savepoint.rollback()
    return ""


def _statements(contents: Contents, table: Name) -> Iterator[Statement]:
    key, rows = contents.key(table), contents.rows[table]
    columns = _columns(contents.schema, table)
    if not key or not rows:
        return
    target = ".".join(names.column(part) for part in table)
    row, other = rows[0], rows[-1]
    where = " AND ".join(f"{names.column(each)} = {_value(row[each])}" for each in key)
    remove = f"DELETE FROM {target} WHERE {where}"
    written = [name for name, said in columns.items() if not said.get("generated")]
    insert = _insert(target, written, row)
    yield Statement(f"SELECT {', '.join(map(names.column, columns))} FROM {target}")
    yield Statement(remove)
    yield Statement(insert, remove)
    needed = [
        name
        for name in written
        if columns[name].get("not_null") and not {"default", "identity"} & columns[name].keys()
    ]
    yield Statement(_insert(target, needed, row), remove)
    for unique in _unique(contents.schema, table):
        quoted = ", ".join(map(names.column, unique))
        changed = next((each for each in written if each not in unique), "")
        if changed:
            update = f"{names.column(changed)} = excluded.{names.column(changed)}"
            yield Statement(f"{insert} ON CONFLICT ({quoted}) DO UPDATE SET {update}")
    for name in written:
        if name not in key:
            for value in dict.fromkeys((row[name], None, other[name], *EDGES)):
                assign = f"{names.column(name)} = {_value(value)}"
                yield Statement(f"UPDATE {target} SET {assign} WHERE {where}")


def _insert(target: str, columns: Sequence[str], row: Mapping[str, str | None]) -> str:
    if not columns:
        return f"INSERT INTO {target} DEFAULT VALUES"
    listed = ", ".join(map(names.column, columns))
    values = ", ".join(_value(row[each]) for each in columns)
    return f"INSERT INTO {target} ({listed}) OVERRIDING SYSTEM VALUE VALUES ({values})"


def _value(text: str | None) -> str:
    return "NULL" if text is None else names.literal(text)


def _columns(schema: Schema, table: Name) -> dict[str, Mapping[str, object]]:
    return {
        key.name[-1]: properties
        for key, properties in schema.objects.items()
        if key.kind == "column" and key.name[:-1] == table
    }


def _unique(schema: Schema, table: Name) -> Iterator[tuple[str, ...]]:
    for key, said in schema.objects.items():
        own = key.kind == "constraint" and key.name[:-1] == table
        if own and said.get("type") in ("primary key", "unique"):
            yield tuple(said.get("columns", ()))
