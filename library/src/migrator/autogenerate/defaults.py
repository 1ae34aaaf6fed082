"""Defaults of the models, as a revision can write them: what existing rows get in a column."""

import math
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from migrator.operations import names

# What these types store is what Python writes. Others, as JSON, convert.
AS_WRITTEN: tuple[tuple[tuple[type[Any], ...], tuple[type, ...]], ...] = (
    ((sa.Boolean,), (bool,)),
    ((sa.Integer,), (int,)),
    ((sa.Numeric, sa.Float), (int, float)),
    ((sa.String,), (str,)),
)


def has_server_default(column: sa.Column[Any]) -> bool:
    """Whether the database fills the column by itself, and knows how (a trigger is not that)."""
    return isinstance(column.server_default, sa.DefaultClause)


def server_default(column: sa.Column[Any]) -> str:
    """Return the default that the database knows, as SQL."""
    default: Any = column.server_default
    if isinstance(default.arg, str):
        return names.literal(default.arg)
    compiled = default.arg.compile(dialect=names.DIALECT, compile_kwargs={"literal_binds": True})
    return str(compiled)


def python_default(column: sa.Column[Any]) -> bool | int | float | str | None:
    """Return the model's default as the database stores it, None if that cannot be told.

    A backfill goes past the types of the model, so what a decorator would make of the value, or
    what a class of the application is, is for people to decide.
    """
    default: Any = column.default
    if default is None or not default.is_scalar:
        return None
    kind = column.type._variant_mapping.get(names.DIALECT.name, column.type)
    if isinstance(kind, sa.Enum):
        return _label(kind, default.arg)
    own = type(kind).__module__.startswith("sqlalchemy.")
    if not own or isinstance(kind, TypeDecorator):
        return None
    for kinds, accepted in AS_WRITTEN:
        if isinstance(kind, kinds):
            value: Any = default.arg
            exact = type(value) in accepted  # True is an int, and members of a StrEnum are a str
            return value if exact and (type(value) is not float or math.isfinite(value)) else None
    return None


def _label(kind: sa.Enum, value: Any) -> str | None:
    """Return what an enum stores for a value: the name of a member, as a rule."""
    store = kind.bind_processor(names.DIALECT)  # type: ignore[no-untyped-call]
    try:
        label = store(value) if store else value
    except (LookupError, TypeError):
        return None
    return str.__str__(label) if label in kind.enums else None
