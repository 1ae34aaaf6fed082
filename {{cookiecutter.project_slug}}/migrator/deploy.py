"""Bring a database to the newest revision: state before, pending, apply, verify, state after."""

import time
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from migrator import database, locks, plan
from migrator.console import note, say
from migrator.errors import Interrupted, LockTimeout, MigratorError

LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's error code when lock_timeout has passed


def run(config: Config, to: str = "head") -> None:
    """Apply what is pending, in this process and on one connection, then verify.

    With nothing pending it returns before Alembic's environment is loaded at all.

    Raises:
        MigratorError: a revision failed, or the target was not reached. The message says where
            the database stands; nothing is ever downgraded by itself.
    """
    revisions = plan.load(config)
    with database.connect(config) as connection:
        before = plan.make(config, connection, to, revisions)
        if not before.pending:
            say(f"Nothing to do: the database is at {before.at}.")
            return
        with locks.only_deployer(config):
            _deploy(config, connection, to, revisions)


def _deploy(config: Config, connection: Connection, to: str, revisions: ScriptDirectory) -> None:
    before = plan.make(config, connection, to, revisions)
    if not before.pending:
        say(f"Nothing to do any more: another deploy has brought the database to {before.at}.")
        return
    say(f"The database is at {before.at}; {len(before.pending)} to apply:")
    for script in before.pending:
        say(f"  {plan.describe(script)}")
    _apply(config, connection, before)
    after = plan.make(config, connection, to, revisions)
    if after.pending:
        raise MigratorError(
            f"The deploy ended at {after.at} instead of {after.target}, without an error;"
            " look at the revisions after it for a commit or rollback of their own."
        )
    say(f"Done: the database is at {after.at}.")


def _apply(config: Config, connection: Connection, before: plan.Plan) -> None:
    started = time.monotonic()

    def report(*, step: Any, **_: Any) -> None:
        nonlocal started
        now = time.monotonic()
        note(f"applied {', '.join(step.up_revision_ids)} in {now - started:.2f} s")
        started = now

    config.attributes.update(connection=connection, on_version_apply=report)
    try:
        command.upgrade(config, before.target)
    except (Exception, KeyboardInterrupt) as error:
        connection.rollback()
        raise _failure(error, plan.current_heads(connection), before) from error


def _failure(error: BaseException, now: tuple[str, ...], before: plan.Plan) -> MigratorError:
    at = ", ".join(now) or "base"
    names = [script.revision for script in before.pending]
    done = names.index(now[0]) + 1 if now and now[0] in names else 0
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    reason = " ".join(str(cause).split())
    kept = f"{done} of {len(names)} revisions stand" if done else "none of this deploy was applied"
    revision = names[min(done, len(names) - 1)]
    state = f"The database is at {at} ({kept})."
    if isinstance(error, KeyboardInterrupt):
        return Interrupted(
            f"Stopped in revision {revision}, whose transaction was rolled back. {state}"
            " Run the deploy again to go on."
        )
    if getattr(cause, "sqlstate", "") == LOCK_NOT_AVAILABLE:
        return LockTimeout(
            f"Revision {revision} gave up waiting for a lock that another session holds, and its"
            f" transaction was rolled back: {reason}. {state} Nothing is wrong with it: run the"
            " deploy again, at a quieter moment or when that session has ended."
        )
    return MigratorError(
        f"Revision {revision} failed and its transaction was rolled back: {reason}. {state}"
        " Mend the cause and run the deploy again."
    )
