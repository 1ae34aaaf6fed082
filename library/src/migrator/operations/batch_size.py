"""How many rows a backfill changes in one transaction: as many as take a short time."""

# Seconds. Whoever wants to change one of the rows waits as long, and as long again behind others.
# Longer ones are hardly faster: a commit costs little. The least number of rows lets it go on where
# a commit alone takes that long.
TARGET = 0.02
FIRST, LEAST, MOST = 1000, 500, 50_000
PAUSE_MOST = 1.0


class BatchSize:
    """The size of the next batch; what the last one took decides, unless a size is given.

    Args:
        given: a size that never changes; 0 is one that does.
    """

    def __init__(self, given: int = 0) -> None:
        self.rows = given or FIRST
        self.pause = 0.0  # seconds after a batch that leave everybody else as much of the server
        self._fixed = bool(given)

    def took(self, seconds: float) -> None:
        """Learn how long a batch of this size took, its commit included.

        It grows slowly and shrinks at once: the next batch may be of wider rows, or on a busier
        server.
        """
        self.pause = min(seconds, PAUSE_MOST)
        if not self._fixed:
            factor = min(TARGET / max(seconds, TARGET / 10), 2.0)
            self.rows = max(LEAST, min(MOST, int(self.rows * factor)))

    def was_locked_out(self) -> None:
        """Learn that another session had one of the rows: fewer rows meet fewer sessions."""
        if not self._fixed:
            self.rows = max(LEAST, self.rows // 2)
