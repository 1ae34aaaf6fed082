"""Watches a revision while it runs: whom it waits for, and how far its statement is."""

import threading
import time
from types import TracebackType

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from migrator.deploy.report import Report
from migrator.postgres import blocking_sessions, progress
from migrator.postgres.blocking_sessions import Session

POLL = 0.03  # seconds; the first attempts wait for a tenth of a second only
SAY_AFTER = 3.0
SAY_EVERY = 10.0
# How far a statement is: every few seconds, and not as often when it takes long.
PROGRESS_EVERY, PROGRESS_LATER, LATER = 5.0, 15.0, 120.0


class BlockerWatcher:
    """Looks at the process `waiting` from `control`, which nobody else may use meanwhile.

    `blockers` are those whom it waited for last. `lost` is set when `control` is gone, and with
    it the deploy lock.
    """

    def __init__(
        self, control: Connection, waiting: int, report: Report, *, with_query: bool
    ) -> None:
        self.control = control
        self.waiting = waiting
        self.report = report
        self.with_query = with_query
        self._told = time.monotonic()
        self.blockers: list[Session] = []
        self.lost: SQLAlchemyError | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="blocker watcher", daemon=True)

    def __enter__(self) -> "BlockerWatcher":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        began = said = time.monotonic()
        pause = POLL
        try:
            while not self._over.wait(pause):
                found = blocking_sessions.blocking(self.control, self.waiting)
                now = time.monotonic()
                # Asking takes the lock table's own locks, so not often where it takes long.
                pause = POLL if now - began < 2 else 0.5
                if not found:
                    self._tell_progress(now)
                    continue
                self.blockers = found
                if now - began >= SAY_AFTER and (said == began or now - said >= SAY_EVERY):
                    said = now
                    self.report.waiting("apply", f"Waiting for {self.whom()}.")
        except SQLAlchemyError as error:
            self.lost = error

    def _tell_progress(self, now: float) -> None:
        if now - self._told < PROGRESS_EVERY:
            return
        found = progress.of(self.control, self.waiting)
        if found is None or found.seconds < PROGRESS_EVERY:  # another statement than before
            return
        if found.seconds < LATER or now - self._told >= PROGRESS_LATER:
            self._told = now
            self.report.progress("apply", f"{found}.")

    def whom(self) -> str:
        """Return whom the process waits for, or waited for last, in words."""
        shown = [session.describe(with_query=self.with_query) for session in self.blockers[:3]]
        return ", ".join(shown) or "a session that has ended since"
