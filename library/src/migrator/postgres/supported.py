"""Which versions of the server are supported."""

from typing import Any

from migrator.errors import RefusedError

OLDEST = 13


def require(raw: Any, _record: Any = None) -> None:
    """Refuse a connection of psycopg to a server that is too old, and close it.

    Raises:
        RefusedError: it is.
    """
    major = raw.info.server_version // 10000
    if major < OLDEST:
        raw.close()
        raise RefusedError(
            f"The server is PostgreSQL {major}, which lacks statements and views that migrations"
            f" use, and has no security updates any more. Nothing was changed. Upgrade it to"
            f" {OLDEST} or newer."
        )
