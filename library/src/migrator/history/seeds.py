"""Fill the database with the application's example data: `seeds = app.seeds:run` in the ini."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from migrator.config import imports
from migrator.config.context import Context
from migrator.errors import MigratorError, UsageError


def run(context: Context, connection: Connection) -> int:
    """Call the project's function with a session, and commit what it did.

    Returns:
        How many rows it added or changed.

    Raises:
        UsageError: the ini names no function, or one that is not there.
        MigratorError: the function failed; its transaction was rolled back.
    """
    path = context.option("seeds")
    module, _, name = path.partition(":")
    ini = context.ini
    if not module or not name:
        raise UsageError(
            f"{ini} does not say where the example data is: add `seeds = app.seeds:run` below"
            " [alembic], and a function run(session) there."
        )
    function = getattr(imports.load(module, Path(str(ini))), name, None)
    if not callable(function):
        raise UsageError(f"seeds = {path} in {ini}: there is no function {name} in {module}.")
    changed = 0

    def count(session: Session, _context: Any) -> None:
        nonlocal changed
        changed += len(session.new) + len(session.deleted)
        changed += sum(session.is_modified(row) for row in session.dirty)

    with Session(connection) as session:
        event.listen(session, "after_flush", count)
        try:
            function(session)
            session.commit()
        except (SQLAlchemyError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            session.rollback()
            reason = " ".join(str(getattr(error, "orig", None) or error).split())
            raise MigratorError(
                f"The example data ({path}) could not be added, and none of it was:"
                f" {type(error).__name__}: {reason.removesuffix('.')}."
            ) from error
    return changed
