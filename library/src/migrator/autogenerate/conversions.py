"""How the values of a column become those of another type."""

from migrator.autogenerate.column_changes import Change, Side
from migrator.operations import names
from migrator.postgres.value_loss import Conversion


def candidates(change: Change) -> list[str | None]:
    """Return the ways to convert the values in SQL, the plainest one first."""
    if not change.retypes:
        return [None]
    column, kind = names.column(change.after.name), _type(change.after)
    casts = f"{column}::{kind}", f"{column}::text::{kind}", f"ARRAY[{column}]::{kind}"
    return [None, *casts]


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
