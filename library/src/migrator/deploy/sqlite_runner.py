"""Apply revisions to SQLite, whose one lock is on the whole file."""

from sqlite3 import IntegrityError
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError

from migrator.deploy.runner import Runner
from migrator.errors import MigratorError, counted
from migrator.sqlite import violated


class SqliteRunner(Runner):
    """The driver waits for the file's lock by itself, and DDL rolls back with its transaction."""

    def connected(self, connection: Connection) -> None:
        """Look at what rows violate as long as the transaction is open."""
        event.listen(connection.engine, "handle_error", _look)

    def before_revision(self) -> None:
        """There is nothing to prepare."""

    def before_attempt(self, connection: Connection) -> None:
        """Find out which foreign keys rows violate already."""
        self._before = dict(violated.references(_driver(connection)))

    def after_change(self, connection: Connection) -> None:
        """Refuse new violations of foreign keys, which SQLite does not enforce meanwhile.

        Raises:
            MigratorError: there are some.
        """
        found = [
            (key, rows)
            for key, rows in violated.references(_driver(connection))
            if rows > self._before.get(key, 0)
        ]
        if found:
            rows = sum(rows for _, rows in found)
            error = MigratorError(
                f"{counted(rows, 'row')} would refer to nothing: foreign keys are not enforced"
                " while a revision runs"
            )
            error.violations = found
            raise error

    def before_commit(self) -> None:
        """There is nothing to do."""

    def after_commit(self, connection: Connection) -> None:
        """There is nobody to wait for."""

    def after_attempts(self) -> None:
        """There is nothing to clean up."""

    def lock_timeout(self, error: DBAPIError) -> tuple[float, str]:
        """Count an attempt; see `Runner.lock_timeout`."""
        return self.current.fail(0, 0), " Another process has the database file locked."


def _look(context: ExceptionContext) -> None:
    error: Any = context.original_exception
    if isinstance(error, IntegrityError) and context.connection and context.statement:
        found = violated.by(_driver(context.connection), context.statement)
        vars(error)["violations"] = found


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection
