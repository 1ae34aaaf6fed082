"""Take revisions back: explicitly, after showing what that runs and what data it costs."""

import shlex
import time
from collections.abc import Callable

from sqlalchemy import Connection

from migrator import database
from migrator.config.context import Context
from migrator.deploy import deployment, execution, lock, preflight, rollback_preview
from migrator.deploy.execution import Options
from migrator.deploy.report import Report
from migrator.deploy.rollback_preview import Preview
from migrator.deploy.state import Work
from migrator.deploy.verification import NotVerifiedError
from migrator.errors import RefusedError
from migrator.postgres import unfinished
from migrator.revisions import graph, plan
from migrator.revisions.plan import Plan


def run(
    context: Context,
    options: Options,
    report: Report,
    confirm: Callable[[Plan, Preview | None], None],
) -> None:
    """Bring the database back to `options.to`, with the lock and the budgets of a deploy.

    Args:
        confirm: is called with what would run, before anything is changed; it raises to stop.

    Raises:
        MigratorError: as for `deploy.run`.
        RefusedError: the database has moved while `confirm` was thinking.
    """
    revisions = graph.load(context)
    preflight.wait_for_server(context, report, patient="wait" not in options.without)
    with database.connect(context) as connection:
        going = plan.back(context, connection, options.to)
        shown = (
            rollback_preview.make(context, connection, revisions, going) if going.pending else None
        )
    if not going.pending:
        report.done("plan", f"Nothing to take back: the database is at {going.at}.")
        return
    confirm(going, shown)
    if "check" not in options.without:
        preflight.check(context, report, now=options.now)
    began = time.monotonic()
    with lock.only_deployer(context, report) as control:
        with database.connect(context) as connection:
            now, left_before = plan.current_heads(connection), unfinished.find(connection)
        if now != going.current:
            raise RefusedError(
                f"The database was at {going.at} when you were asked, and is at"
                f" {', '.join(now) or 'base'} now: another deploy was faster. Nothing was changed."
                " Look again."
            )

        def verify(connection: Connection) -> None:
            if left := plan.still_there(connection, going, revisions):
                raise NotVerifiedError(
                    f"the rollback ended before {going.ends_at}, without an error:"
                    f" {left[0].revision} is still there; look at its downgrade for a commit of"
                    " its own"
                )

        recorded = "record" not in options.without
        work = Work(
            context, going, f"rollback --to {shlex.quote(going.target)}", left_before, recorded
        )
        application = execution.run(work, revisions, options, report, control, verify)
    deployment.say_done(application, began, report)
