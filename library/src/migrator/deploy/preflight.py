"""Before a deploy: is this a database that can be migrated, and is this the time?"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from sqlalchemy import Connection, text

from migrator import database
from migrator.config import settings, urls
from migrator.config.context import Context
from migrator.config.invocation import option
from migrator.database import errors
from migrator.deploy import window
from migrator.deploy.deployment import Deployment
from migrator.deploy.report import Report
from migrator.errors import RefusedError, UnreachableError
from migrator.postgres import blocking_sessions, pooler, unfinished
from migrator.postgres.engine import SESSION_MODE

PAUSE = 1.0  # seconds between two attempts to connect
DEFAULT_PORT = 5432
CONNECTIONS = 3  # that with the deploy lock, that of the backup's snapshot, and pg_dump's
FACTS = text(
    "SELECT pg_is_in_recovery() AS standby, pg_backend_pid() AS pid, current_schema() AS schema,"
    " current_setting('search_path') AS path,"
    " current_setting('default_transaction_read_only')::bool AS read_only,"
    " current_setting('server_version') AS version"
)


def wait_for_server(deployment: Deployment) -> None:
    """Wait until the database answers, at most `wait_timeout`; then see what it is.

    Raises:
        UnreachableError: it does not answer, or never will: a wrong password, an unknown name.
        RefusedError: it is a standby, or a pooler that mixes sessions.
    """
    context, report = deployment.context, deployment.report
    limits, patient = context.settings, not deployment.skips("wait")
    deadline = time.monotonic() + limits.wait_timeout
    said = False
    while True:
        try:
            with database.connect(context) as connection:
                report.done("wait", f"{_facts(context, connection)} answers")
                return
        except UnreachableError as error:
            late = limits.wait_timeout and time.monotonic() >= deadline
            if error.permanent or not patient or late:
                raise
            if not said:
                report.waiting("wait", f"{error} Retrying for {limits.wait_timeout:g} s.")
                said = True
        time.sleep(PAUSE)


def check(context: Context, report: Report, *, now: bool = False) -> None:
    """See whether it is the time, and name what may block the deploy.

    Args:
        now: whether the maintenance window is ignored.

    Raises:
        RefusedError: the window is closed.
    """
    limits = context.settings
    if now and limits.window:
        report.skipped("check", f"the maintenance window ({limits.window}) is ignored: --now")
    elif not now:
        window.check(limits.window)
    if context.target.dialect == "postgresql":
        _require_connections(context)
    with database.connect(context) as connection:
        if connection.dialect.name != "postgresql":
            report.done("check", "no blockers")
            return
        warnings = list(_warnings(connection, limits))
    for warning, data in warnings:
        report.warn("check", warning, **data)
    if not warnings:
        report.done("check", "no blockers")


def _facts(context: Context, connection: Connection) -> str:
    if connection.dialect.name != "postgresql":
        return urls.shown(connection.engine.url)
    shown = _place(connection)
    row = connection.execute(FACTS).one()
    connection.rollback()
    if row.standby:
        raise RefusedError(
            f"{shown} is a standby, which cannot be changed. Nothing was. Deploy to the primary:"
            " set MIGRATION_DATABASE_URL to it, or name all hosts in it, with"
            " target_session_attrs=read-write."
        )
    if blocking_sessions.process(connection) != row.pid:
        _admit_pooler(context, shown)
    if row.read_only:
        raise RefusedError(
            f"Transactions in {shown} are read-only (default_transaction_read_only). Nothing was"
            " changed. ALTER ROLE or ALTER DATABASE ... SET default_transaction_read_only = off, or"
            " deploy with another account."
        )
    if row.schema is None:
        raise RefusedError(
            f"In {shown} no schema of search_path ({row.path}) exists for this account. Nothing was"
            " changed. Create the schema, GRANT USAGE on it, or set search_path for the account."
        )
    return f"PostgreSQL {row.version} at {shown}"


def _place(connection: Connection) -> str:
    """Return the URL of the server that answers; several hosts, or a service file, may name it."""
    info: Any = connection.connection.dbapi_connection.info  # type: ignore[union-attr]
    given = connection.engine.url
    found = given.set(drivername="postgresql", query={}, database=info.dbname, username=info.user)
    if info.host.startswith("/"):
        return urls.shown(found.update_query_dict({"host": info.host}))
    if given.host is None:
        port = None if info.port == DEFAULT_PORT else info.port
        found = found.set(host=info.host, port=port)
    return urls.shown(found)


def _admit_pooler(context: Context, shown: str) -> None:
    if not context.settings.allow_pooler:
        raise RefusedError(
            f"Between here and {shown} is a pooler such as PgBouncer: unless it is in session mode,"
            " limits and the deploy lock end up in other people's sessions. Nothing was changed."
            f" Set MIGRATION_DATABASE_URL straight to the server, or use"
            f" {option('--allow-pooler')} if the pooler is in session mode."
        )
    if pooler.mixes_sessions(database.engine(context, limited=False)):
        raise errors.not_in_session_mode(shown)
    context.config.attributes[SESSION_MODE] = True


def _require_connections(context: Context) -> None:
    """Find out before the backup that there are too few connections for it.

    Raises:
        RefusedError: there are.
    """
    connections: list[Connection] = []
    with ExitStack() as opened:
        for number in range(CONNECTIONS):
            try:
                connection = opened.enter_context(database.connect_autocommit(context))
                connections.append(connection)
            except UnreachableError as error:
                if not all(map(database.lives, connections)) or not number:
                    raise
                raise RefusedError(
                    f"A deploy needs {CONNECTIONS} connections at the same time, and this account"
                    f" got {number}. {error.reason} Nothing was changed. Raise its CONNECTION LIMIT"
                    " or that of the database, or free connections."
                ) from None


def _warnings(
    connection: Connection, limits: settings.Settings
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each as a sentence, and as data for JSON."""
    if limits.old_transaction:
        for session in blocking_sessions.in_transaction(connection, own=0):
            if session.age and session.age >= limits.old_transaction:
                who = session.describe(with_query=limits.show_queries)
                yield f"an old transaction may block the deploy: {who}", {"pids": [session.pid]}
    if not blocking_sessions.sees_all(connection):
        yield (
            "this user cannot see how old other users' transactions are, so waiting for blockers"
            " takes longer; to change that: GRANT pg_read_all_stats TO this user",
            {"lacks": "pg_read_all_stats"},
        )
    connection.rollback()
    for each in unfinished.find(connection):
        yield f"unfinished before this deploy: {each}", {"unfinished": each.stored()}
