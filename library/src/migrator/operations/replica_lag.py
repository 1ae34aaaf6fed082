"""How far replicas may be behind: a backfill writes faster than some of them can follow."""

import time
from dataclasses import dataclass

from migrator.console import note
from migrator.errors import MigratorError
from migrator.operations.session import Session

# Nobody but members of pg_monitor sees replay_lag. It grows while a replay is paused, too.
BEHIND = """
SELECT application_name || coalesce(' at ' || host(client_addr), ' on this machine'), seconds
FROM (SELECT application_name, client_addr, extract(epoch FROM replay_lag)::float AS seconds
      FROM pg_catalog.pg_stat_replication) AS replica
WHERE seconds > {max_lag} ORDER BY seconds DESC LIMIT 1
"""
LOOK = 1.0  # seconds
SAY_EVERY = 30.0


@dataclass(frozen=True)
class ReplicaLag:
    """How far behind a replica may be, and how long it has to catch up, in seconds.

    With `max_lag` 0 nobody is waited for, with `max_wait` 0 for ever.
    """

    max_lag: float
    max_wait: float

    def wait(self, session: Session, target: str) -> None:
        """Wait until no replica is too far behind.

        Args:
            target: the table that is being filled, for the message.

        Raises:
            MigratorError: one still is after `max_wait`.
        """
        if not self.max_lag:
            return
        started, said = time.monotonic(), float("-inf")
        while found := session.rows(BEHIND.format(max_lag=self.max_lag)):
            (name, behind), now = found[0], time.monotonic()
            if now - started >= self.max_wait > 0:
                raise MigratorError(
                    f"The backfill of {target} has waited {now - started:.0f} s for a replica, and"
                    f" {name} is still {behind:.0f} s behind. The rows that are filled stay so, and"
                    " the next run continues with the rest. Check whether its replay is paused,"
                    " delayed on purpose, or waits for a query there (pg_stat_activity of the"
                    " replica), then run the migration again; with max_lag=0 in the revision's"
                    " op.backfill it does not wait for replicas."
                )
            if now - said >= SAY_EVERY:
                said = now
                note(
                    f"backfill of {target} waits: replica {name} is {behind:.0f} s behind, and"
                    f" {self.max_lag:g} s are allowed"
                )
            time.sleep(LOOK)
