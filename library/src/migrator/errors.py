"""The errors that people see: one clear sentence each, and the exit code that goes with it.

They derive from Alembic's own CommandError, so that the `alembic` command prints them
without a traceback too.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from alembic.config import Config
from alembic.util.exc import CommandError


class MigratorError(CommandError):
    """Something failed; the message says what state things are in and what to do.

    `details` are lines for below the message: a name and a text. `reason` is what happened, without
    what was or was not changed: for callers who say that themselves.
    """

    exit_code = 1
    reason = ""
    details: tuple[tuple[str, str], ...] = ()


class UnreachableError(MigratorError):
    """There was no connection; `permanent` if trying again cannot help."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class UsageError(MigratorError):
    """The command line, an ini file or the environment is wrong."""

    exit_code = 2


class PendingError(MigratorError):
    """The database is not where this code expects it to be."""

    exit_code = 3


class LockTimeout(MigratorError):
    """The time for waiting was spent; nothing changed since the last good revision."""

    exit_code = 4


class Interrupted(MigratorError):
    """Ctrl-C or SIGTERM."""

    exit_code = 130


class RefusedError(MigratorError):
    """A safety check said no; the message gives the command that says yes."""

    exit_code = 5


@contextmanager
def exit_codes(config: Config) -> Iterator[None]:
    """Give the `alembic` command the exit codes above; it ends with 255 whatever happened."""
    try:
        yield
    except MigratorError as error:
        if config.cmd_opts is None:  # a program called Alembic, and handles errors itself
            raise
        print(f"FAILED: {error}", *(f"  {name}: {text}" for name, text in error.details), sep="\n")
        sys.exit(error.exit_code)
