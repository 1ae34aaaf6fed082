"""Whether values stay the same when a column gets another type, and in how many rows they do not.

PostgreSQL is asked, by reading only: values of the old type, some as extreme as it takes, are cast
to the new one and back.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

# Values to try, as text; those that the old type does not take are left out.
VALUES = (
    *("0", "0.5", "-7.25", "1.10", "NaN", "infinity", "-infinity"),
    *(f"{'9' * whole}.{'9' * digits}" for whole in (0, 2, 4, 9, 15, 30) for digits in (1, 5, 19)),
    *("32767", "2147483647", "16777217", "9007199254740993", "9223372036854775807"),
    *("0.1234567890123456", "1234567.891", "3.4e38", "1.7e308", "5e-324"),
    *("2001-02-03 04:05:06.789012+01:30", "13:45:10.123456-07"),
    *("1 year 2 mons 3 days 04:05:06.789012", "a b ", "true", "B10101011", "10.1.2.3/8"),
)
# Longer than every limit that a type may have; written in SQL, not sent.
LONGEST = "repeat('x', 10485761)"
OPTIONS = {"no_parameters": True}
# What kind of thing a type is, or the elements of an array are.
CATEGORY = """
SELECT t.typcategory::text || coalesce(e.typcategory::text, '') FROM pg_catalog.pg_type t
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE t.oid = pg_typeof(NULL::{})
"""
LOSSES = {"N": "lose digits", "S": "lose characters", "D": "lose a part of the time"}


@dataclass(frozen=True)
class Conversion:
    """What becomes of the values of a column.

    Attributes:
        column: its name, quoted.
        old: the type that it has.
        new: the type that it gets.
        using: the new value in SQL; empty if it is a cast.
    """

    column: str
    old: str
    new: str
    using: str = ""

    @property
    def value(self) -> str:
        """The new value in SQL."""
        return f"({self.using or self.column})::{self.new}"


@dataclass(frozen=True)
class Count:
    """How many rows of a table do not keep their value, and how it is said."""

    changed: int
    rows: int
    loss: str

    def __str__(self) -> str:
        return f"{self.changed:,} of {self.rows:,} rows would {self.loss}"


def alike(connection: Connection, conversion: Conversion) -> bool:
    """Return whether both types are of one category of PostgreSQL's, such as numbers.

    And whether there is a way back: a range becomes a multirange, which becomes none.
    """
    old = _value(connection, CATEGORY.format(conversion.old))
    if old is None or old != _value(connection, CATEGORY.format(conversion.new)):
        return False
    back = f"SELECT NULL::{conversion.new}::{conversion.old} IS NULL"
    return bool(_value(connection, back))


def are_texts(connection: Connection, conversion: Conversion) -> bool:
    """Return whether both types are texts."""
    found = (_value(connection, CATEGORY.format(each)) for each in (conversion.old, conversion.new))
    return set(found) == {"S"}


def loses(connection: Connection, conversion: Conversion) -> bool:
    """Return whether there are values that would not be the same afterwards.

    A value that the new type refuses does not count: it stops the change, so nothing is lost. And
    only types of one category of PostgreSQL's are compared, such as numbers, or dates and times: a
    number that becomes a text, or a truth value, is another thing and not a lesser one.
    """
    if not alike(connection, conversion):
        return False
    old = str(_value(connection, CATEGORY.format(conversion.old)))
    values = [_literal(each) for each in VALUES] + ([LONGEST] if "S" in old else [])
    return any(_is_lost(connection, conversion, each, array="A" in old) for each in values)


def refuses_all(connection: Connection, conversion: Conversion) -> bool:
    """Return whether no value that was tried can be converted, as no number is an address."""
    old = str(_value(connection, CATEGORY.format(conversion.old)))
    tried = converted = 0
    for each in map(_literal, VALUES):
        given = (
            f"(ARRAY[{each}])::{conversion.old}" if "A" in old else f"({each})::{conversion.old}"
        )
        source = f"FROM (SELECT {given} AS {conversion.column}) given"
        if _value(connection, f"SELECT {conversion.column} IS NOT NULL {source}"):
            tried += 1
            converted += bool(_value(connection, f"SELECT {conversion.value} IS NOT NULL {source}"))
    return bool(tried) and not converted


def count(
    connection: Connection, table: str, conversion: Conversion, seconds: float
) -> Count | None:
    """Count the rows whose value would not be the same afterwards; None if that cannot be told.

    Args:
        table: its name, quoted.
        seconds: how long it may take.
    """
    back = f"({conversion.value})::{conversion.old}"
    lost = f"{conversion.column} IS NOT NULL AND {back} IS DISTINCT FROM {conversion.column}"
    query = f"SELECT count(*) FILTER (WHERE {lost}), count(*) FROM {table}"
    savepoint = connection.begin_nested()
    try:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {round(seconds * 1000)}")
        changed, rows = connection.exec_driver_sql(query, execution_options=OPTIONS).one()
    except DBAPIError:  # too long, or a value does not fit, or the table is not there
        return None
    finally:
        savepoint.rollback()
    category = str(_value(connection, CATEGORY.format(conversion.old)))[-1:]
    return Count(changed, rows, LOSSES.get(category, "change"))


def _is_lost(connection: Connection, conversion: Conversion, value: str, *, array: bool) -> bool:
    source = _given(conversion, value, array=array)
    back = f"({conversion.value})::{conversion.old}"
    return (
        _value(connection, f"SELECT {back} IS DISTINCT FROM {conversion.column} {source}") is True
    )


def _given(conversion: Conversion, value: str, *, array: bool) -> str:
    given = f"ARRAY[{value}]" if array else value
    return f"FROM (SELECT ({given})::{conversion.old} AS {conversion.column}) given"


def _value(connection: Connection, query: str) -> Any:
    """Return what a query gives, None if it fails."""
    savepoint = connection.begin_nested()
    try:
        return connection.exec_driver_sql(query, execution_options=OPTIONS).scalar()
    except DBAPIError:
        return None
    finally:
        savepoint.rollback()


def _literal(text: str) -> str:
    return f"'{text}'::text"
