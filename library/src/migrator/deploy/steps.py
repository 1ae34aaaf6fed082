"""A step of a deploy, how a list of them is run, and those that deploys and rollbacks share."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from migrator.config.ending import contained
from migrator.config.invocation import command
from migrator.deploy import (
    conversion_check,
    failure_log,
    failure_report,
    planned_constraints,
    preflight,
    reconnection,
    state,
    verification,
    window,
)
from migrator.deploy.deployment import Deployment
from migrator.errors import counted


@dataclass(frozen=True)
class Step:
    """`name` is what the report and the flag call it, `does` one line for help and docs.

    `run` is None for what happens inside `apply`, for each revision. `skip` is what --no-NAME
    does; empty if the step cannot be skipped. `again`: it looks at what is pending, so it is run
    again if that is more after the lock.
    """

    name: str
    does: str
    run: Callable[[Deployment], None] | None = None
    skip: str = ""
    again: bool = False


def run(steps: Sequence[Step], deployment: Deployment) -> None:
    """Run steps in their order, until one of them says that it is over.

    The deploy lock, which one of them takes, is released at the end, however that comes.

    Raises:
        MigratorError: what went wrong, and the state of the database; its class says the exit
            code.
    """
    with deployment.locks:
        for step in steps:
            if step.run and not deployment.over:
                try:
                    with contained():
                        reconnection.run(step, steps, deployment)
                except (Exception, KeyboardInterrupt) as error:
                    failure_log.write(deployment, step.name, error)
                    raise


def check(deployment: Deployment) -> None:
    """See whether this is the time, and name what may be a blocker."""
    if not deployment.plan.pending:
        return
    if deployment.skips("check"):
        deployment.report.skipped("check", "skipped: --no-check")
    else:
        preflight.check(deployment.context, deployment.report, now=deployment.options.now)
        for each in conversion_check.find(
            deployment.context, deployment.revisions, deployment.plan.pending
        ):
            deployment.report.warn("check", str(each), value_loss=asdict(each))


def back_up(deployment: Deployment) -> None:
    """Copy the database into a file and read the file back."""
    report, context = deployment.report, deployment.context
    if not deployment.plan.pending:
        return
    if deployment.skips("backup"):
        report.skipped("backup", "skipped: --no-backup")
    elif not context.settings.backup:
        report.skipped("backup", "skipped: backup = false")
    else:
        from migrator import backup
        from migrator.deploy import superseded_backups

        deployment.state = superseded_backups.state(deployment)
        saved = deployment.backup = backup.take(context, deployment.plan.at)
        replaced = superseded_backups.remove(deployment, saved)
        more = (
            f"; it replaces {counted(len(replaced), 'backup')} of failed attempts, which have"
            f" changed nothing: {', '.join(replaced)}"
        )
        report.done(
            "backup",
            f"{saved.path}, {saved.size:,} bytes, {saved.tables} tables, read back in"
            f" {saved.seconds:.1f} s{more if replaced else ''}",
            path=saved.path,
            size=saved.size,
            replaced=replaced,
        )
    if not deployment.options.now and not deployment.skips("check"):
        window.check(context.settings.window)  # waiting and the backup may have taken long


def apply(deployment: Deployment) -> None:
    """Apply the pending revisions, or revert them, one transaction each."""
    if not deployment.plan.pending:
        if deployment.control:
            from migrator.revisions import deploy_lock_postgres

            deploy_lock_postgres.backup_is_over(deployment.control)
        return
    if deployment.context.target.dialect == "postgresql":
        from migrator.deploy.postgres_runner import PostgresRunner as Runner
    else:
        from migrator.deploy.sqlite_runner import SqliteRunner as Runner  # type: ignore[assignment]
    runner = Runner(deployment)
    try:
        with contained():
            runner.run()
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, Exception) and reconnection.is_lost(deployment, error):
            raise
        deployment.failed = runner.current
        kept, running = runner.kept(), runner.running()
        if runner.applied or running or not all(map(planned_constraints.keeps_rows, kept)):
            deployment.state = ""
        revision = runner.current.revision
        raise failure_report.failed(deployment, error, revision, kept, running) from error
    deployment.applied, deployment.state = runner.applied, ""


def verify(deployment: Deployment) -> None:
    """See whether the database is what it should be now, also when it is away for a while."""
    check = verification.forward if deployment.plan.upgrade else verification.back
    try:
        state.ask(deployment.context, lambda connection: check(deployment, connection))
    except (Exception, KeyboardInterrupt) as error:
        raise failure_report.unverified(deployment, error) from error
    if deployment.backup and deployment.plan.upgrade:
        from migrator import backup

        backup.prune(deployment.backup, deployment.context)


def done(deployment: Deployment) -> None:
    """Say where the database is now, how long it took, and what comes next."""
    count = len(deployment.applied)
    if not count:
        return
    deployment.report.done(
        "done",
        f"The database is at {deployment.plan.ends_at}: {counted(count, 'revision')} in"
        f" {time.monotonic() - deployment.began:.1f} s.",
        revisions=[each.revision for each in deployment.applied],
    )
    if deployment.later:
        deployment.report.done(
            "next",
            f"{deployment.later} to apply when no older code runs:"
            f" {command(deployment.context, 'deploy', phase='contract')}",
            later=deployment.later,
        )
