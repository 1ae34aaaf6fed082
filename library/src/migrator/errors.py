"""The errors that users see: a message that says what to do, and an exit code.

They derive from Alembic's CommandError, so that the `alembic` command prints them without a
traceback too.
"""

from alembic.util.exc import CommandError


class MigratorError(CommandError):
    """A command failed; the message says which state the database is in and what to do.

    `details` are lines to print below the message, each with a name and a text. `reason` is what
    happened, without what was or was not changed: for callers who say that themselves.
    """

    exit_code = 1
    reason = ""
    details: tuple[tuple[str, str], ...] = ()


class UnreachableError(MigratorError):
    """The server cannot be reached; `permanent` means that a retry cannot help."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class UsageError(MigratorError):
    """The command line, an ini file or the environment is wrong."""

    exit_code = 2


class PendingError(MigratorError):
    """The database is not at the revision that this code expects."""

    exit_code = 3


class LockTimeout(MigratorError):
    """A lock was not granted in time; nothing changed since the last applied revision."""

    exit_code = 4


class Interrupted(MigratorError):
    """The command was interrupted by Ctrl-C or SIGTERM."""

    exit_code = 130


class RefusedError(MigratorError):
    """A safety check refused the command; the message says how to proceed."""

    exit_code = 5


def one_line(error: Exception) -> str:
    """Return the text of an error, or of the driver's error in it, on one line."""
    return " ".join(str(getattr(error, "orig", None) or error).split())
