"""Take revisions back: explicitly, after showing what that runs and what data it costs."""

import shlex
import time
from collections.abc import Callable

from alembic.config import Config
from sqlalchemy import Connection

from migrator import carrying_out, chain, database, deploy, health, locks, plan, preflight, preview
from migrator.carrying_out import Options
from migrator.errors import RefusedError
from migrator.plan import Plan
from migrator.preview import Preview
from migrator.report import Report
from migrator.standing import Work
from migrator.verify import NotVerifiedError


def run(
    config: Config,
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
    revisions = chain.load(config)
    preflight.wait_for_server(config, report, patient="wait" not in options.without)
    with database.connect(config) as connection:
        going = plan.back(config, connection, options.to)
        shown = preview.make(config, connection, revisions, going) if going.pending else None
    if not going.pending:
        report.done("plan", f"Nothing to take back: the database is at {going.at}.")
        return
    confirm(going, shown)
    if "check" not in options.without:
        preflight.check(config, report, now=options.now)
    began = time.monotonic()
    with locks.only_deployer(config, report) as control:
        with database.connect(config) as connection:
            now, unfinished = plan.current_heads(connection), health.unfinished(connection)
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
            config, going, f"rollback --to {shlex.quote(going.target)}", unfinished, recorded
        )
        application = carrying_out.run(work, revisions, options, report, control, verify)
    deploy.say_done(application, began, report)
