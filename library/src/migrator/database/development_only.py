"""What is for development only: is this a database that may be emptied and filled?"""

from ipaddress import ip_address

from sqlalchemy import Connection

from migrator.config.context import Context
from migrator.errors import RefusedError

LOCAL = {"localhost", "127.0.0.1", "::1"}


def refuse_production(context: Context, what: str) -> None:
    """Refuse an ini file that is for deploys, before anything is connected to.

    Raises:
        RefusedError: `production = true`.
    """
    if context.settings.production:
        raise RefusedError(
            f"{context.ini} is for deploys, and {what} is for development databases"
            " only. Nothing was changed."
        )


def refuse_elsewhere(
    connection: Connection, what: str, allowed: str | None, how: str = "--host"
) -> None:
    """Refuse a server on another machine, unless it was named.

    The driver is asked where it went: a URL, the environment and a service file can all say so.

    Args:
        allowed: the host that was named.
        how: one names it, without make.

    Raises:
        RefusedError: it is another one.
    """
    if connection.dialect.name == "sqlite":
        return
    info = connection.connection.driver_connection.info  # type: ignore[union-attr]
    host = str(info.host)
    if host.startswith("/") or host == allowed:
        return
    if host.lower() in LOCAL and ip_address(info.hostaddr or "0.0.0.0").is_loopback:
        return
    raise RefusedError(
        f"The database {info.dbname} is on {host}, which is not this machine, and {what} is for"
        f" development databases only. Nothing was changed. If it is one: host={host} ({how})."
    )
