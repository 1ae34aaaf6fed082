"""Engines for PostgreSQL: session limits from the start, and how a lost connection is noticed."""

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import NullPool

from migrator.config import hosts
from migrator.config.context import Context
from migrator.errors import UsageError
from migrator.postgres import after_connect, limits, pooler, supported

# The server notices within a minute that the machine of a session has vanished, and releases the
# deploy lock; by itself, it would ask after two hours. On a Unix socket they mean nothing. To a
# pooler they are not sent: the connection to us is its own.
LOST = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}
# Of several hosts, the one that can be migrated.
PRIMARY = "read-write"
# In the attributes of a configuration: the pooler of --allow-pooler was found to be in this mode.
SESSION_MODE = "pooler_in_session_mode"
# The same on our side. Keepalives rest while the last answer has not arrived.
LOST_HERE = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


def engine(context: Context, *, limited: bool = True) -> Engine:
    """Return an engine whose sessions, if `limited`, carry the limits of the `[migrator]` section.

    The limits travel in the connection's start packet. A `SET` on the connection would open a
    transaction before Alembic's own, and everything would be rolled back at the end.

    Raises:
        UsageError: the URL's driver is not installed.
    """
    url, settings = context.target.url, context.settings
    through = settings.allow_pooler
    options = given(context)
    if through:  # poolers refuse the start packet's options
        url, options = url.difference_update_query(["options"]), []
    elif limited:
        values = limits.session_settings(settings) | LOST
        options += [f"-c {name}={value}" for name, value in values.items()]
    arguments = {
        "connect_timeout": round(settings.connect_timeout),
        "application_name": "migrate",
        "options": " ".join(filter(None, options)),
        # Not as the account, the database or PGCLIENTENCODING has it.
        "client_encoding": url.query.get("client_encoding", "utf8"),
        # A firewall forgets a connection that is silent while a large index is built.
        **LOST_HERE,
        **{name: url.query[name] for name in LOST_HERE if name in url.query},
    }
    if hosts.several(url):  # whoever asks for another one is told that it is a standby
        arguments["target_session_attrs"] = url.query.get("target_session_attrs", PRIMARY)
    try:
        made = create_engine(url, poolclass=NullPool, connect_args=arguments)
    except ModuleNotFoundError:
        raise UsageError(
            f"The database URL asks for {url.drivername}, which is not installed here."
        ) from None
    event.listen(made, "connect", supported.require)
    event.listen(made, "connect", after_connect.readable)
    if limited and (not through or context.config.attributes.get(SESSION_MODE)):
        event.listen(made, "connect", after_connect.setting(settings))
        if through:
            event.listen(made, "close", pooler.discard)
    return made


def given(context: Context) -> list[str]:
    """Return the options for the start packet that the URL has."""
    found = context.target.url.query.get("options", "")
    return list(filter(None, [found] if isinstance(found, str) else found))
