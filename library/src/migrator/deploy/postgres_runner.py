"""Apply revisions to PostgreSQL: blockers, lock timeouts, and whom an attempt waits for."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from migrator import database
from migrator.deploy import touched_tables
from migrator.deploy.attempts import SHORT
from migrator.deploy.blocker_watcher import BlockerWatcher
from migrator.deploy.blockers import Blockers
from migrator.deploy.deployment import Deployment, Worker
from migrator.deploy.non_transactional import NonTransactional
from migrator.deploy.runner import Runner
from migrator.errors import LockTimeout, MigratorError
from migrator.postgres import blocking_sessions, durability, limits
from migrator.postgres.session_state import SessionState, forget_objects
from migrator.revisions import deploy_lock_postgres, log_table

if TYPE_CHECKING:
    from collections.abc import Sequence

DEADLOCK_TIMEOUT = text("SELECT setting::float FROM pg_settings WHERE name = 'deadlock_timeout'")
OWN = text("SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")


class PostgresRunner(Runner):
    """Works on one connection; `control`, the deploy lock's, looks at what that one waits for."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(deployment)
        assert deployment.control is not None
        self.control = deployment.control
        deploy_lock_postgres.backup_is_over(self.control)
        waits = not deployment.skips("blockers")
        self.tables = touched_tables.find(deployment) if waits else {}
        self.blockers = Blockers(self.control, self.limits, self.report) if waits else None
        # How long PostgreSQL lets two sessions wait for each other, and a little more.
        self.deadlock = (self.control.scalar(DEADLOCK_TIMEOUT) or 1000) / 1000 + 0.5
        self.outside: NonTransactional | None = None
        self._state: SessionState | None = None
        self._watcher: BlockerWatcher | None = None
        self._watching = ExitStack()

    def kept(self) -> "Sequence[str]":
        """Return the statements that the failed revision has committed on its own."""
        return list(self.outside.changes) if self.outside else ()

    def running(self) -> str:
        """Return the statement that has failed, if it may have committed a part of its work."""
        return self.outside.running if self.outside else ""

    def connected(self, connection: Connection) -> None:
        """Follow what revisions commit by themselves; no commit waits for a standby."""
        durability.commit_locally(connection)
        self.outside = NonTransactional(
            connection, self.limits, self.report, lambda: self.current.left(self.limits)
        )

    def before_revision(self) -> None:
        """Wait for blockers anew."""
        if self.blockers:
            self.blockers.next_revision(self.tables.get(self.current.revision))

    def before_attempt(self, connection: Connection) -> None:
        """Wait for blockers, then set this attempt's limits, in a transaction of their own."""
        current, chosen = self.current, self.limits
        # Not as libpq has it: through a pooler that is no process of the server's.
        forget_objects(connection)
        worker = self.deployment.worker = Worker(*connection.execute(OWN).one())
        connection.commit()
        self._hold_deploy_lock()
        if self.blockers:
            current.waited += self.blockers.wait(worker.pid, current.blockers, current.left(chosen))
            vacuums = [session for session in current.blockers if session.autovacuum]
            if not blocking_sessions.still_there(self.control, vacuums):
                current.blockers = [each for each in current.blockers if each not in vacuums]
        sees_all = self.blockers is not None and self.blockers.sees_all
        current.lock_timeout = current.timeout(chosen, self.deadlock, sees_all=sees_all)
        if self.blockers and current.lock_timeout < current.held <= SHORT:
            current.waited += self.blockers.wait_for_moment(
                worker.pid, current.blockers, current.lock_timeout, current.left(chosen)
            )
        values = limits.session_settings(chosen) | {
            "application_name": f"migrate:{current.revision}",
            "lock_timeout": f"{round(current.lock_timeout * 1000)}ms",
        }
        for name, value in values.items():
            connection.execute(
                text("SELECT set_config(:name, :value, false)"), {"name": name, "value": value}
            )
        self._state = SessionState.of(connection)
        if not self.log_is_complete:  # asked here, where no lock of the revision's is held
            self.log_is_complete = log_table.is_complete(connection)
        connection.commit()
        self._watcher = BlockerWatcher(
            self.control, worker.pid, self.report, with_query=chosen.show_queries
        )
        self._watching.enter_context(self._watcher)
        if self.outside:
            self.outside.next_revision()

    def after_change(self, connection: Connection) -> None:
        """Forget what the revision has set for its session: the next one would have it, too."""
        assert self._state is not None
        self._state.restore(connection)

    def before_commit(self) -> None:
        """Commit only while the deploy lock is held."""
        self._watching.close()
        if self.outside:
            self.outside.is_to_commit()
        self._hold_deploy_lock()

    def after_commit(self, connection: Connection) -> None:
        """Wait for the standbys, now that nobody waits for a lock of the revision's."""
        if why := durability.unconfirmed(connection, self.limits.standby_timeout):
            raise MigratorError(why)

    def after_attempts(self) -> None:
        """Watch no longer."""
        self._watching.close()

    def lock_timeout(self, error: DBAPIError) -> tuple[float, str]:
        """Count an attempt; see `Runner.lock_timeout`."""
        current, outside, watcher = self.current, self.outside, self._watcher
        assert outside is not None
        current.blockers = watcher.blockers if watcher else ()
        longest = self.limits.lock_deadline if outside.concurrently else current.lock_timeout
        if limits.is_deadlock(error):
            longest = self.deadlock
        ages = [each.age for each in current.blockers if each.age and not each.autovacuum]
        current.held = max([current.held, *ages])
        waited = current.fail(longest, outside.committed_at)
        blocked = f" Blocked by {watcher.whom()}." if watcher and watcher.blockers else ""
        if not current.repeatable and (statement := outside.unrepeatable()):
            raise LockTimeout(
                "got no lock, and cannot be retried automatically, because it has already"
                f" committed: {statement}.{blocked}"
            ) from error
        return waited, blocked

    def _hold_deploy_lock(self) -> None:
        """Make sure that the lock's connection lives.

        Raises:
            MigratorError: it does not, so another deploy may work at the same time.
        """
        if not database.lives(self.control):
            raise MigratorError(
                "the connection that held the deploy lock was closed, and another deploy may have"
                " begun"
            )
