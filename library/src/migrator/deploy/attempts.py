"""The attempts at one revision: how long each may wait for a lock, and the pause after it.

A change that waits for a table's lock keeps everybody else waiting behind it, so each attempt
gives up after a fraction of a second. Lock timeouts grow in small steps and so do the pauses, which
have a random part, so that no rhythm of the application can starve the deploy.
"""

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from migrator.config.settings import Settings
from migrator.postgres.blocking_sessions import Session

RAMP = 1.25  # each attempt may wait this many times as long as the one before
STEPS = 20  # after this many attempts neither timeout nor pause grows any more
PAUSE, PAUSE_MAX = 0.2, 5.0  # seconds between attempts, times a random number from 0.5 to 1.5
SHORT = 5.0  # seconds; transactions that take longer are waited for, not outlasted
LONG_ATTEMPT = 8  # where blockers are hidden from us, every eighth is long enough for autovacuum


@dataclass
class Attempts:
    """The attempts at the revision `revision`, which follows those in `before`.

    `repeatable` is whether it may run again after a part of it was committed, as non-transactional
    revisions may. `started` is when the last attempt began, on the monotonic clock, and
    `lock_timeout` how long that one may wait for a lock; 0 is no limit. `waited` are the seconds
    spent on blockers, on pauses and on attempts without a lock, which `lock_deadline` limits.
    `blockers` are the sessions that the last attempt waited for, and `held` is how old the oldest
    transaction of all of them was. A runner owns it.
    """

    revision: str = ""
    before: tuple[str, ...] = ()
    repeatable: bool = False
    started: float = 0.0
    lock_timeout: float = 0.0
    count: int = 0
    waited: float = 0.0
    blockers: Sequence[Session] = ()
    held: float = 0.0

    def left(self, limits: Settings) -> float:
        """Return the seconds until `lock_deadline`, at least a moment; 0 is no limit."""
        if not limits.lock_deadline:
            return 0
        return max(limits.lock_deadline - self.waited, 0.001)

    def timeout(self, limits: Settings, autovacuum_yields: float, *, sees_all: bool) -> float:
        """Return how many seconds this attempt may wait for a lock; 0 is no limit.

        Args:
            autovacuum_yields: seconds after which PostgreSQL cancels an autovacuum that blocks
                us: its deadlock_timeout and a little more.
            sees_all: whether `blockers` would tell that it is an autovacuum.
        """
        shortest, longest = limits.lock_timeout, limits.lock_timeout_max
        if not shortest:
            return 0
        unknown = self.count % LONG_ATTEMPT == 0 and not sees_all
        if unknown or any(session.autovacuum for session in self.blockers):
            return max(autovacuum_yields, shortest)
        steps = min(self.count - 1, STEPS)
        return min(shortest * RAMP**steps, max(longest, shortest))

    def is_over(self, limits: Settings) -> bool:
        """Tell whether there may be no other attempt."""
        return not limits.lock_timeout or 0 < limits.lock_deadline <= self.waited

    def fail(self, longest: float, committed: float) -> float:
        """Count the attempt that has ended in a lock timeout.

        It did not only wait. What it has committed is not lost, and the work of the first attempt,
        which may have taken long, is no reason to give up before there was a second one.

        Args:
            longest: how long it can have waited in the end; 0 if that is not known.
            committed: when it last committed something, on the monotonic clock; 0 if never.

        Returns:
            The seconds that it waited in the end.
        """
        lost = time.monotonic() - max(self.started, committed)
        waited = min(lost, longest or lost)
        self.waited += waited if self.count == 1 else lost
        return waited

    def pause(self) -> None:
        """Back off before the next attempt."""
        steps = min(self.count - 1, STEPS)
        seconds = min(PAUSE * 1.5**steps, PAUSE_MAX) * random.uniform(0.5, 1.5)
        time.sleep(seconds)
        self.waited += seconds

    def advice(self, limits: Settings) -> str:
        """Return which setting would get the lock, and what that costs, if one does."""
        longest = max(limits.lock_timeout, limits.lock_timeout_max)
        if not longest < self.held <= SHORT:
            return ""
        enough = math.ceil(self.held * 13) / 10
        return (
            f" The transactions that hold it take up to {self.held:.2f} s and overlap, and an"
            f" attempt waits for {longest:g} s at most. With lock_timeout_max = {enough:g} it gets"
            f" the lock, and requests to the table may wait for {enough * 1000:.0f} ms once."
        )

    @property
    def counted(self) -> str:
        """The number of attempts in words."""
        return "1 attempt" if self.count == 1 else f"{self.count} attempts"
