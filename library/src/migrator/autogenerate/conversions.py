"""How the values of a column become those of another type."""

import sqlalchemy as sa

from migrator.autogenerate.column_changes import Change, Side
from migrator.operations import names
from migrator.postgres import value_loss
from migrator.postgres.value_loss import Conversion

FIRST = 4  # of the candidates, the first element of an array


def candidates(change: Change) -> list[str | None]:
    """Return the ways to convert the values in SQL, the plainest one first."""
    if not change.retypes:
        return [None]
    column, kind = names.column(change.after.name), _type(change.after)
    return [
        None,
        f"{column}::{kind}",
        f"{column}::integer::{kind}",  # truth values, and numbers of other sizes
        f"ARRAY[{column}]::{kind}",
        f"{column}[1]::{kind}",
        f"{column}::text::{kind}",
    ]


def keeps_one(change: Change, using: str | None) -> bool:
    """Whether an array becomes its first element."""
    return bool(using) and using == candidates(change)[FIRST]


def is_possible(connection: sa.Connection, change: Change, using: str | None) -> bool:
    """Whether there are values that can be converted; by way of text every cast is accepted."""
    if not using or "::text::" not in using:
        return True
    return not value_loss.refuses_all(connection, of(change, using))


def of(change: Change, using: str | None) -> Conversion:
    """Return what becomes of the values.

    Args:
        using: what a change of the type says about it.
    """
    column = names.column(change.after.name)
    new = change.after.state.generated or using or ""
    return Conversion(column, _type(change.before), _type(change.after), new)


def explicit(change: Change) -> str:
    """Return a cast, which cuts what does not fit where PostgreSQL by itself would refuse it."""
    return f"{names.column(change.after.name)}::{_type(change.after)}"


def _type(side: Side) -> str:
    written = str(side.column.type.compile(dialect=names.DIALECT))
    return written.partition(" COLLATE ")[0]
