"""The types of values in Python, as annotations of drafted models have them."""

from typing import Any

from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.dialects.postgresql.ranges import AbstractSingleRange
from sqlalchemy.types import TypeEngine

Imports = list[tuple[str, str]]


def of(kind: TypeEngine[Any]) -> tuple[str, Imports]:
    """Return the type as code, and what that imports: modules, each with a name or without."""
    if isinstance(kind, DOMAIN):
        kind = kind.data_type
    if isinstance(kind, postgresql.HSTORE):
        return "dict[str, str | None]", []
    if isinstance(kind, AbstractSingleRange):
        dialect = "sqlalchemy.dialects.postgresql"
        return "Range[Any]", [(dialect, "Range"), ("typing", "Any")]
    try:
        known: Any = kind.python_type
    except NotImplementedError:
        known = dict
    if known.__module__ == "builtins" and known not in (dict, list):
        return str(known.__name__), []
    if known.__module__ == "uuid":
        return "UUID", [("uuid", "UUID")]
    if known.__module__ in ("datetime", "decimal"):
        return f"{known.__module__}.{known.__name__}", [(known.__module__, "")]
    return "Any", [("typing", "Any")]
