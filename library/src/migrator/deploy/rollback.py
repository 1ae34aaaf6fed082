"""The rollback, step by step: explicitly, after showing what it runs and what data it costs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from migrator import database
from migrator.config.context import Context
from migrator.deploy import deploy, rollback_preview, steps
from migrator.deploy.deployment import Deployment, Options
from migrator.deploy.report import Report
from migrator.deploy.rollback_preview import Preview
from migrator.deploy.steps import Step
from migrator.errors import RefusedError
from migrator.postgres import unfinished
from migrator.revisions import position, way_back
from migrator.revisions.pending import Plan


@dataclass
class Rollback(Deployment):
    """`confirm` is called with what would run, before anything is changed; it raises to stop."""

    upgrades: ClassVar[bool] = False
    name: ClassVar[str] = "rollback"
    confirm: Callable[[Plan, Preview | None], None] = lambda _plan, _preview: None


def run(
    context: Context,
    options: Options,
    report: Report,
    confirm: Callable[[Plan, Preview | None], None],
) -> None:
    """Bring the database back to `options.to`, with the lock and the lock timeouts of a deploy.

    Args:
        confirm: see `Rollback`.

    Raises:
        MigratorError: as for `deploy.run`.
        RefusedError: another deploy has moved the database while `confirm` was asking.
    """
    steps.run(STEPS, Rollback(context, options, report, confirm=confirm))


def compare(deployment: Deployment) -> None:
    """Find what would be reverted, show it and ask; with nothing to do, it is over."""
    assert isinstance(deployment, Rollback)
    context = deployment.context
    with database.connect(context) as connection:
        going = deployment.plan = way_back.find(context, connection, deployment.to)
        shown = (
            rollback_preview.make(context, connection, deployment.revisions, going)
            if going.pending
            else None
        )
    if going.pending:
        deployment.confirm(going, shown)
    else:
        deployment.report.done("plan", f"Nothing to revert: the database is at {going.at}.")
        deployment.over = True


def take_lock(deployment: Deployment) -> None:
    """Take the deploy lock; the database must be where it was when the question was answered."""
    going = deployment.plan
    deployment.take_lock()
    with database.connect(deployment.context) as connection:
        now = position.current_heads(connection)
        deployment.unfinished = unfinished.find(connection)
    if now != going.current:
        raise RefusedError(
            f"The database was at {going.at} when you were asked, and is at"
            f" {', '.join(now) or 'base'} now: another deploy was faster. Nothing was changed. Run"
            " the rollback again, and look at what it shows."
        )


OWN = {
    "plan": Step("plan", "Show what would run, count the rows it costs, and ask.", compare),
    "lock": Step("lock", "Take the deploy lock; refuse if another deploy was faster.", take_lock),
}
LEFT_OUT = ("lint", "rows", "rehearsal")
STEPS = tuple(OWN.get(step.name, step) for step in deploy.STEPS if step.name not in LEFT_OUT)
