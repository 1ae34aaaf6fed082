"""What a deploy that did not end well says: where the database stands, and what to do now."""

import re
from collections.abc import Sequence
from contextlib import suppress
from textwrap import shorten

from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from migrator.deploy import state
from migrator.deploy.state import Work
from migrator.errors import (
    Interrupted,
    LockTimeout,
    MigratorError,
    UnreachableError,
)
from migrator.postgres import limits

# What a lost connection says, and is not true any more.
PROMISE = re.compile(r"[;.] nothing was changed\b", re.IGNORECASE)


def failure(
    work: Work, error: BaseException, revision: str, left: Sequence[str] = ()
) -> MigratorError:
    """Return the error to raise in place of `error`, with the state of the database.

    Args:
        revision: the one that was being applied; empty if none was.
        left: what that one had committed outside its transaction.
    """
    revision = revision or work.going.pending[0].revision
    error = _cause(error)
    reason = _reason(error)
    try:
        heads, unfinished = state.ask(work.context, state.now)
    except MigratorError as unreachable:
        look = f"{state.command(work, 'plan')}, then {state.command(work, work.again)}"
        found = MigratorError(
            f"Revision {revision} failed: {reason}. The database does not answer any more, so"
            f" where it stands is not known: what was committed stands, the rest is rolled"
            f" back. {_without_promise(str(unreachable))}"
        )
        details = [("to go on", f"when it answers again: {look}")]
    else:
        found = _error(error, revision, reason, state.sentence(work.going, heads))
        details = state.details(work, state.done(work.going, heads), revision)
        if left:
            stays = "; ".join(shorten(statement, 100, placeholder=" ...") for statement in left)
            details.insert(1, ("stands too", f"{stays} (of {revision}, outside its transaction)"))
        details += state.left_behind(work, unfinished)
    found.details = (*details, *state.saved(work))
    return found


def unverified(work: Work, error: BaseException) -> MigratorError:
    """Return the error to raise in place of `error`, which came when all had been applied."""
    going = work.going
    heads, done = going.after or (going.target,), len(going.pending)
    if not isinstance(error, UnreachableError):  # it has been asked for long enough
        with suppress(MigratorError):  # all was committed, or applying it would have failed
            heads, _ = state.ask(work.context, state.now)
            done = state.done(going, heads)
    where = state.sentence(going, heads)
    again = "Run the deploy again: it verifies again, also with nothing to apply."
    if not going.upgrade:
        again = "Run the rollback again, if that is not where you want to be."
    elif going.pending and not work.recorded:
        again = "Later deploys do not know that, because this one was not recorded."
    found: MigratorError
    if isinstance(error, KeyboardInterrupt):
        found = Interrupted(f"Stopped before the result was verified. {where} {again}")
    else:
        reason = _without_promise(_reason(error)).removesuffix(".")
        found = MigratorError(f"Not verified: {reason}. {where} Mend the cause. {again}")
    found.details = (*state.details(work, done), *state.saved(work))
    return found


def _cause(error: BaseException) -> BaseException:
    """Return what really happened, where leaving an autocommit_block failed because of it."""
    while isinstance(error, PendingRollbackError) and error.__context__:
        error = error.__context__
    return error


def _error(error: BaseException, revision: str, reason: str, state: str) -> MigratorError:
    if isinstance(error, KeyboardInterrupt):
        return Interrupted(
            f"Stopped in revision {revision}, whose transaction was rolled back. {state}"
            " Run the deploy again to go on."
        )
    locked = isinstance(error, DBAPIError) and limits.is_lock_timeout(error)
    if isinstance(error, LockTimeout) or locked:
        if not isinstance(error, LockTimeout):
            reason = f"got no lock: {reason}."
        return LockTimeout(
            f"Revision {revision} {reason}"
            f" Its transaction was rolled back. {state} Nothing is wrong with it: run the deploy"
            " again, at a quieter moment or when that session has ended."
        )
    return MigratorError(
        f"Revision {revision} failed and its transaction was rolled back: {reason}. {state}"
        " Mend the cause and run the deploy again."
    )


def _reason(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    text = " ".join(str(cause).split())
    if not isinstance(error, DBAPIError | CommandError):
        text = f"{type(error).__name__}: {text}"
    return text if isinstance(error, LockTimeout) else text.removesuffix(".")


def _without_promise(text: str) -> str:
    return PROMISE.sub("", text)
