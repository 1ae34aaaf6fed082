"""A connection that is lost before anything was changed: the server is waited for, as at first."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from migrator.database import errors
from migrator.deploy import preflight
from migrator.deploy.deployment import Deployment
from migrator.errors import MigratorError, UnreachableError, one_line

if TYPE_CHECKING:
    from migrator.deploy.steps import Step


def run(step: "Step", steps: Sequence["Step"], deployment: Deployment) -> None:
    """Run a step; again, while no revision has begun and the connection to the database is lost.

    Without the deploy lock, which goes with its connection, that is from the step on that takes it.

    Args:
        steps: all of the deploy.

    Raises:
        MigratorError: and what else the step raises; also that the connection is lost, when
            `wait_timeout` has passed since it was lost for the first time in this step.
    """
    waits = any(each.name == "wait" for each in steps) and not deployment.skips("wait")
    patience, deadline = deployment.context.settings.wait_timeout, 0.0
    todo = [step]
    while True:
        try:
            for each in todo:
                if each.run and not deployment.over:
                    each.run(deployment)
            return
        except Exception as error:
            if step.name == "wait" or not waits or not is_lost(deployment, error):
                raise
            deadline = deadline or time.monotonic() + patience
            if patience and time.monotonic() >= deadline:
                raise
            _say(deployment, step, error)
        time.sleep(preflight.PAUSE)
        preflight.wait_for_server(deployment)
        todo = [step]
        if not deployment.keeps_lock():
            deployment.release_lock()
            names = [each.name for each in steps]
            todo = list(steps[names.index("lock") : names.index(step.name) + 1])


def is_lost(deployment: Deployment, error: Exception) -> bool:
    """Tell whether a step failed because a connection is lost, and nothing was changed."""
    if deployment.working:
        return False
    if isinstance(error, UnreachableError):
        return not error.permanent
    cause = errors.cause(error)
    if isinstance(cause, DBAPIError):
        return cause.connection_invalidated
    # pg_dump, or what else does not work on our connections.
    failed = type(error) is MigratorError
    return failed and not deployment.keeps_lock()


def _say(deployment: Deployment, step: "Step", error: Exception) -> None:
    reason = (getattr(error, "reason", "") or one_line(error, details=False)).removesuffix(".")
    timeout = deployment.context.settings.wait_timeout
    limit = f" for {timeout:g} s" if timeout else ""
    deployment.report.waiting(
        step.name,
        f"The connection was lost: {reason}. Nothing was changed yet. Connecting again{limit}; then"
        " this step is repeated.",
    )
