"""How the values of a column become those of another type."""

import sqlalchemy as sa

from migrator.autogenerate.column_comparison import Change, Side
from migrator.operations import names
from migrator.postgres import converted_values
from migrator.postgres.converted_values import Conversion
from migrator.postgres.sql import length

# Types without an own cast from others, as what their values become.
MADE = {"JSON": "to_json({})", "JSONB": "to_jsonb({})"}
# The hexadecimal digits of a UUID, where there is no room for the hyphens.
DIGITS = "replace({}::text, '-', '')::{}"
UUID_LENGTH = 36


def candidates(change: Change) -> list[str | None]:
    """Return the ways to convert the values in SQL, the plainest one first."""
    if not change.retypes:
        return [None]
    column, kind = _column(change), _type(change.after)
    made = [MADE[kind].format(column)] if kind in MADE and not _is_text(change.before) else []
    if change.before.state.type == "uuid" and "(" in kind and length(kind) < UUID_LENGTH:
        return [DIGITS.format(column, kind)]
    return [
        None,
        f"{column}::{kind}",
        *made,
        f"{column}::integer::{kind}",  # truth values, and numbers of other sizes
        *([_merged(column)] if change.before.state.type.endswith("multirange") else []),
        _in_array(column, kind),
        _first(column, kind),
        f"{column}::text::{kind}",
    ]


def keeps_one(change: Change, using: str | None) -> bool:
    """Whether an array becomes its first element, or a multirange one range."""
    column = _column(change)
    return using in (_first(column, _type(change.after)), _merged(column))


def nests(change: Change, using: str | None) -> bool:
    """Whether JSON, which may be an array, becomes the one element of another array."""
    in_array = _in_array(_column(change), _type(change.after))
    return using == in_array and change.before.state.type in ("json", "jsonb")


def _column(change: Change) -> str:
    """Return the name as SQL without a percent sign, which would have to be doubled for the driver
    and must not be under `--sql`."""
    name = change.after.name
    if "%" not in name:
        return names.column(name)
    escaped = name.replace("\\", "\\\\").replace('"', '""').replace("%", "\\0025")
    return f'U&"{escaped}"'


def _in_array(column: str, kind: str) -> str:
    return f"ARRAY[{column}]::{kind}"


def _merged(column: str) -> str:
    return f"range_merge({column})"


def _first(column: str, kind: str) -> str:
    return f"{column}[1]::{kind}"


def _is_text(side: Side) -> bool:
    return side.state.type.partition("(")[0] in ("text", "character varying", "character", "json")


def is_possible(connection: sa.Connection, change: Change, using: str | None) -> bool:
    """Whether there are values that can be converted; by way of text every cast is accepted."""
    if not using or "::text::" not in using:
        return True
    return not converted_values.refuses_all(connection, of(change, using))


def of(change: Change, using: str | None) -> Conversion:
    """Return what becomes of the values.

    Args:
        using: what a change of the type says about it.
    """
    column = _column(change)
    new = change.after.state.generated or using or ""
    return Conversion(column, _type(change.before), _type(change.after), new)


def explicit(change: Change) -> str:
    """Return a cast, which cuts what does not fit where PostgreSQL by itself would refuse it."""
    return f"{_column(change)}::{_type(change.after)}"


def _type(side: Side) -> str:
    written = str(side.column.type.compile(dialect=names.DIALECT))
    return written.partition(" COLLATE ")[0]
