"""Take revisions back: explicitly, after showing what that runs and what data it costs."""

import time
from collections.abc import Callable

from alembic.config import Config

from migrator import chain, database, deploy, locks, plan, preflight, preview
from migrator.deploy import Options
from migrator.errors import MigratorError, RefusedError
from migrator.plan import Plan
from migrator.preview import Preview
from migrator.report import Report


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
            now = plan.current_heads(connection)
        if now != going.current:
            raise RefusedError(
                f"The database was at {going.at} when you were asked, and is at"
                f" {', '.join(now) or 'base'} now: another deploy was faster. Nothing was changed."
                " Look again."
            )
        work = deploy.carry_out(config, revisions, going, options, report, control)
        with database.connect(config) as connection:
            left = plan.still_there(connection, going, revisions)
        if left:
            raise MigratorError(
                f"The rollback ended before {going.target}, without an error: {left[0].revision} is"
                " still there. Look at its downgrade for a commit of its own."
            )
    deploy.say_done(work, began, report)
