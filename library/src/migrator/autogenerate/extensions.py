"""Which extension provides what the models need: found by trying those that the server has."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

# Those that any owner of a database may create, and others if the error names them.
AVAILABLE = """
SELECT e.name FROM pg_available_extensions e
JOIN pg_available_extension_versions v ON v.name = e.name AND v.version = e.default_version
WHERE e.installed_version IS NULL AND (v.trusted OR position(lower(e.name) IN lower(:reason)) > 0)
ORDER BY position(lower(e.name) IN lower(:reason)) = 0, e.name
"""
# Where a type is not called like its extension, and the server may not have that one.
TYPES = {"geometry": "postgis", "geography": "postgis", "vector": "vector", "halfvec": "vector"}


def providing(
    connection: sa.Connection, error: SQLAlchemyError, build: Callable[[], Any]
) -> str | None:
    """Return the extension with which the statement that failed can be run.

    Args:
        error: what `build` has raised.
        build: runs the statements once more, up to that one.
    """
    reason, failed = str(getattr(error, "orig", "")), getattr(error, "statement", None)
    found: list[str] = []
    busy = False
    if failed is None:
        return None

    def before(own: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal busy
        if statement != failed or busy:
            return
        busy = True
        # It may be there twice, and work the first time.
        if problem := _problem(own, failed):
            candidates = own.scalars(sa.text(AVAILABLE), {"reason": reason}).all()
            after = {each: _problem(own, failed, each) for each in candidates}
            # If none is enough, one that is not the only one: then something else is missing.
            found.extend(each for each, left in after.items() if left == "")
            found.extend(each for each, left in after.items() if left and left != problem)
        busy = False

    event.listen(connection, "before_cursor_execute", before)
    with suppress(SQLAlchemyError):
        build()
    event.remove(connection, "before_cursor_execute", before)
    named = (extension for kind, extension in TYPES.items() if f'"{kind}"' in reason)
    return next(iter(found), next(named, None))


def _problem(connection: sa.Connection, statement: str, extension: str = "") -> str | None:
    """Return why a statement fails, nothing if it does not.

    Args:
        extension: one that is created before it; None is returned if that is not possible.
    """
    savepoint, problem = connection.begin_nested(), None
    try:
        if extension:
            connection.exec_driver_sql(f'CREATE EXTENSION "{extension}" CASCADE')
        problem = "failed"
        connection.exec_driver_sql(statement)
    except SQLAlchemyError as error:
        return problem and str(getattr(error, "orig", error))
    else:
        return ""
    finally:
        savepoint.rollback()
