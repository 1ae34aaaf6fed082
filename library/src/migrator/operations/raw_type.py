"""A column type as SQL, for a revision that must not import what defines it in Python."""

from typing import Any

from sqlalchemy.types import UserDefinedType


class RawType(UserDefinedType[Any]):
    """A column type as the database writes it, for example `RawType("vector(4)")`.

    Args:
        sql: the type, with its collation if it has one of its own.
    """

    cache_ok = True

    def __init__(self, sql: str) -> None:
        self.sql = sql

    def get_col_spec(self, **_: Any) -> str:
        """Return it for DDL."""
        return self.sql
