"""Why there is no connection, or a statement failed, in a sentence, and whether to retry."""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from migrator.config import urls, version_table
from migrator.config.invocation import option
from migrator.errors import (
    LockTimeout,
    MigratorError,
    RefusedError,
    UnreachableError,
    one_line,
    without_secrets,
)
from migrator.postgres import limits, pooler

# When a statement has failed, nobody waits any more, so pg_blocking_pids() is empty.
# Catalogs have smaller numbers than the relations of users.
HOLDERS = (
    "SELECT pid, application_name, state, xact_start, relation::regclass, mode"
    " FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE granted AND relation >= 16384 AND datname = current_database()"
    " AND pid <> pg_backend_pid() ORDER BY xact_start;"
)
# What the server says to a client that it will never let in, in English, as servers are by
# default; in another language a deploy retries until wait_timeout.
PERMANENT = (
    "password authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "pg_hba.conf rejects",
    "invalid connection option",
    "invalid URI query parameter",
    "invalid sslmode value",
    "invalid integer value",
    "is not currently accepting connections",
    "does not support SSL",
    "SSL error",
    "certificate",
    "permission denied",
)
INSUFFICIENT_PRIVILEGE = "42501"


def error(url: URL, cause: DBAPIError) -> MigratorError:
    """Return the error to raise for a connection to `url` that failed; it has no secret."""
    reason = one_line(cause).removesuffix(".")
    reason, shown = urls.without_secrets(reason, url), urls.shown(url)
    if "unsupported startup parameter" in reason:
        return RefusedError(
            f"{shown} is a pooler such as PgBouncer, where limits and locks end up in other"
            " people's sessions. Nothing was changed. Set MIGRATION_DATABASE_URL straight to the"
            f" server, or use {option('--allow-pooler')} if it is in session mode."
        )
    if pooler.STATEMENT_MODE in reason:
        return not_in_session_mode(shown)
    found = UnreachableError(
        f"The database {shown} cannot be reached: {reason}."
        " Nothing was changed. Check that it runs and that DATABASE_URL is right.",
        permanent=url.get_backend_name() == "sqlite" or is_permanent(reason),
    )
    found.reason = f"The database {shown} cannot be reached: {reason}."
    return found


def is_permanent(reason: str) -> bool:
    """Tell whether what a server says to a client means that it will never let it in."""
    return any(words in reason for words in PERMANENT)


def not_in_session_mode(shown: str) -> RefusedError:
    """Return the error for a pooler that mixes sessions; `shown` is the URL."""
    return RefusedError(
        f"The pooler between here and {shown} is not in session mode: limits and the deploy lock"
        " would end up in other people's sessions, --allow-pooler or not. Nothing was changed. Set"
        " MIGRATION_DATABASE_URL straight to the server, or to a pool in session mode."
    )


def cause(error: BaseException) -> BaseException:
    """Return what really happened, where ending a transaction or a block failed because of it."""
    while isinstance(error, PendingRollbackError) and error.__context__:
        error = error.__context__
    return error


def lost(connection: Connection, reason: str) -> UnreachableError:
    """Return the error to raise for a connection that has ended."""
    shown = urls.shown(connection.engine.url)
    found = UnreachableError(
        f"The connection to {shown} was lost: {reason}. What was not committed is rolled back.",
        permanent=False,
    )
    found.reason = f"The connection to {shown} was lost: {reason}."
    return found


def failed(connection: Connection, cause: DBAPIError) -> MigratorError:
    """Return the error to raise for a statement on `connection` that failed."""
    reason = one_line(cause, details=False).removesuffix(".")
    if limits.is_lock_timeout(cause):
        timeout = LockTimeout(
            f"Another session holds a lock that this needs ({reason}); nothing was changed. Try"
            " again when it has ended."
        )
        timeout.reason = f"Another session holds a lock that this needs ({reason})."
        if connection.dialect.name == "postgresql":
            timeout.details = (("find it", HOLDERS),)
        return timeout
    if cause.connection_invalidated:
        return lost(connection, reason)
    statement = " ".join((cause.statement or "").split())
    if (
        getattr(cause.orig, "sqlstate", None) == INSUFFICIENT_PRIVILEGE
        and statement.startswith("SELECT")
        and any(name in statement for name in version_table.NOT_OF_MODELS)
    ):
        dbapi: Any = connection.connection.dbapi_connection
        user = connection.dialect.identifier_preparer.quote(dbapi.info.user)
        return MigratorError(
            f"The account {user} may not read which revision the database is at ({reason}), so"
            " whether it fits this code is not known. Nothing was changed. As the owner of the"
            f" tables: GRANT SELECT ON {', '.join(version_table.NOT_OF_MODELS)} TO {user};"
        )
    return MigratorError(
        f"The database said: {reason}. What was not committed is rolled back."
        f"{' The statement was: ' if statement else ''}{without_secrets(statement)}"
    )
