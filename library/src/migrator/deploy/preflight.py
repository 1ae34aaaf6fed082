"""Before a deploy: is this a database that can be migrated, and is this the time?"""

import time

from sqlalchemy import Connection, text

from migrator import database
from migrator.config import settings
from migrator.config.context import Context
from migrator.deploy import window
from migrator.deploy.deployment import Deployment
from migrator.deploy.report import Report
from migrator.errors import RefusedError, UnreachableError
from migrator.postgres import activity, unfinished

PAUSE = 1.0  # seconds between two attempts to connect
FACTS = text(
    "SELECT pg_is_in_recovery() AS standby, pg_backend_pid() AS pid,"
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
                report.done("wait", f"{_facts(connection, limits)} answers")
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
    with database.connect(context) as connection:
        if connection.dialect.name != "postgresql":
            report.done("check", "no blockers")
            return
        warnings = _warnings(connection, limits)
    for warning in warnings:
        report.warn("check", warning)
    if not warnings:
        report.done("check", "no blockers")


def _facts(connection: Connection, limits: settings.Settings) -> str:
    url = connection.engine.url.set(query={})
    shown = url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)
    if connection.dialect.name != "postgresql":
        return shown
    row = connection.execute(FACTS).one()
    connection.rollback()
    if row.standby:
        raise RefusedError(
            f"{shown} is a standby, which cannot be changed. Nothing was. Deploy to the primary:"
            " set MIGRATION_DATABASE_URL to it."
        )
    if not limits.allow_pooler and activity.process(connection) != row.pid:
        raise RefusedError(
            f"Between here and {shown} is a pooler such as PgBouncer: in transaction mode, limits"
            " and the deploy lock end up in other people's sessions. Nothing was changed. Set"
            " MIGRATION_DATABASE_URL straight to the server, or use --allow-pooler if the pooler is"
            " in session mode."
        )
    return f"PostgreSQL {row.version} at {shown}"


def _warnings(connection: Connection, limits: settings.Settings) -> list[str]:
    found = []
    if limits.old_transaction:
        for session in activity.in_transaction(connection, own=0):
            if session.age and session.age >= limits.old_transaction:
                who = session.describe(with_query=limits.show_queries)
                found.append(f"an old transaction may block the deploy: {who}")
    if not activity.sees_all(connection):
        found.append(
            "this user cannot see how old other users' transactions are, so waiting for blockers"
            " takes longer; to change that: GRANT pg_read_all_stats TO this user"
        )
    connection.rollback()
    found += [f"unfinished before this deploy: {each}" for each in unfinished.find(connection)]
    return found
