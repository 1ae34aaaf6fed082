"""What is for development only: is this a database that may be emptied and filled?"""

from ipaddress import ip_address

from alembic import context as alembic_context
from alembic.config import Config
from sqlalchemy import Connection

from migrator.config import settings
from migrator.errors import RefusedError

LOCAL = {"localhost", "127.0.0.1", "::1"}


def refuse_production(config: Config, what: str) -> None:
    """Refuse an ini file that is for deploys, before anything is connected to.

    Raises:
        RefusedError: `production = true`.
    """
    if settings.load(config).production:
        raise RefusedError(
            f"{config.config_file_name} is for deploys, and {what} is for development databases"
            " only. Nothing was changed."
        )


def refuse_downgrade(config: Config, connection: Connection) -> None:
    """Refuse to take revisions back elsewhere with the ini file of development; for env.py.

    `DATABASE_URL` wins over that file too, and a downgrade shows nothing of what it drops. A
    program that calls Alembic, without a command line, knows where it goes.

    Raises:
        RefusedError: `alembic downgrade` was typed, and the server is not this machine.
    """
    command = getattr(config.cmd_opts, "cmd", None)
    if command is None or command[0].__name__ != "downgrade" or settings.load(config).production:
        return
    named = alembic_context.get_x_argument(as_dictionary=True).get("host")
    refuse_elsewhere(connection, "downgrade", named, "alembic -x host=NAME downgrade")


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
