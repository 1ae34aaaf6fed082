"""Engines for PostgreSQL: session limits from the start, and how a lost connection is noticed."""

from contextlib import suppress
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import NullPool

from migrator.config.context import Context
from migrator.errors import UsageError
from migrator.postgres import limits

# The server notices within a minute that the machine of a session has vanished, and releases the
# deploy lock; by itself, it would ask after two hours. On a Unix socket they mean nothing. To a
# pooler they are not sent: the connection to us is its own.
LOST = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}


def engine(context: Context, *, limited: bool = True) -> Engine:
    """Return an engine whose sessions, if `limited`, carry the limits of the `[migrator]` section.

    The limits travel in the connection's start packet. A `SET` on the connection would open a
    transaction before Alembic's own, and everything would be rolled back at the end.

    Raises:
        UsageError: the URL's driver is not installed.
    """
    url, settings = context.target.url, context.settings
    given = url.query.get("options", "")
    options = [given] if isinstance(given, str) else [*given]
    if limited and not settings.allow_pooler:  # poolers refuse the start packet's options
        values = limits.session_settings(settings) | LOST
        options += [f"-c {name}={value}" for name, value in values.items()]
    arguments = {
        "connect_timeout": round(settings.connect_timeout),
        "application_name": "migrate",
        "options": " ".join(filter(None, options)),
        # A firewall forgets a connection that is silent while a large index is built.
        "keepalives_idle": 30,
        "keepalives_interval": 10,
    }
    try:
        made = create_engine(url, poolclass=NullPool, connect_args=arguments)
    except ModuleNotFoundError:
        raise UsageError(
            f"The database URL asks for {url.drivername}, which is not installed here."
        ) from None
    if limited and not settings.allow_pooler:
        event.listen(made, "connect", _notice_no_answer)
    return limits.noticing_the_end(made, settings.client_connection_check_interval * limited)


def _notice_no_answer(connection: Any, _record: Any) -> None:
    """Keepalives rest while the last answer has not arrived: the system's own limit is 15 minutes.

    Not in the start packet: a server before 12 refuses the connection for a name it does not know.
    """
    from psycopg import Error

    if connection.info.server_version >= 120000:
        connection.autocommit = True
        with suppress(Error):
            connection.execute("SELECT set_config('tcp_user_timeout', '60s', false)")
        connection.autocommit = False
