"""Why there is no connection, in a sentence, and whether trying again can help."""

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from migrator import urls
from migrator.errors import MigratorError, RefusedError, UnreachableError

# What the server says to a client that it will never let in, in English, as servers are by
# default; with another language a deploy tries until wait_timeout.
PERMANENT = (
    "password authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "does not support SSL",
    "SSL error",
    "certificate",
    "permission denied",
)


def error(url: URL, cause: DBAPIError) -> MigratorError:
    """Return the error to raise for a connection to `url` that failed; it has no secret."""
    reason = " ".join(str(cause.orig).split()).removesuffix(".")
    reason, shown = urls.without_secrets(reason, url), urls.shown(url)
    if "unsupported startup parameter" in reason:
        return RefusedError(
            f"{shown} is a pooler such as PgBouncer, where limits and locks end up in other"
            " people's sessions. Nothing was changed. Set MIGRATION_DATABASE_URL straight to the"
            " server, or use --allow-pooler if it is in session mode."
        )
    return UnreachableError(
        f"The database {shown} cannot be reached: {reason}."
        " Nothing was changed. Check that it runs and that DATABASE_URL is right.",
        permanent=url.get_backend_name() == "sqlite" or any(words in reason for words in PERMANENT),
    )
