"""Blockers: an attempt starts only when it will not have to wait behind an old transaction.

A statement that waits for a table's lock blocks everybody behind it, even readers. So the deploy
waits outside the queue, without holding anything, until old transactions have ended.
"""

import time
from collections import deque
from collections.abc import Iterable, Sequence
from statistics import median

from sqlalchemy import Connection

from migrator.config.settings import Settings
from migrator.deploy.report import Report
from migrator.postgres import blocking_sessions
from migrator.postgres.blocking_sessions import Session

POLL, POLL_LATER = 0.05, 0.2  # seconds; less often once it is clear that it takes a while
# Seconds of looking for a moment, and between two looks; the part of the timeout to count on.
MOMENT, SAMPLE, EARLY = 5.0, 0.03, 0.8
KEPT = 100  # durations of transactions
SAY_AFTER = 1.0  # seconds of waiting before a line is worth it
SAY_EVERY = 10.0


class Blockers:
    """Waits for other sessions' old transactions, at most `blocker_timeout` for a revision.

    Args:
        control: a connection in autocommit mode.
    """

    def __init__(self, control: Connection, limits: Settings, report: Report) -> None:
        self.control = control
        self.limits = limits
        self.report = report
        self.left = limits.blocker_timeout
        self.ignored: set[str] = set()
        self.tables: Sequence[int] | None = None
        self.sees_all = blocking_sessions.sees_all(control)
        self.first_seen: dict[str, float] = {}
        self.durations: deque[float] = deque(maxlen=KEPT)  # of transactions that have ended

    def next_revision(self, tables: Iterable[str] | None) -> None:
        """Start the time budget again, and ignore whom an earlier revision has waited for in vain.

        Args:
            tables: those that the revision touches; None if that is not known.
        """
        self.left = self.limits.blocker_timeout
        self.tables = None if tables is None else blocking_sessions.relations(self.control, tables)

    def wait(self, own: int, blockers: Sequence[Session] = (), longest: float = 0) -> float:
        """Wait until nothing old is in a transaction, nor any of `blockers` in the same one.

        Those may be autovacuums, too.

        Args:
            own: the process that will do the work.
            blockers: the sessions that the last attempt waited for.
            longest: seconds; 0 is no limit but `blocker_timeout`.

        Returns:
            The seconds waited. A transaction that is still open then is not waited for again.
        """
        started = said = time.monotonic()
        limited = bool(self.limits.blocker_timeout)
        while old := self._found(own, blockers):
            waited = time.monotonic() - started
            if (limited and waited >= self.left) or waited >= longest > 0:
                self.ignored |= {session.transaction for session in old}
                self._say(old, "No longer waiting for")
                break
            if waited >= SAY_AFTER and (said == started or time.monotonic() - said >= SAY_EVERY):
                said = time.monotonic()
                self._say(old, "Waiting for")
            time.sleep(POLL if waited < SAY_AFTER else POLL_LATER)
        waited = time.monotonic() - started
        self.left = max(0, self.left - waited)
        return waited

    def wait_for_moment(
        self, own: int, blockers: Sequence[Session], timeout: float, longest: float
    ) -> float:
        """Wait until those who have a lock that we need are about to end, MOMENT seconds at most.

        Readers that overlap never leave the table alone, but those that begin after us wait for us.
        How long they take is learned from those that end meanwhile.

        Args:
            own, blockers, longest: as for `wait`.
            timeout: how long the attempt may wait for its lock.

        Returns:
            The seconds waited.
        """
        awaited = [each for session in blockers for each in session.awaited]
        tables = [*(self.tables or ()), *awaited]
        started, limit = time.monotonic(), min(MOMENT, longest or MOMENT)
        before: dict[str, float] = {}

        def ends_soon(age: float) -> bool:
            longer = [each for each in self.durations if each > age]
            return not longer or median(longer) - age <= EARLY * timeout

        while awaited and time.monotonic() - started < limit:
            found = blocking_sessions.in_transaction(self.control, own, tables)
            ages = {session.transaction: self._age(session) for session in found}
            self.durations += [age for name, age in before.items() if name not in ages]
            before = ages
            if not ages or (self.durations and all(map(ends_soon, ages.values()))):
                break
            time.sleep(SAMPLE)
        return time.monotonic() - started

    def _found(self, own: int, blockers: Sequence[Session]) -> list[Session]:
        known = {blocker.transaction for blocker in blockers}
        # PostgreSQL cancels one for an attempt of more than a second, in which nobody gets through.
        vacuums = [b for b in blockers if b.autovacuum and b.transaction not in self.ignored]
        found = [
            session
            for session in blocking_sessions.in_transaction(
                self.control, own, self._tables(blockers)
            )
            if session.transaction not in self.ignored
            and (session.transaction in known or self._age(session) > self.limits.blocker_age)
        ]
        return found + (vacuums if blocking_sessions.still_there(self.control, vacuums) else [])

    def _tables(self, blockers: Sequence[Session]) -> Sequence[int] | None:
        if self.tables is None:
            return None
        return [*self.tables, *(each for session in blockers for each in session.awaited)]

    def _age(self, session: Session) -> float:
        """Without the right to see it, count from when the transaction was seen first."""
        if session.age is not None:
            return session.age
        now = time.monotonic()
        return now - self.first_seen.setdefault(session.transaction, now)

    def _say(self, old: list[Session], what: str) -> None:
        shown = [s.describe(with_query=self.limits.show_queries) for s in old[:3]]
        more = f" and {len(old) - 3} more" if len(old) > 3 else ""
        pids = [session.pid for session in old]
        self.report.waiting("blockers", f"{what} {', '.join(shown)}{more}.", pids=pids)
