"""The deploy: wait, plan, check, lock, back up, apply behind the gate, verify, report."""

import time
from functools import partial

from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from migrator import database
from migrator.config import models
from migrator.config.context import Context
from migrator.deploy import execution, lint_check, lock, preflight, verification
from migrator.deploy.execution import Options
from migrator.deploy.report import Report
from migrator.deploy.runner import Application
from migrator.deploy.state import Work
from migrator.postgres import unfinished
from migrator.revisions import graph, log, plan
from migrator.revisions.plan import Plan

PHASES = ("expand", "contract")

__all__ = ["PHASES", "Options", "run", "say_done"]


def run(context: Context, options: Options, report: Report) -> None:
    """Bring the database forward to `options.to`; nothing is ever downgraded by itself.

    With nothing pending it returns before Alembic's environment is loaded at all, unless what an
    earlier deploy has applied is still to be verified.

    Raises:
        MigratorError: what went wrong, and where the database stands; its class says the exit
            code.
    """
    revisions = graph.load(context)
    preflight.wait_for_server(context, report, patient="wait" not in options.without)
    to = options.to
    with database.connect(context) as connection:
        whole = before = plan.make(context, connection, to, revisions)
        if options.phase == "expand" and whole.pending:
            to = plan.before_contract(whole)
            before = plan.make(context, connection, to, revisions)
        unverified = log.unverified(connection)
    verifies = "verify" not in options.without
    if before.pending:
        _look_ahead(context, before, options, report)
    elif unverified is None or before.ahead or not verifies:
        _say_nothing_to_do(before, whole, report)
        return
    else:
        report.done("plan", f"Nothing to apply, but to verify: the database is at {before.at}.")
    if context.settings.drift and verifies:
        models.import_models(context.config)  # a model that cannot be imported stops it here
    began = time.monotonic()
    with lock.only_deployer(context, report) as control:
        with database.connect(context) as connection:
            now = plan.make(context, connection, to, revisions)
            unverified = log.unverified(connection)
            left_before = unfinished.find(connection) if unverified is None else unverified
        work = Work(context, now, options.again, left_before, "record" not in options.without)
        question = partial(_verify, work, to, revisions, options, report)
        if not now.pending or not before.pending:
            if before.pending:
                report.done(
                    "plan",
                    f"Nothing to do any more: another deploy has brought the database to {now.at}.",
                )
            if unverified is not None and verifies and not now.pending and not now.ahead:
                if control:
                    lock.backup_is_over(control)
                execution.prove(work, question)
            return
        application = execution.run(work, revisions, options, report, control, question)
    say_done(application, began, report)
    if waiting := len(whole.pending) - len(before.pending):
        report.done("next", f"--phase contract, when no older code runs: {waiting} to apply.")


def _look_ahead(context: Context, before: Plan, options: Options, report: Report) -> None:
    """Say what is to be done, and refuse what should not be."""
    _say_plan(before, options.phase, report)
    if "check" in options.without:
        report.skipped("check", "left out: --no-check")
    else:
        preflight.check(context, report, now=options.now)
    if "lint" in options.without:
        report.skipped("lint", "left out: --no-lint")
    else:
        lint_check.check(context, before.pending, options.accepted_risk, report)


def _verify(
    work: Work,
    to: str,
    revisions: ScriptDirectory,
    options: Options,
    report: Report,
    connection: Connection,
) -> None:
    """Verify, and write down that nobody has to do it again."""
    if "verify" in options.without:
        report.skipped("verify", "left out: --no-verify")
    else:
        verification.check(work.context, connection, to, revisions, work.unfinished, report)
    if not work.recorded:
        return
    try:
        log.settle(connection, "left out" if "verify" in options.without else "yes")
    except DBAPIError as error:
        connection.rollback()
        why = " ".join(str(error.orig).split())
        report.warn("verify", f"This could not be recorded, so the next deploy verifies too: {why}")


def say_done(work: Application, began: float, report: Report) -> None:
    """Say where the database is now, and how long it took since `began` (monotonic)."""
    count = len(work.applied)
    report.done(
        "done",
        f"The database is at {work.going.ends_at}: {count} revision{'' if count == 1 else 's'} in"
        f" {time.monotonic() - began:.1f} s.",
        revisions=[progress.revision for progress in work.applied],
    )


def _say_nothing_to_do(before: Plan, whole: Plan, report: Report) -> None:
    why = ", ahead of this code, which was allowed" if before.ahead else ""
    if whole.pending:
        why = "; what is next waits for --phase contract"
    report.done("plan", f"Nothing to do: the database is at {before.at}{why}.")


def _say_plan(before: Plan, phase: str | None, report: Report) -> None:
    report.done(
        "plan",
        f"The database is at {before.at}; {len(before.pending)} to apply:",
        current=before.current,
        target=before.target,
        pending=[script.revision for script in before.pending],
    )
    if not report.as_json:
        for script in before.pending:
            report.done("", f"  {graph.describe(script)}")
    if phase is None and plan.before_contract(before) != before.target:
        report.warn(
            "plan",
            "Code that was there before these may fail after them. Without downtime: --phase"
            " expand, then the new code, then --phase contract.",
        )
