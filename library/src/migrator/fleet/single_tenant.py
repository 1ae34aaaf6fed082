"""Deploys to one tenant as `deploy` would: waits for blockers, backs off, retries."""

import time
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy.engine import URL

from migrator.config import urls
from migrator.deploy import deploy, state, steps, violation
from migrator.deploy.deployment import Deployment
from migrator.deploy.violation import Violation
from migrator.errors import Interrupted, MigratorError, one_line, without_secrets
from migrator.fleet.outcome import DONE, FAILED, INTERRUPTED, NOTHING, Outcome
from migrator.fleet.tenant import Tenant, in_environment
from migrator.fleet.work import Work
from migrator.revisions import position

# The steps that are not done once for all tenants, or for many at once.
OF_SCHEMA = ("wait", "plan", "rows", "lock", "apply")
OF_DATABASE = ("wait", "plan", "check", "rows", "lock", "backup", "apply", "verify")


class Stopped(KeyboardInterrupt):
    """Ctrl-C or SIGTERM in the middle of a tenant; `outcome` is what became of that one."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def run(work: Work, tenant: Tenant, url: URL) -> Outcome:
    """Deploy to one tenant; what goes wrong is in the outcome.

    Raises:
        Stopped: Ctrl-C or SIGTERM.
    """
    began = time.monotonic()
    try:
        deployment = work.deployment(tenant, url)
        names = OF_SCHEMA if tenant.schema else OF_DATABASE
        left_out = () if work.fleet.backup else ("backup",)
        chosen = [each for each in deploy.STEPS if each.name in names and each.name not in left_out]
        with in_environment(deployment.context.target.url):
            steps.run(chosen, deployment)
    except (Exception, KeyboardInterrupt) as error:
        outcome = failed(tenant, error, deployment, time.monotonic() - began)
        if isinstance(error, KeyboardInterrupt):
            raise Stopped(outcome) from None
        return outcome
    applied = tuple(each.revision for each in deployment.applied)
    return Outcome(
        tenant.name,
        DONE if applied else NOTHING,
        (deployment.plan.target,) if applied else deployment.plan.current,
        applied,
        time.monotonic() - began,
        tries=sum(each.count for each in deployment.applied),
    )


def failed(
    tenant: Tenant,
    error: BaseException,
    deployment: Deployment,
    seconds: float,
    applied: Sequence[str] = (),
    violations: Sequence[Violation] = (),
) -> Outcome:
    """Return what became of a tenant, once the database has been asked where it is.

    Args:
        violations: the rows because of which it failed; by default those that the error has.
    """
    context = deployment.context
    stopped = isinstance(error, KeyboardInterrupt | Interrupted)
    at = None
    with suppress(MigratorError, KeyboardInterrupt):
        at = state.ask(context, position.current_heads)
    reason = getattr(error, "reason", "") or one_line(error, details=False)
    if not isinstance(error, MigratorError) and getattr(error, "orig", None) is None:
        reason = f"{type(error).__name__}: {reason}"
    if stopped:
        reason = "interrupted"
    code = Interrupted.exit_code if stopped else getattr(error, "exit_code", 1)
    rows = violations or violation.of_data(getattr(error, "data", {}))
    return Outcome(
        tenant.name,
        INTERRUPTED if stopped else FAILED,
        at,
        tuple(applied),
        seconds,
        urls.without_secrets(without_secrets(reason), context.target.url),
        code,
        violations=tuple(rows),
    )
