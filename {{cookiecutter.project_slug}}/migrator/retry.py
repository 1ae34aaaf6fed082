"""How long a try may wait for its lock, and how long to pause before the next one.

A change that waits for a table's lock keeps everybody else waiting, so a lock that is not had in
a moment is given up. The budgets go up in small steps and the pauses grow, each with a random
part, so that no rhythm of the application can starve the deploy.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from migrator.sessions import Session
from migrator.settings import Settings

RAMP = 1.25  # each try waits so many times as long for its lock as the one before
STEPS = 20  # after so many tries neither grows any more
PAUSE, PAUSE_MAX = 0.2, 5.0  # seconds between tries, times a random number from 0.5 to 1.5
LONG_TRY = 8  # where we may not see who blocks us, every eighth try is long enough for autovacuum


@dataclass
class Progress:
    """The revision that is being applied, which follows those in `before`.

    `repeatable` is whether it may run again after a part of it was committed: online revisions
    hold nothing else.
    `began` and `tried` are when it began to wait and when its last try began, on the monotonic
    clock. `waited` are the seconds at the gate, in pauses and in tries that were lost. `blockers`
    are whom the last try waited for.
    """

    revision: str = ""
    before: tuple[str, ...] = ()
    repeatable: bool = False
    began: float = field(default_factory=time.monotonic)
    tried: float = 0.0
    attempts: int = 0
    waited: float = 0.0
    blockers: Sequence[Session] = ()

    def left(self, limits: Settings) -> float:
        """Return the seconds until `lock_deadline`, at least a moment; 0 is no limit."""
        if not limits.lock_deadline:
            return 0
        return max(limits.lock_deadline - (time.monotonic() - self.began), 0.001)

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
        spent = time.monotonic() - self.began
        return not limits.lock_timeout or 0 < limits.lock_deadline <= spent

    def pause(self) -> None:
        """Count the try that was lost, and wait before the next one."""
        steps = min(self.attempts - 1, STEPS)
        seconds = min(PAUSE * 1.5**steps, PAUSE_MAX) * random.uniform(0.5, 1.5)
        lost = time.monotonic() - self.tried
        time.sleep(seconds)
        self.waited += lost + seconds

    @property
    def tries(self) -> str:
        """Return the number of attempts in words."""
        return "1 try" if self.attempts == 1 else f"{self.attempts} tries"
