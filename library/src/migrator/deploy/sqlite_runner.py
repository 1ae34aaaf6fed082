"""Apply revisions to SQLite, whose one lock is on the whole file."""

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from migrator.deploy.runner import Runner


class SqliteRunner(Runner):
    """The driver waits for the file's lock by itself, and DDL rolls back with its transaction."""

    def connected(self, connection: Connection) -> None:
        """There is nothing to prepare."""

    def before_revision(self) -> None:
        """There is nothing to prepare."""

    def before_attempt(self, connection: Connection) -> None:
        """There is nothing to prepare."""

    def after_change(self, connection: Connection) -> None:
        """There is nothing to clean up."""

    def before_commit(self) -> None:
        """There is nothing to do."""

    def after_commit(self, connection: Connection) -> None:
        """There is nobody to wait for."""

    def after_attempts(self) -> None:
        """There is nothing to clean up."""

    def lock_timeout(self, error: DBAPIError) -> tuple[float, str]:
        """Count an attempt; see `Runner.lock_timeout`."""
        return self.current.fail(0, 0), " Another process has the database file locked."
