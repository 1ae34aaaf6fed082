"""What a deploy that failed says: the state of the database, and what to do now."""

from collections.abc import Sequence
from contextlib import suppress
from textwrap import shorten

from alembic.util.exc import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from migrator.config import urls
from migrator.config.invocation import command
from migrator.database import errors
from migrator.deploy import state, violation, violation_check
from migrator.deploy.deployment import Deployment
from migrator.deploy.violation import Violation
from migrator.errors import (
    Interrupted,
    LockTimeout,
    MigratorError,
    UnreachableError,
    one_line,
    without_secrets,
)
from migrator.postgres import limits
from migrator.postgres.unfinished import Unfinished

SHOWN = 8  # of the statements that were committed


def failed(
    deployment: Deployment,
    error: BaseException,
    revision: str,
    kept: Sequence[str] = (),
    running: str = "",
) -> MigratorError:
    """Return the error to raise in place of `error`, with the state of the database.

    Args:
        revision: the one that was being applied; empty if none was.
        kept: the statements that it had committed by itself.
        running: the statement that failed, if it may have committed a part of its work.
    """
    revision = revision or deployment.plan.pending[0].revision
    error = errors.cause(error)
    reason = _reason(deployment, error)
    data = state.data(deployment, None)
    try:
        heads, unfinished = state.ask(deployment.context, lambda each: _now(deployment, each))
    except _Unknown as unknown:
        plan, again = command(deployment.context, "plan"), deployment.again
        found = MigratorError(f"Revision {revision} failed: {reason}. {unknown}")
        details = [("to go on", f"when the session has ended: {plan}, then {again}")]
    except MigratorError as unreachable:
        plan, again = command(deployment.context, "plan"), deployment.again
        found = MigratorError(
            f"Revision {revision} failed: {reason}. The database no longer answers, so its state is"
            f" not known: what was committed stays, everything else is rolled back."
            f" {unreachable.reason or unreachable}"
        )
        details = [("to go on", f"when it answers again: {plan}, then {again}")]
    else:
        where = state.sentence(deployment.plan, heads)
        done = state.done(deployment.plan, heads)
        stands = revision in [each.revision for each in deployment.plan.pending[:done]]
        found = _error(
            deployment.name, error, revision, reason, f"{_remains(stands, kept, running)} {where}"
        )
        details = state.details(deployment, done, revision)
        if running:
            details.insert(1, ("not known", f"what {_shown(running)} has committed"))
        if kept:
            stays = "; ".join(_shown(each) for each in kept[:SHOWN])
            stays += f" and {len(kept) - SHOWN} more" if len(kept) > SHOWN else ""
            details.insert(1, ("committed", f"{stays} (of {revision}, before it failed)"))
        details += state.left_behind(deployment, unfinished)
        rows = violations(deployment, error, revision)
        details += violation.details(rows)
        data = state.data(deployment, done, revision, unfinished) | violation.data(rows)
    found.reason = _without_details(deployment, error)
    found.details = (*details, *state.backup(deployment))
    found.data = {
        "revision": revision,
        "committed": [*map(without_secrets, kept)],
        "partly_committed": without_secrets(running) or None,
        **data,
    }
    return found


def _shown(statement: str) -> str:
    return shorten(without_secrets(statement), 100, placeholder=" ...")


def violations(deployment: Deployment, error: BaseException, revision: str) -> Sequence[Violation]:
    """Return the rows because of which it failed; if they cannot be counted, none."""
    if counted := violation_check.counted_at_once(error):
        return counted
    scripts = (each for each in deployment.plan.pending if each.revision == revision)
    script = next(scripts, None) if deployment.plan.upgrade else None
    statement = violation_check.failed_statement(error)
    if not statement:
        return ()
    with suppress(MigratorError, DBAPIError, KeyboardInterrupt):
        return state.ask(
            deployment.context,
            lambda each: violation_check.of_failure(deployment, each, statement, script),
        )
    return ()


class _Unknown(MigratorError):
    """The session that applied is still at work, and what it commits is not known."""


def _now(
    deployment: Deployment, connection: Connection
) -> tuple[tuple[str, ...], list[Unfinished]]:
    if not state.terminate_worker(deployment, connection):
        raise _Unknown(
            "Whether it is committed is not known: on the server its session is still at work"
            f" (process {deployment.worker and deployment.worker.pid})."
        )
    return state.now(connection)


def unverified(deployment: Deployment, error: BaseException) -> MigratorError:
    """Return the error to raise in place of `error`, which came when all had been applied."""
    going = deployment.plan
    heads, done = going.after or (going.target,), len(going.pending)
    if not isinstance(error, UnreachableError):  # it has been asked for long enough
        with suppress(MigratorError):  # all was committed, or applying it would have failed
            heads, _ = state.ask(deployment.context, state.now)
            done = state.done(going, heads)
    where = state.sentence(going, heads)
    again = "Run the deploy again: it verifies again, also with nothing to apply."
    if not going.upgrade:
        again = "Run the rollback again if that is not where you want to be."
    elif going.pending and not deployment.logged:
        again = "Later deploys do not know that, because this one was not logged."
    found: MigratorError
    if isinstance(error, KeyboardInterrupt):
        found = Interrupted(f"Stopped before the result was verified. {where} {again}")
    else:
        own = getattr(error, "reason", "")
        reason = (own or _reason(deployment, error)).removesuffix(".")
        found = MigratorError(f"Not verified: {reason}. {where} Fix the cause. {again}")
        found.reason = own or _without_details(deployment, error)
    found.details = (*state.details(deployment, done), *state.backup(deployment))
    found.data = state.data(deployment, done)
    return found


def _remains(stands: bool, kept: Sequence[str], running: str) -> str:
    """Return a sentence that says what remains of the revision.

    Args:
        stands: the database says that all of it was committed.
        kept: what it had committed by itself.
        running: the statement that failed, if it may have committed a part of its work.
    """
    if stands:
        return "The failure came when all of the revision had been committed."
    if running:
        return "What the revision and its last statement had committed before remains."
    if kept:
        return "What the revision had committed before remains."
    return "Its transaction was rolled back."


def _error(
    name: str, error: BaseException, revision: str, reason: str, where: str
) -> MigratorError:
    if isinstance(error, KeyboardInterrupt):
        return Interrupted(
            f"Stopped in revision {revision}. {where} Run the {name} again to go on."
        )
    locked = isinstance(error, DBAPIError) and limits.is_lock_timeout(error)
    if isinstance(error, LockTimeout) or locked:
        if not isinstance(error, LockTimeout):
            reason = f"got no lock: {reason}."
        return LockTimeout(
            f"Revision {revision} {reason} {where} Nothing is wrong with it: run the"
            f" {name} again, at a quieter moment or when that session has ended."
        )
    return MigratorError(
        f"Revision {revision} failed: {reason}. {where} Fix the cause and run the {name} again."
    )


def _without_details(deployment: Deployment, error: BaseException) -> str:
    """Return what happened as a sentence, for the migration log, whatever the settings allow."""
    return f"{_reason(deployment, error, details=False).removesuffix('.')}."


def _reason(deployment: Deployment, error: BaseException, *, details: bool | None = None) -> str:
    """Return what happened, by default with the details that the settings allow."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    context = deployment.context
    allowed = context.settings.shows_details if details is None else details
    text = urls.without_secrets(one_line(error, details=allowed), context.target.url)
    if not isinstance(error, DBAPIError | CommandError):
        text = f"{type(error).__name__}: {text}"
    return text if isinstance(error, LockTimeout) else text.removesuffix(".")
