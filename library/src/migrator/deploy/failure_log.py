"""Writes a deploy that failed into the migration log, where the database lets it."""

import time
from contextlib import ExitStack, suppress
from textwrap import shorten

from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError

from migrator import database
from migrator.config import urls
from migrator.config.context import Context
from migrator.deploy.attempts import Attempts
from migrator.deploy.deployment import Deployment
from migrator.errors import (
    Interrupted,
    LockTimeout,
    MigratorError,
    UnreachableError,
    one_line,
    without_secrets,
)
from migrator.postgres import durability
from migrator.revisions import deploy_lock, log_failures, log_table
from migrator.revisions.log import Entry
from migrator.revisions.log_failures import Cause
from migrator.revisions.pending import Plan

LONGEST = 2000  # characters of a reason
MOMENT = 0.01  # seconds to wait for the deploy lock, for a line that nothing depends on


def write(deployment: Deployment, step: str, error: BaseException) -> None:
    """Log that `error` has ended the deploy in `step`; what goes wrong here is only a warning.

    A rollback that nobody confirmed has not failed, and a database that does not answer cannot
    take a line.
    """
    declined = step == "plan" and not deployment.upgrades
    if declined or step == "wait" or isinstance(error, UnreachableError) or not deployment.logged:
        return
    context = deployment.context
    try:
        with ExitStack() as stack:
            alone = (deployment.has_lock and deployment.keeps_lock()) or _gets_lock(stack, context)
            connection = stack.enter_context(database.connect(context))
            if log_table.is_other(connection):  # which is the error
                return
            if connection.dialect.name == "postgresql":
                durability.commit_locally(connection)
            log_failures.write(connection, *_line(deployment, step, error), alone=alone)
    except (Exception, KeyboardInterrupt) as why:
        if str(why) == str(error):  # no file can be locked: said next
            return
        said = getattr(why, "reason", "") or one_line(why, details=False) or "stopped"
        deployment.report.warn("log", f"This failure is not logged: {said}")


def _line(deployment: Deployment, step: str, error: BaseException) -> tuple[Entry, Cause]:
    plan: Plan | None = getattr(deployment, "plan", None)  # not before it is made
    pending = [each.revision for each in plan.pending] if plan else []
    failed = deployment.failed or Attempts()
    came_to = plan.ends_at if plan and step == "verify" else "".join(pending[:1])
    entry = Entry(
        failed.revision or came_to,
        failed.before or (plan.current if plan else ()),
        deployment.upgrades,
        time.monotonic() - deployment.began,
        failed.count,
        failed.waited,
    )
    stopped = isinstance(error, KeyboardInterrupt)
    default = Interrupted.exit_code if stopped else MigratorError.exit_code
    code: int = getattr(error, "exit_code", default)
    reason = _reason(deployment.context, error)
    saved = deployment.backup if deployment.state else None
    file = str(saved.path) if saved else ""
    return entry, Cause(step, reason, code, tuple(pending), file, deployment.state)


def _gets_lock(stack: ExitStack, context: Context) -> bool:
    with suppress(LockTimeout):
        stack.enter_context(deploy_lock.only_deployer(context, lambda _: None, MOMENT))
        return True
    return False


def _reason(context: Context, error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    found = getattr(error, "reason", "") or one_line(error, details=False)
    if not isinstance(error, CommandError | DBAPIError):
        found = f"{type(error).__name__}: {found}"
    found = urls.without_secrets(without_secrets(found), context.target.url)
    return shorten(found, LONGEST, placeholder=" ...")
