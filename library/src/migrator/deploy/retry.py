"""How long a try may wait for its lock, and how long to pause before the next one.

A change that waits for a table's lock keeps everybody else waiting, so a lock that is not had in
a moment is given up. The budgets go up in small steps and the pauses grow, each with a random
part, so that no rhythm of the application can starve the deploy.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from migrator.config.settings import Settings
from migrator.postgres.activity import Session

RAMP = 1.25  # each try waits so many times as long for its lock as the one before
STEPS = 20  # after so many tries neither grows any more
PAUSE, PAUSE_MAX = 0.2, 5.0  # seconds between tries, times a random number from 0.5 to 1.5
LONG_TRY = 8  # where we may not see who blocks us, every eighth try is long enough for autovacuum


@dataclass
class Progress:
    """The revision that is being applied, which follows those in `before`.

    `repeatable` is whether it may run again after a part of it was committed: online revisions
    hold nothing else.
    `tried` is when its last try began, on the monotonic clock, and `patience` how long that one
    may wait for a lock. `waited` are the seconds at the gate, in pauses and in tries that were
    lost, which is what `lock_deadline` is for. `blockers` are whom the last try waited for.
    """

    revision: str = ""
    before: tuple[str, ...] = ()
    repeatable: bool = False
    tried: float = 0.0
    patience: float = 0.0
    attempts: int = 0
    waited: float = 0.0
    blockers: Sequence[Session] = ()

    def left(self, limits: Settings) -> float:
        """Return the seconds until `lock_deadline`, at least a moment; 0 is no limit."""
        if not limits.lock_deadline:
            return 0
        return max(limits.lock_deadline - self.waited, 0.001)

    def budget(self, limits: Settings, autovacuum_yields: float, *, sees_all: bool) -> float:
        """Return how many seconds this try may wait for a lock; 0 is no limit.

        Args:
            autovacuum_yields: seconds after which PostgreSQL ends an autovacuum that is in our
                way: its deadlock_timeout and a little more.
            sees_all: whether `blockers` would tell that it is an autovacuum.
        """
        shortest, longest = limits.lock_timeout, limits.lock_timeout_max
        if not shortest:
            return 0
        unknown = self.attempts % LONG_TRY == 0 and not sees_all
        if unknown or any(session.autovacuum for session in self.blockers):
            return max(autovacuum_yields, shortest)
        steps = min(self.attempts - 1, STEPS)
        return min(shortest * RAMP**steps, max(longest, shortest))

    def is_over(self, limits: Settings) -> bool:
        """Tell whether there may be no other try."""
        return not limits.lock_timeout or 0 < limits.lock_deadline <= self.waited

    def lose(self, longest: float, stood: float) -> float:
        """Count the try that has ended without its lock.

        It was not all waiting. What stands is not lost, and the work of the first try, which may
        have taken long, is no reason to give up before there was a second one.

        Args:
            longest: how long it can have waited in the end; 0 if that is not known.
            stood: when it last did something that stands, on the monotonic clock; 0 if never.

        Returns:
            The seconds that it waited in the end.
        """
        lost = time.monotonic() - max(self.tried, stood)
        waited = min(lost, longest or lost)
        self.waited += waited if self.attempts == 1 else lost
        return waited

    def pause(self) -> None:
        """Wait before the next try."""
        steps = min(self.attempts - 1, STEPS)
        seconds = min(PAUSE * 1.5**steps, PAUSE_MAX) * random.uniform(0.5, 1.5)
        time.sleep(seconds)
        self.waited += seconds

    @property
    def tries(self) -> str:
        """Return the number of attempts in words."""
        return "1 try" if self.attempts == 1 else f"{self.attempts} tries"
