"""Rows that violate what a revision adds, with their values, for the eyes of who asked."""

from itertools import islice
from typing import Any

from migrator import database
from migrator.config.context import Context

SHOWN = 10


def read(context: Context, query: str) -> list[dict[str, Any]]:
    """Return the first rows of a query on the copy, each as values by column.

    Args:
        context: names the copy.
        query: that of a violation.
    """
    options = {"stream_results": True, "no_parameters": True}
    with database.connect(context) as connection:
        found = connection.exec_driver_sql(query, execution_options=options).mappings()
        rows = [dict(row) for row in islice(found, SHOWN)]
        found.close()
        connection.rollback()
    return rows
