"""Apply revisions: one transaction each, tried again when a lock is not had, and recorded."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from migrator import database
from migrator.config.context import Context
from migrator.deploy import lock
from migrator.deploy.attempts import Attempts
from migrator.deploy.non_transactional import Online
from migrator.deploy.report import Report
from migrator.deploy.retry import Progress
from migrator.errors import LockTimeout
from migrator.postgres import limits
from migrator.revisions import graph
from migrator.revisions.log import Entry, Log
from migrator.revisions.plan import Plan


class Application:
    """Applies what `going` holds; `applied` is what it has done, `progress` where it is.

    Args:
        control: a second connection in autocommit mode, which has the deploy lock; None on SQLite.
        gated: wait at the gate before each try.
        record: where to write each revision down, if anywhere.
    """

    def __init__(
        self,
        context: Context,
        revisions: ScriptDirectory,
        going: Plan,
        report: Report,
        *,
        control: Connection | None,
        gated: bool = True,
        record: Log | None = None,
    ) -> None:
        self.context = context
        self.revisions = revisions
        self.going = going
        self.report = report
        self.record = record
        self.limits = context.settings
        self.progress = Progress()
        self.applied: list[Progress] = []
        self.online: Online | None = None
        self.attempts: Attempts | None = None
        if control is not None:
            lock.backup_is_over(control)
            self.attempts = Attempts(control, self.limits, report, gated=gated)

    def run(self) -> None:
        """Apply all of it.

        Raises:
            LockTimeout: `lock_deadline` has passed for a revision.
            DBAPIError: and everything else that a revision may raise.
        """
        while True:
            try:
                self._once()
                return
            except DBAPIError as error:
                if not limits.is_lock_timeout(error):
                    raise
                self._make_way(error)

    def _once(self) -> None:
        """Go as far as it goes, on a connection of its own: after an error it is of no use."""
        attributes = self.context.config.attributes
        self.progress.tried = time.monotonic()
        with ExitStack() as stack:
            connection = stack.enter_context(database.engine(self.context).connect())
            self.online = Online(connection, self.limits, self.report)
            attributes.update(connection=connection, on_version_apply=self._write_down)
            stack.callback(attributes.pop, "connection")
            if self.attempts:
                stack.callback(self.attempts.end)
            environment = EnvironmentContext(
                self.context.config,
                self.revisions,
                fn=self._steps,
                destination_rev=self.going.target,
            )
            with environment:
                self.revisions.run_env()

    def _steps(self, heads: Any, context: MigrationContext) -> Iterator[RevisionStep]:
        """Yield the steps; Alembic is between two transactions when it asks for the next one."""
        connection = context.connection
        assert connection is not None
        if self.going.upgrade:
            steps = self.revisions._upgrade_revs(self.going.target, heads)
        else:
            steps = self.revisions._downgrade_revs(self.going.target, heads)
        for step in steps:
            connection.commit()  # what Alembic read to get here, so that we wait in no transaction
            self._prepare(connection, step)
            yield step
            self._has_applied()

    def _prepare(self, connection: Connection, step: RevisionStep) -> None:
        name: str = step.revision.revision
        if self.progress.revision != name:
            before, online = step.info.down_revision_ids, graph.phase(step.revision) == "online"
            self.progress = Progress(name, before, repeatable=online)
            if self.attempts:
                self.attempts.next_revision()
        self.progress.attempts += 1
        if self.attempts:
            self.attempts.begin(connection, self.progress)
        if self.online:
            self.online.next_revision()
        self.progress.tried = time.monotonic()

    def _write_down(self, *, ctx: MigrationContext, step: Any, **_: Any) -> None:
        """Called by Alembic in the revision's transaction, after its last statement."""
        if self.record and ctx.connection is not None:
            progress = self.progress
            self.record.write(
                ctx.connection,
                Entry(
                    progress.revision,
                    progress.before,
                    step.is_upgrade,
                    time.monotonic() - progress.tried,
                    progress.attempts,
                    progress.waited,
                ),
            )
        if self.attempts:
            self.attempts.end()
            self.attempts.hold_deploy_lock()  # else this revision must not be committed

    def _has_applied(self) -> None:
        progress, self.progress = self.progress, Progress()
        self.applied.append(progress)
        seconds = time.monotonic() - progress.tried
        word = "applied" if self.going.upgrade else "took back"
        message = f"{word} {progress.revision} in {seconds:.2f} s"
        if progress.attempts > 1 or progress.waited >= 0.1:
            message += f" ({progress.tries}, waited {progress.waited:.1f} s before)"
        self.report.done(
            "apply",
            message,
            revision=progress.revision,
            seconds=round(seconds, 3),
            attempts=progress.attempts,
            waited=round(progress.waited, 3),
        )

    def _make_way(self, error: DBAPIError) -> None:
        """Pause before the next try.

        Raises:
            LockTimeout: there is no time for one.
            DBAPIError: `error`, if the revision may not run again.
        """
        progress = self.progress
        if self.attempts and self.online:
            waited, whom = self.attempts.lost(error, progress, self.online), self.attempts.whom()
        else:
            waited, whom = progress.lose(0, 0), " Another process has the database file locked."
        if self.online and not progress.repeatable and (stays := self.online.unrepeatable()):
            raise LockTimeout(
                "got no lock, and may not be tried again by itself, because it has already"
                f" committed: {stays}.{whom}"
            ) from error
        if progress.is_over(self.limits):
            raise LockTimeout(
                f"gave up waiting for a lock after {progress.waited:.0f} s and"
                f" {progress.tries}.{whom}"
            ) from error
        self.report.waiting(
            "apply",
            f"{progress.revision} did not get its lock in {waited:.2f} s and made way"
            f" (try {progress.attempts}).{whom}",
            revision=progress.revision,
            attempt=progress.attempts,
            pids=[session.pid for session in progress.blockers],
        )
        progress.pause()
