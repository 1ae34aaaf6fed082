"""Waiting for the deploy lock, whatever it is made of."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from migrator.errors import LockTimeout

POLL = (0.1, 0.4)  # seconds between attempts, at random so that waiters do not poll in step
LOOK = 1.0  # seconds between two looks at who has the lock: each takes the lock table's own locks
Say = Callable[[str], None]

REPORT = 10.0  # seconds between two lines that say who has it


@dataclass(frozen=True)
class Holder:
    """Who has the lock, in words, and whether it is still backing up."""

    who: str
    backs_up: bool = False


def wait(get: Callable[[], bool], look: Callable[[], Holder], patience: float, say: Say) -> None:
    """Poll for the lock until it is had.

    Args:
        get: tries once to take it.
        look: says who has it.
        say: called with a sentence about that.
        patience: seconds, those of the holder's backup not counted; 0 is no limit.

    Raises:
        LockTimeout: somebody else still has it.
    """
    before, looked, said = time.monotonic(), float("-inf"), float("-inf")
    waited = backup = 0.0
    while not get():
        now = time.monotonic()
        if now - looked >= LOOK:
            holder, looked = look(), now
        if holder.backs_up:
            backup += now - before
        else:
            waited += now - before
        before = now
        if waited >= patience > 0:
            beside = f" (and {backup:.0f} s during its backup)" if backup >= 1 else ""
            raise LockTimeout(
                f"Another deploy still has the lock after {waited:.0f} s of waiting{beside}:"
                f" {holder.who}. Nothing was changed. See whether it is working or hangs; to wait"
                " longer, set deploy_lock_timeout in the ini file."
            )
        if now - said >= REPORT:
            what = ", which is backing up" if holder.backs_up else " to end"
            say(f"Waiting for another deploy{what}: {holder.who}.")
            said = now
        time.sleep(random.uniform(*POLL))
