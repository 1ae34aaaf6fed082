"""What each try of a revision needs on PostgreSQL: the gate, limits, a name, and a watch."""

from contextlib import ExitStack

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from migrator.config.settings import Settings
from migrator.deploy.blockers import Gate
from migrator.deploy.lock_watcher import Watch
from migrator.deploy.non_transactional import Online
from migrator.deploy.report import Report
from migrator.deploy.retry import Progress
from migrator.errors import MigratorError
from migrator.postgres import activity, limits

DEADLOCK_TIMEOUT = text("SELECT setting::float FROM pg_settings WHERE name = 'deadlock_timeout'")

# What a deploy has said to be applied must be there after a crash, too.
DURABLE = text(
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'"
)


class Attempts:
    """The tries, one after the other.

    Args:
        control: a second connection in autocommit mode, which has the deploy lock.
        gated: wait at the gate before each try.
    """

    def __init__(
        self, control: Connection, chosen: Settings, report: Report, *, gated: bool
    ) -> None:
        self.control = control
        self.limits = chosen
        self.report = report
        self.gate = Gate(control, chosen, report) if gated else None
        # How long PostgreSQL lets two sessions wait for each other, and a little more.
        self.deadlock = (control.scalar(DEADLOCK_TIMEOUT) or 1000) / 1000 + 0.5
        self._watch: Watch | None = None
        self._watching = ExitStack()

    def next_revision(self) -> None:
        """Begin to count anew."""
        if self.gate:
            self.gate.next_revision()

    def begin(self, connection: Connection, progress: Progress) -> None:
        """Wait at the gate, then set this try's limits, in a transaction before the revision's."""
        chosen = self.limits
        # Not as libpq has it: through a pooler that is no process of the server's.
        own: int = connection.scalar(text("SELECT pg_backend_pid()")) or 0
        connection.commit()
        self.hold_deploy_lock()
        if self.gate:
            progress.waited += self.gate.wait(own, progress.blockers, progress.left(chosen))
            vacuums = [session for session in progress.blockers if session.autovacuum]
            if not activity.still_there(self.control, vacuums):
                progress.blockers = [b for b in progress.blockers if b not in vacuums]
        sees_all = self.gate is not None and self.gate.sees_all
        progress.patience = progress.budget(chosen, self.deadlock, sees_all=sees_all)
        values = limits.session_settings(chosen) | {
            "application_name": f"migrate:{progress.revision}",
            "lock_timeout": f"{round(progress.patience * 1000)}ms",
        }
        for name, value in values.items():
            connection.execute(
                text("SELECT set_config(:name, :value, false)"), {"name": name, "value": value}
            )
        connection.execute(DURABLE)
        connection.commit()
        self._watch = Watch(self.control, own, self.report, with_query=chosen.show_queries)
        self._watching.enter_context(self._watch)

    def end(self) -> None:
        """Look no longer whom it waits for."""
        self._watching.close()

    def lost(self, error: DBAPIError, progress: Progress, online: Online) -> float:
        """Count a try that got no lock; return how many seconds it waited for that lock."""
        progress.blockers = self._watch.blockers if self._watch else ()
        longest = self.limits.lock_deadline if online.concurrently else progress.patience
        if limits.is_deadlock(error):
            longest = self.deadlock
        return progress.lose(longest, online.stood)

    def whom(self) -> str:
        """Return whom the last try waited for, as a sentence; empty if nobody was seen."""
        seen = self._watch and self._watch.blockers
        return f" Blocked by {self._watch.whom()}." if self._watch and seen else ""

    def hold_deploy_lock(self) -> None:
        """Make sure that the lock's connection lives.

        Raises:
            MigratorError: it does not, so another deploy may work at the same time.
        """
        try:
            self.control.scalar(text("SELECT 1"))
        except SQLAlchemyError:  # also that it was found dead before
            raise MigratorError(
                "the connection that held the deploy lock was closed, and another deploy may have"
                " begun"
            ) from None
