"""The errors that users see: a message that says what to do, and an exit code.

They derive from Alembic's CommandError, so that the `alembic` command prints them without a
traceback too.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from alembic.util.exc import CommandError

DEPENDENT_OBJECTS = "2BP01"
DATA_EXCEPTION = "22"  # the class: a value is not as it has to be, and the message quotes it
QUOTED = re.compile('["„«“].*["“”»]', re.DOTALL)
NOT_BUILT = re.compile('extension "(pgcrypto|uuid-ossp|sslinfo)" is not available')
WITHOUT_OPENSSL = (
    "(If this is the development PostgreSQL: it is built without OpenSSL and the UUID library."
    " gen_random_uuid() and sha256() need no extension; or set DATABASE_URL to another server.)"
)
SECRET = re.compile(
    r"(://[^\s:@/]*:)\S+(?=@)"
    r"|\b((?:pass(?:word|wd|file)?|pwd|secret|token|api_?key)\s*[=:]\s*)(?:'[^']*'|\"[^\"]*\"|[^\s,;)&]+)"
    r"|\b(PASSWORD\s+)(?:'[^']*')",
    re.IGNORECASE,
)


class MigratorError(CommandError):
    """A command failed; the message says which state the database is in and what to do.

    `details` are lines to print below the message, each with a name and a text; `data` is the same
    for programs. `reason` is what happened, without what was or was not changed: for callers who
    say that themselves. `adds` is the statement that adds what rows violate, and `violations` has
    the constraints with the number of rows, if only the transaction that failed could count them.
    """

    exit_code = 1
    reason = ""
    details: tuple[tuple[str, str], ...] = ()
    data: Mapping[str, Any] = MappingProxyType({})
    adds = ""
    violations: Sequence[Any] = ()


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
    """The command was interrupted by Ctrl-C, SIGTERM or SIGHUP."""

    exit_code = 130


class RefusedError(MigratorError):
    """A safety check refused the command; the message says how to proceed."""

    exit_code = 5


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, which has an s unless it is one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def one_line(error: BaseException, *, details: bool = True) -> str:
    """Return the text of an error, or of the driver's error in it, on one line, without secrets.

    Args:
        details: with PostgreSQL's DETAIL, the piece of the statement, and the value that is wrong,
            which may show rows.
            What depends on an object that cannot be dropped is named in any case.
    """
    cause = getattr(error, "orig", None) or error
    found = getattr(cause, "diag", None)
    text = _text(cause)
    if not details and found is not None and found.message_primary:
        text = found.message_primary
        if (found.sqlstate or "").startswith(DATA_EXCEPTION):
            text = QUOTED.sub('"***"', text)
        if found.message_detail and found.sqlstate == DEPENDENT_OBJECTS:
            text += f" DETAIL: {found.message_detail}"
        if found.message_hint:
            text += f" HINT: {found.message_hint}"
    if NOT_BUILT.search(text):
        text = f"{text.rstrip('.')}. {WITHOUT_OPENSSL}"
    return without_secrets(" ".join(text.split()))


def _text(error: BaseException) -> str:
    """Return what an error says; one of somebody's own may not even be able to."""
    try:
        return str(error)
    except Exception as failure:
        return f"its text cannot be read ({type(failure).__name__})"


def without_secrets(text: str) -> str:
    """Return a text with *** for what looks like a password, in a URL or behind its name."""
    return SECRET.sub(lambda found: f"{found[1] or found[2] or found[3]}***", text)
