"""Which changes of a type do not keep all values, as PostgreSQL itself tells by its casts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from migrator.postgres import converted_values
from migrator.postgres.converted_values import Conversion

LOST = [
    ("numeric(12,4)", "numeric(12,2)"),
    ("numeric(12,4)[]", "int[]"),
    ("numeric", "float8"),
    ("float8", "numeric"),
    ("float8", "int"),
    ("float8", "real"),
    ("int8", "float8"),
    ("timestamp", "date"),
    ("timestamptz", "date"),
    ("timestamp(6)", "timestamp(0)"),
    ("time", "time(0)"),
    ("timetz", "time"),
    ("interval", "interval second(0)"),
    ("varchar(50)", "varchar(5)"),
    ("text", "varchar(20)"),
    ("text", "char(5)"),
    ("text", "name"),
    ("bit varying(8)", "bit varying(4)"),
]
KEPT = [
    ("numeric(10,2)", "numeric(12,2)"),
    ("numeric(10,2)", "numeric"),
    ("numeric(10,0)", "bigint"),
    ("int", "bigint"),
    ("bigint", "int"),  # what does not fit stops it
    ("int", "numeric(10,2)"),
    ("int", "float8"),
    ("smallint", "real"),
    ("real", "float8"),
    ("int[]", "bigint[]"),
    ("varchar(5)", "varchar(50)"),
    ("varchar(20)", "text"),
    ("char(5)", "text"),
    ("date", "timestamp"),
    ("date", "timestamptz"),
    ("timestamp", "timestamptz"),
    ("timestamptz", "timestamp"),
    # Other things, and not lesser ones.
    ("numeric(10,2)", "text"),
    ("int", "bool"),
    ("bool", "int"),
    ("text", "uuid"),
    ("json", "jsonb"),
    ("time", "interval"),
]


@pytest.fixture(scope="module")
def connection(server: str) -> Iterator[sa.Connection]:
    with sa.create_engine(server, poolclass=NullPool).connect() as found:
        yield found


@pytest.mark.parametrize(("old", "new"), LOST)
def test_values_would_change(connection: sa.Connection, old: str, new: str) -> None:
    assert converted_values.loses(connection, Conversion("c", old, new))


@pytest.mark.parametrize(("old", "new"), KEPT)
def test_values_stay(connection: sa.Connection, old: str, new: str) -> None:
    assert not converted_values.loses(connection, Conversion("c", old, new))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [("int", "inet", True), ("date", "int", True), ("int", "uuid", True), ("int", "bool", False)],
)
def test_types_that_have_nothing_in_common(
    connection: sa.Connection, old: str, new: str, *, expected: bool
) -> None:
    by_text = Conversion("c", old, new, f"c::text::{new}")
    assert converted_values.refuses_all(connection, by_text) is expected


def test_rows_are_counted(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE TEMPORARY TABLE counted (c numeric(12, 4))")
    connection.exec_driver_sql(
        "INSERT INTO counted SELECT g * 0.001 FROM generate_series(1, 1000) g"
    )
    found = converted_values.count(
        connection, "counted", Conversion("c", "numeric(12,4)", "numeric(12,2)"), 5
    )
    assert str(found) == "900 of 1,000 rows would lose digits"
    assert converted_values.count(connection, "none", Conversion("c", "int", "bigint"), 5) is None
    connection.rollback()
