"""What deploys and rollbacks do alike: back up, apply, and ask whether the result is right."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from migrator.deploy import failure, state, window
from migrator.deploy.report import Report
from migrator.deploy.runner import Application
from migrator.deploy.state import Work
from migrator.revisions.log import Log

if TYPE_CHECKING:
    from migrator.backup import Backup


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

    @property
    def again(self) -> str:
        """The deploy of the same revisions, in words for the command line."""
        phase = ["--phase", self.phase] if self.phase else []
        return shlex.join(["deploy", *phase, *(["--to", self.to] if self.to != "head" else [])])


def run(
    work: Work,
    revisions: ScriptDirectory,
    options: Options,
    report: Report,
    control: Connection | None,
    question: Callable[[Connection], None],
) -> Application:
    """Back up, apply, forward or back, and ask; the caller has the deploy lock.

    Args:
        control: the connection that has the lock; None on SQLite.
        question: raises if the result is not as it should be.

    Returns:
        What was done.

    Raises:
        MigratorError: with the state of the database, and what to do, in its details.
    """
    context, going = work.context, work.going
    work = replace(work, saved=_back_up(work, options, report))
    if not options.now and "check" not in options.without:
        window.check(context.settings.window)  # waiting and the backup may have taken long
    application = Application(
        context,
        revisions,
        going,
        report,
        control=control,
        gated="gate" not in options.without,
        record=Log(options.accepted_risk, work.unfinished) if work.recorded else None,
    )
    try:
        application.run()
    except (Exception, KeyboardInterrupt) as error:
        left = application.online.left if application.online else ()
        raise failure.failure(work, error, application.progress.revision, left) from error
    prove(work, question)
    if work.saved and going.upgrade:
        from migrator import backup

        backup.prune(work.saved, context)
    return application


def prove(work: Work, question: Callable[[Connection], None]) -> None:
    """Ask the database whether the result is right, also when it has gone and comes back.

    Raises:
        MigratorError: it is not, or nobody knows; with all that is known in its details.
    """
    try:
        state.ask(work.context, question)
    except (Exception, KeyboardInterrupt) as error:
        raise failure.unverified(work, error) from error


def _back_up(work: Work, options: Options, report: Report) -> "Backup | None":
    if "backup" in options.without:
        report.skipped("backup", "left out: --no-backup")
        return None
    if not work.context.settings.backup:
        report.skipped("backup", "left out: backup = false")
        return None
    from migrator import backup  # not needed when there is nothing to do

    saved = backup.take(work.context, work.going.at)
    report.done(
        "backup",
        f"{saved.path}, {saved.size:,} bytes, {saved.tables} tables, read back in"
        f" {saved.seconds:.1f} s",
        path=saved.path,
        size=saved.size,
    )
    return saved
