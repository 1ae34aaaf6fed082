"""Apply revisions: one transaction each, retried after a lock timeout, and logged."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from migrator import database
from migrator.config.ending import alone
from migrator.deploy.attempts import Attempts
from migrator.deploy.deployment import Deployment
from migrator.errors import LockTimeout
from migrator.postgres import limits
from migrator.revisions import phase_and_transaction
from migrator.revisions.log import Entry, Log


class Runner(ABC):
    """Applies the plan of a deployment, forward or back.

    `current` are the attempts at the revision that is being applied, `applied` those at the
    revisions that have been. `log_is_complete`: nobody has to look whether the log is there. What
    is special about a database is in the subclasses.
    """

    log_is_complete = False

    def __init__(self, deployment: Deployment, log: Log | None = None) -> None:
        self.deployment = deployment
        self.context = deployment.context
        self.limits = deployment.context.settings
        self.report = deployment.report
        self.current = Attempts()
        self.applied: list[Attempts] = []
        accepted = deployment.options.accepted_risk
        self._log = (log or Log(accepted, deployment.unfinished)) if deployment.logged else None

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
                self._back_off(error)

    def kept(self) -> Sequence[str]:
        """Return the statements that the failed revision has committed on its own."""
        return ()

    def running(self) -> str:
        """Return the statement that has failed, if it may have committed a part of its work."""
        return ""

    @abstractmethod
    def connected(self, connection: Connection) -> None:
        """Prepare for a new connection, which all attempts until a lock timeout share."""

    @abstractmethod
    def before_revision(self) -> None:
        """Prepare for the first attempt at another revision."""

    @abstractmethod
    def before_attempt(self, connection: Connection) -> None:
        """Prepare for an attempt at `current`, outside of any transaction."""

    @abstractmethod
    def after_change(self, connection: Connection) -> None:
        """Clean up after a revision's own statements, before it is marked as applied."""

    @abstractmethod
    def before_commit(self) -> None:
        """Do what has to be done after a revision's last statement, before its commit."""

    @abstractmethod
    def after_commit(self, connection: Connection) -> None:
        """Do what has to be done after a revision's commit, outside of any transaction.

        Raises:
            MigratorError: the revision is committed, and something is wrong nevertheless.
        """

    @abstractmethod
    def after_attempts(self) -> None:
        """Clean up when the connection's attempts have ended, however they ended."""

    @abstractmethod
    def lock_timeout(self, error: DBAPIError) -> tuple[float, str]:
        """Count an attempt that got no lock.

        Returns:
            The seconds it waited for the lock, and who blocked it, as a sentence or nothing.

        Raises:
            LockTimeout: the revision cannot run again.
        """

    def _once(self) -> None:
        """Go as far as it goes, on a connection of its own: after an error it is of no use."""
        plan, revisions = self.deployment.plan, self.deployment.revisions
        attributes = self.context.config.attributes
        self.current.started = time.monotonic()
        with ExitStack() as stack:
            connection = stack.enter_context(database.engine(self.context).connect())
            self.connected(connection)
            attributes.update(connection=connection, on_version_apply=self._write_log)
            stack.callback(attributes.pop, "on_version_apply")
            stack.callback(attributes.pop, "connection")
            stack.callback(self.after_attempts)
            environment = EnvironmentContext(
                self.context.config, revisions, fn=self._steps, destination_rev=plan.target
            )
            with environment:
                revisions.run_env()

    def _steps(self, heads: Any, migration: MigrationContext) -> Iterator[RevisionStep]:
        """Yield the steps; Alembic is between two transactions when it asks for the next one."""
        connection = migration.connection
        assert connection is not None
        for step in self.found_steps(heads):
            connection.commit()  # what Alembic read to get here, so that we wait in no transaction
            self._prepare(connection, step)
            step.migration_fn = self._then_clean_up(step.migration_fn, connection)
            yield step
            self.after_commit(connection)
            self._has_applied()

    def found_steps(self, heads: Any) -> Sequence[RevisionStep]:
        """Return Alembic's steps from where the database is."""
        return self.deployment.plan.steps(self.deployment.revisions, heads)

    def _prepare(self, connection: Connection, step: RevisionStep) -> None:
        name: str = step.revision.revision
        if self.current.revision != name:
            repeatable = not phase_and_transaction.of(step.revision).transactional
            self.current = Attempts(name, step.info.down_revision_ids, repeatable)
            self.before_revision()
        self.current.count += 1
        self.before_attempt(connection)
        self.deployment.working = True
        self.current.started = time.monotonic()

    def _then_clean_up(
        self, change: Callable[..., None], connection: Connection
    ) -> Callable[..., None]:
        def changed(**arguments: Any) -> None:
            with alone():
                change(**arguments)
            self.after_change(connection)

        return changed

    def _write_log(self, *, ctx: MigrationContext, step: Any, **_: Any) -> None:
        """Called by Alembic in the revision's transaction, after its last statement."""
        current = self.current
        if self._log and ctx.connection is not None:
            entry = Entry(
                current.revision,
                current.before,
                step.is_upgrade,
                time.monotonic() - current.started,
                current.count,
                current.waited,
            )
            self._log.write(ctx.connection, entry, complete=self.log_is_complete)
        self.before_commit()

    def _has_applied(self) -> None:
        done, self.current = self.current, Attempts()
        self.applied.append(done)
        seconds = time.monotonic() - done.started
        word = "applied" if self.deployment.plan.upgrade else "reverted"
        message = f"{word} {done.revision} in {seconds:.2f} s"
        if done.count > 1 or done.waited >= 0.1:
            message += f" ({done.counted}, waited {done.waited:.1f} s before)"
        self.report.done(
            "apply",
            message,
            revision=done.revision,
            seconds=round(seconds, 3),
            attempts=done.count,
            waited=round(done.waited, 3),
        )

    def _back_off(self, error: DBAPIError) -> None:
        """Pause before the next attempt.

        Raises:
            LockTimeout: there is no time for one, or the revision may not run again.
        """
        current = self.current
        waited, blocked = self.lock_timeout(error)
        if current.is_over(self.limits):
            raise LockTimeout(
                f"got no lock in {current.waited:.0f} s and {current.counted}.{blocked}"
                f"{current.advice(self.limits)}"
            ) from error
        self.report.waiting(
            "apply",
            f"{current.revision}: lock timeout after {waited:.2f} s, retrying"
            f" (attempt {current.count + 1}).{blocked}",
            revision=current.revision,
            attempt=current.count,
            pids=[session.pid for session in current.blockers],
        )
        current.pause()
