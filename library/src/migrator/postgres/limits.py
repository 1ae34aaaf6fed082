"""The limits of a PostgreSQL session, and how an error says that one of them was reached."""

from sqlalchemy.exc import DBAPIError

from migrator.config.settings import Settings

# lock_timeout has passed; a deadlock was resolved by cancelling our statement.
NOT_AVAILABLE, DEADLOCK = "55P03", "40P01"


def session_settings(limits: Settings) -> dict[str, str]:
    """Return PostgreSQL's names and values for the limits that a session can have."""
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    return {name: f"{round(getattr(limits, name) * 1000)}ms" for name in names}


def is_lock_timeout(error: DBAPIError) -> bool:
    """Tell whether a statement failed because of another session's lock: a retry may help."""
    cause = error.orig
    if getattr(cause, "sqlstate", None) in (NOT_AVAILABLE, DEADLOCK):
        return True
    return getattr(cause, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def is_deadlock(error: DBAPIError) -> bool:
    """Tell whether it failed because it and others waited for each other."""
    return getattr(error.orig, "sqlstate", None) == DEADLOCK
