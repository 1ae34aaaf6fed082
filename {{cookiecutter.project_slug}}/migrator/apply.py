"""Apply revisions: one transaction each, behind the gate, with a short budget for locks."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from migrator import chain, database, limits, settings
from migrator.errors import LockTimeout, MigratorError
from migrator.gate import Gate
from migrator.online import Online
from migrator.plan import Plan
from migrator.record import Record
from migrator.report import Report
from migrator.retry import Progress
from migrator.watch import Watch

DEADLOCK_TIMEOUT = text("SELECT setting::float FROM pg_settings WHERE name = 'deadlock_timeout'")

# What a deploy has said to be applied must be there after a crash, too.
DURABLE = text(
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'"
)


class Application:
    """Applies what `going` holds; `applied` is what it has done, `progress` where it is.

    Args:
        control: a second connection in autocommit mode, which has the deploy lock; None on SQLite.
        gated: wait at the gate before each try.
        record: where to write each revision down, if anywhere.
    """

    def __init__(
        self,
        config: Config,
        revisions: ScriptDirectory,
        going: Plan,
        report: Report,
        *,
        control: Connection | None,
        gated: bool = True,
        record: Record | None = None,
    ) -> None:
        self.config = config
        self.revisions = revisions
        self.going = going
        self.report = report
        self.control = control
        self.record = record
        self.limits = settings.load(config)
        self.progress = Progress()
        self.applied: list[Progress] = []
        self.online: Online | None = None
        self.watch: Watch | None = None
        self.gate: Gate | None = None
        self._watching = ExitStack()
        if control is not None:
            self.gate = Gate(control, self.limits, report) if gated else None
            self.autovacuum_yields = (control.scalar(DEADLOCK_TIMEOUT) or 1000) / 1000 + 0.5

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
        attributes = self.config.attributes
        with ExitStack() as stack:
            connection = stack.enter_context(database.engine(self.config).connect())
            self.online = Online(connection, self.limits, self.report)
            attributes.update(connection=connection, on_version_apply=self._write_down)
            stack.callback(attributes.pop, "connection")
            stack.callback(self._watching.close)
            environment = EnvironmentContext(
                self.config, self.revisions, fn=self._steps, destination_rev=self.going.target
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
            before, online = step.info.down_revision_ids, chain.phase(step.revision) == "online"
            self.progress = Progress(name, before, repeatable=online)
            if self.gate:
                self.gate.next_revision()
        self.progress.attempts += 1
        if self.control is not None:
            self._prepare_session(connection, self.control)
        if self.online:
            self.online.next_revision()
        self.progress.tried = time.monotonic()

    def _prepare_session(self, connection: Connection, control: Connection) -> None:
        """Wait at the gate, then set this try's limits, in a transaction before the revision's."""
        progress, chosen = self.progress, self.limits
        # Not as libpq has it: through a pooler that is no process of the server's.
        own: int = connection.scalar(text("SELECT pg_backend_pid()")) or 0
        connection.commit()
        self._hold_deploy_lock()
        if self.gate:
            progress.waited += self.gate.wait(own, progress.blockers, progress.left(chosen))
        sees_all = self.gate is not None and self.gate.sees_all
        budget = progress.budget(chosen, self.autovacuum_yields, sees_all=sees_all)
        values = limits.session_settings(chosen) | {
            "application_name": f"migrate:{progress.revision}",
            "lock_timeout": f"{round(budget * 1000)}ms",
        }
        for name, value in values.items():
            connection.execute(
                text("SELECT set_config(:name, :value, false)"), {"name": name, "value": value}
            )
        connection.execute(DURABLE)
        connection.commit()
        self.watch = Watch(control, own, self.report, with_query=chosen.show_queries)
        self._watching.enter_context(self.watch)

    def _hold_deploy_lock(self) -> None:
        """Make sure that the lock's connection lives.

        Raises:
            MigratorError: it does not, so another deploy may work at the same time.
        """
        try:
            if self.control is not None:
                self.control.scalar(text("SELECT 1"))
        except SQLAlchemyError:  # also that it was found dead before
            raise MigratorError(
                "the connection that held the deploy lock was closed, and another deploy may have"
                " begun"
            ) from None

    def _write_down(self, *, ctx: MigrationContext, step: Any, **_: Any) -> None:
        """Called by Alembic in the revision's transaction, after its last statement."""
        if self.record and ctx.connection is not None:
            self.record.write(ctx.connection, self.progress, upgrade=step.is_upgrade)
        self._watching.close()
        self._hold_deploy_lock()  # else this revision must not be committed

    def _has_applied(self) -> None:
        self._watching.close()
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
        progress.blockers = self.watch.blockers if self.watch else ()
        whom = f" Blocked by {self.watch.whom()}." if self.watch and progress.blockers else ""
        if self.control is None:
            whom = " Another process has the database file locked."
        if self.online and not progress.repeatable and (stays := self.online.unrepeatable()):
            raise LockTimeout(
                "got no lock, and may not be tried again by itself, because it has already"
                f" committed: {stays}.{whom}"
            ) from error
        if progress.is_over(self.limits):
            spent = time.monotonic() - progress.began
            raise LockTimeout(
                f"gave up waiting for a lock after {spent:.0f} s and {progress.tries}.{whom}"
            ) from error
        self.report.waiting(
            "apply",
            f"{progress.revision} did not get its lock in {time.monotonic() - progress.tried:.2f} s"
            f" and made way (try {progress.attempts}).{whom}",
            revision=progress.revision,
            attempt=progress.attempts,
            pids=[session.pid for session in progress.blockers],
        )
        progress.pause()
