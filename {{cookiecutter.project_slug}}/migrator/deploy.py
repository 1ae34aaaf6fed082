"""The deploy: wait, plan, check, lock, back up, apply behind the gate, verify, report."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from migrator import (
    chain,
    database,
    discovery,
    health,
    locks,
    outcome,
    plan,
    preflight,
    safety,
    settings,
    verify,
    window,
)
from migrator.apply import Application
from migrator.plan import Plan
from migrator.record import Record
from migrator.report import Report

PHASES = ("expand", "contract")


@dataclass(frozen=True)
class Options:
    """What the command line says; `without` are the steps to leave out.

    `phase` "expand" stops before the first revision that the old code cannot work with;
    "contract" is for the rest, when the old code is gone.
    """

    to: str = "head"
    phase: str | None = None
    without: Sequence[str] = ()
    now: bool = False
    accepted_risk: str | None = None


def run(config: Config, options: Options, report: Report) -> None:
    """Bring the database forward to `options.to`; nothing is ever downgraded by itself.

    With nothing pending it returns before Alembic's environment is loaded at all.

    Raises:
        MigratorError: what went wrong, and where the database stands; its class says the exit
            code.
    """
    revisions = chain.load(config)
    preflight.wait_for_server(config, report, patient="wait" not in options.without)
    with database.connect(config) as connection:
        before = plan.make(config, connection, options.to, revisions)
        if options.phase == "expand" and before.pending:
            options = replace(options, to=_before_contract(before))
            before = plan.make(config, connection, options.to, revisions)
    if not before.pending:
        why = ", ahead of this code, which was allowed" if before.ahead else ""
        if options.phase == "expand" and options.to != "head":
            why = "; what is next waits for --phase contract"
        report.done("plan", f"Nothing to do: the database is at {before.at}{why}.")
        return
    _say_plan(before, report)
    if "check" in options.without:
        report.skipped("check", "left out: --no-check")
    else:
        preflight.check(config, report, now=options.now)
    if "lint" not in options.without:
        safety.check(config, before.pending, options.accepted_risk, report)
    if settings.load(config).drift and "verify" not in options.without:
        discovery.import_models(config)  # a model that cannot be imported stops it here
    began = time.monotonic()
    with locks.only_deployer(config, report) as control:
        with database.connect(config) as connection:
            before = plan.make(config, connection, options.to, revisions)
            unfinished = health.unfinished(connection)
        if not before.pending:
            report.done(
                "plan",
                f"Nothing to do any more: another deploy has brought the database to {before.at}.",
            )
            return
        work = carry_out(config, revisions, before, options, report, control)
        if "verify" in options.without:
            report.skipped("verify", "left out: --no-verify")
        else:
            with database.connect(config) as connection:
                verify.check(config, connection, options.to, revisions, unfinished, report)
    say_done(work, began, report)


def carry_out(
    config: Config,
    revisions: ScriptDirectory,
    going: Plan,
    options: Options,
    report: Report,
    control: Connection | None,
) -> Application:
    """Back up, then apply `going`, forward or back; the caller has the deploy lock.

    Returns:
        What was done.

    Raises:
        MigratorError: with the state of the database, and what to do, in its details.
    """
    saved = None
    if "backup" in options.without:
        report.skipped("backup", "left out: --no-backup")
    elif settings.load(config).backup:
        from migrator import backup  # not needed when there is nothing to do

        saved = backup.take(config, going.at)
        report.done(
            "backup",
            f"{saved.path}, {saved.size:,} bytes, {saved.tables} tables, read back in"
            f" {saved.seconds:.1f} s",
            path=saved.path,
            size=saved.size,
        )
    else:
        report.skipped("backup", "left out: backup = false")
    if not options.now and "check" not in options.without:
        window.check(settings.load(config).window)  # waiting and the backup may have taken long
    application = Application(
        config,
        revisions,
        going,
        report,
        control=control,
        gated="gate" not in options.without,
        record=None if "record" in options.without else Record(options.accepted_risk),
    )
    try:
        application.run()
    except (Exception, KeyboardInterrupt) as error:
        left = application.online.left if application.online else ()
        failure = outcome.failure(config, error, going, application.progress.revision, left)
        if saved:
            failure.details += (
                ("backup", str(saved.path)),
                ("to restore", backup.restore_command(saved, config)),
            )
        raise failure from error
    return application


def _before_contract(before: Plan) -> str:
    to = plan.until_contract(before)
    return to or (before.current[0] if before.current else before.pending[0].revision)


def say_done(work: Application, began: float, report: Report) -> None:
    """Say where the database is now, and how long it took since `began` (monotonic)."""
    count = len(work.applied)
    report.done(
        "done",
        f"The database is at {work.going.target}: {count} revision{'' if count == 1 else 's'} in"
        f" {time.monotonic() - began:.1f} s.",
        revisions=[progress.revision for progress in work.applied],
    )


def _say_plan(before: Plan, report: Report) -> None:
    report.done(
        "plan",
        f"The database is at {before.at}; {len(before.pending)} to apply:",
        current=before.current,
        target=before.target,
        pending=[script.revision for script in before.pending],
    )
    if not report.as_json:
        for script in before.pending:
            report.done("", f"  {chain.describe(script)}")
