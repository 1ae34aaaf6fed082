"""What a deploy that did not end well says: where the database stands, and what to do now."""

import time
from collections.abc import Sequence
from textwrap import shorten

from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from migrator import database, limits, plan, settings
from migrator.errors import (
    Interrupted,
    LockTimeout,
    MigratorError,
    UnreachableError,
)
from migrator.plan import Plan

PAUSE = 1.0  # seconds between two tries to ask the database where it is


def failure(
    config: Config,
    error: BaseException,
    going: Plan,
    revision: str,
    left: Sequence[str] = (),
) -> MigratorError:
    """Return the error to raise in place of `error`, with the state of the database.

    Args:
        revision: the one that was being applied; empty if none was.
        left: what that one had committed outside its transaction.
    """
    names = [script.revision for script in going.pending]
    revision = revision or names[0]
    error = _cause(error)
    reason = _reason(error)
    try:
        now = _ask(config)
    except MigratorError as unreachable:
        return _with_details(
            MigratorError(
                f"Revision {revision} failed: {reason}. The database does not answer any more, so"
                f" where it stands is not known: what was committed stands, the rest is rolled"
                f" back. {unreachable}"
            ),
            [("to go on", f"when it answers again: {_command(config, 'plan')}, then deploy again")],
        )
    done = _done(going, now)
    at = ", ".join(now) or "base"
    kept = (
        f"{done} of {len(names)} revisions stand"
        if going.upgrade
        else f"{done} of {len(names)} taken back"
    )
    state = f"The database is at {at} ({kept if done else 'none of this deploy was applied'})."
    details = _details(config, going, names, done, revision)
    if left:
        stays = "; ".join(shorten(statement, 100, placeholder=" ...") for statement in left)
        details.insert(1, ("stands too", f"{stays} (of {revision}, outside its transaction)"))
    return _with_details(_error(error, revision, reason, state), details)


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


def _details(
    config: Config, going: Plan, names: list[str], done: int, revision: str
) -> list[tuple[str, str]]:
    stand = ", ".join(names[:done]) or "none"
    left = [f"{name} ({'failed' if name == revision else 'not tried'})" for name in names[done:]]
    word = "deploy" if going.upgrade else f"rollback --to {going.target}"
    found = [
        ("stand" if going.upgrade else "taken back", stand),
        ("not done", ", ".join(left) or "none"),
        ("to go on", _command(config, word)),
    ]
    if going.upgrade and done:
        found.append(("to go back", _command(config, f"rollback --to {going.at}")))
    return found


def _done(going: Plan, now: tuple[str, ...]) -> int:
    """Return how many of the pending revisions are done, from where the database is."""
    names = [script.revision for script in going.pending]
    here = [names.index(head) for head in now if head in names]
    if going.upgrade:
        return max(here) + 1 if here else 0
    if here:  # the newest that is still there is the next to be taken back
        return min(here)
    return len(names) if set(now) != set(going.current) else 0


def _ask(config: Config) -> tuple[str, ...]:
    """Ask on a new connection: the deploy's may be gone, and a server that restarts comes back."""
    deadline = time.monotonic() + settings.load(config).wait_timeout
    while True:
        try:
            with database.connect(config) as connection:
                return plan.current_heads(connection)
        except UnreachableError as error:
            if error.permanent or time.monotonic() >= deadline:
                raise
        time.sleep(PAUSE)


def _reason(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    text = " ".join(str(cause).split())
    if not isinstance(error, DBAPIError | CommandError):
        text = f"{type(error).__name__}: {text}"
    return text if isinstance(error, LockTimeout) else text.removesuffix(".")


def _command(config: Config, words: str) -> str:
    return f"python -m migrator -c {config.config_file_name} {words}"


def _with_details(error: MigratorError, details: list[tuple[str, str]]) -> MigratorError:
    error.details = tuple(details)
    return error
