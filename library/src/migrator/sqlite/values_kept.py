"""Which values a column's new type would change: SQLite converts by the affinity of the type.

https://www.sqlite.org/datatype3.html#determination_of_column_affinity
"""

from typing import Any

from sqlalchemy import Connection

from migrator.sqlite.sql import quoted

COPY = "migrator_values"
# What a value of a type is stored as. Dates and JSON may be either, and anything is text.
MISFITS = (
    (("INT",), "'real', 'text', 'blob'"),
    (("CHAR", "CLOB", "TEXT", "BLOB", "DATE", "TIME", "JSON"), ""),
    (("REAL", "FLOA", "DOUB", "NUMERIC", "DECIMAL", "BOOL"), "'text', 'blob'"),
)
CHANGED = """
CASE typeof(old) WHEN 'text' THEN CAST(new AS TEXT) WHEN 'integer' THEN CAST(new AS INTEGER)
                 WHEN 'real' THEN CAST(new AS REAL) ELSE new END IS NOT old
"""


def count_lost(connection: Connection, table: str, column: str, kind: str) -> int:
    """Return how many values would not come back, or would be none of the new type."""

    def do(statement: str) -> Any:
        return connection.exec_driver_sql(statement, execution_options={"no_parameters": True})

    # One column without a type, and so without an affinity, and one with the new type.
    do(f"CREATE TEMPORARY TABLE {COPY} (old, new {kind})")
    try:
        name = quoted(column)
        do(f"INSERT INTO {COPY} SELECT {name}, {name} FROM {table}")
        misfits = next((stored for words, stored in MISFITS if _has(kind, words)), "")
        where = f"{CHANGED} OR typeof(new) IN ({misfits})" if misfits else CHANGED
        return int(do(f"SELECT count(*) FROM {COPY} WHERE {where}").scalar())
    finally:
        do(f"DROP TABLE {COPY}")


def casts_back(kind: str) -> bool:
    """Return whether a cast to a type gives its values; one to DATE gives the number of a year."""
    return not _has(kind, ("DATE", "TIME", "JSON"))


def _has(kind: str, words: tuple[str, ...]) -> bool:
    return any(word in kind.upper() for word in words)
