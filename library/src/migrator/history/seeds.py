"""Add the application's example data: `seeds = app.seeds:run` in the ini file."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from migrator.config import imports
from migrator.config.context import Context
from migrator.errors import MigratorError, UsageError, one_line


def run(context: Context, connection: Connection) -> int:
    """Call the project's function with a session, and commit.

    Returns:
        The number of rows that were added or changed.

    Raises:
        UsageError: the ini file names no function, or one that does not exist.
        MigratorError: the function failed; its transaction was rolled back.
    """
    path = context.option("seeds")
    module, _, name = path.partition(":")
    ini = context.ini
    if not module or not name:
        raise UsageError(
            f"{ini} does not name the function that adds the example data: add"
            " `seeds = app.seeds:run` under [alembic], and a function run(session) to app/seeds.py."
        )
    function = getattr(imports.load(module, Path(str(ini))), name, None)
    if not callable(function):
        raise UsageError(
            f"seeds = {path} in {ini} is wrong: there is no function {name} in {module}."
        )
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
            raise MigratorError(
                f"The example data ({path}) was not added: {type(error).__name__}:"
                f" {one_line(error).removesuffix('.')}. The transaction was rolled back."
            ) from error
    return changed
