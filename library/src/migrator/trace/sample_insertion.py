"""Rows for a table: values are changed until its checks take them."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from psycopg import Connection, Error, errors, sql

from migrator.trace.sample_values import Column

TRIES = 200  # with other values each time


def insert_at_once(
    connection: Connection[Any],
    table: sql.Composable,
    columns: list[Column],
    rows: Mapping[int, bool],
) -> bool:
    """Insert some rows; return whether the table takes what is likely, as most do.

    Args:
        rows: the numbers of rows, and whether it has NULL wherever that is possible.
    """
    lists = [
        sql.SQL("({})").format(
            sql.SQL(", ").join(
                cast(column, next(column.values(number, far=True)))
                if column.required or not nulls
                else sql.SQL("DEFAULT")
                for column in columns
            )
        )
        for number, nulls in rows.items()
    ]
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    form = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES {}")
    with suppress(Error):
        connection.execute(form.format(table, names, sql.SQL(", ").join(lists)))
        return True
    return False


def insert(
    connection: Connection[Any],
    table: sql.Composable,
    columns: list[Column],
    number: int,
    *,
    nulls: bool,
) -> str:
    """Insert one row; return why it was not possible, or nothing."""
    filled = [column for column in columns if column.required or not nulls]
    reason = _try(connection, table, filled, number, far=True)
    # A generated column may overflow.
    return reason and _try(connection, table, filled, number, far=False)


def _try(
    connection: Connection[Any],
    table: sql.Composable,
    filled: list[Column],
    number: int,
    *,
    far: bool,
) -> str:
    values = {column.name: next(column.values(number, far=far)) for column in filled}
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in filled)
    form = "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})"
    if not filled:
        form = "INSERT INTO {0} DEFAULT VALUES"
    others: dict[str | None, Iterator[dict[str, str]]] = {}
    reason = ""
    for _ in range(TRIES):
        casts = sql.SQL(", ").join(cast(column, values[column.name]) for column in filled)
        try:
            connection.execute(sql.SQL(form).format(table, names, casts))
        except errors.CheckViolation as error:
            check = error.diag.constraint_name
            reason = reason or str(error).splitlines()[0]
            if check not in others:
                concerned = [column for column in filled if check in column.checks]
                others[check] = _others(concerned, number, far=far)
            if (change := next(others[check], None)) is None:
                return reason
            values |= change
        except Error as error:
            return str(error).splitlines()[0]
        else:
            return ""
    return reason


def cast(column: Column, value: str) -> sql.Composable:
    """Return a value in SQL."""
    return sql.SQL("{}::text::{}").format(value, sql.SQL(column.type))


def _others(columns: Sequence[Column], number: int, *, far: bool) -> Iterator[dict[str, str]]:
    """Yield other values for the columns of a check."""
    names = [column.name for column in columns]
    choices = (dict.fromkeys(column.values(number, far=far)) for column in columns)
    for values in itertools.product(*choices):
        yield dict(zip(names, values, strict=True))
