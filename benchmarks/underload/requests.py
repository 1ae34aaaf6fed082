"""What users felt: the log of pgbench, which has a line for each request."""

from dataclasses import dataclass
from pathlib import Path

SLOW = 0.250  # seconds, from which on a request counts as one that somebody noticed


@dataclass(frozen=True)
class Requests:
    """What became of the requests that ended after the report had begun."""

    count: int
    max_ms: float
    p99_ms: float
    slow: int
    failed: int


def read_log(folder: Path, since: float, aborted: int) -> Requests:
    """Sum up the requests of a load that has ended.

    Args:
        folder: where the log is, of which each of pgbench's threads writes a file of its own.
        since: count those only that ended after this time, in seconds since 1970.
        aborted: how many clients met an error and gave up; a failed request each.
    """
    lines = [line.split() for log in folder.glob("log.*") for line in log.open()]
    # Columns: client, number, microseconds, script, and the second and microsecond of the end.
    # With --rate the time runs from when the request was due: waiting for one of the clients to
    # be free is in it.
    mine = [line for line in lines if int(line[4]) + int(line[5]) / 1e6 >= since]
    times = sorted(int(line[2]) / 1e6 for line in mine if line[2].isdigit())
    return Requests(
        count=len(mine) + aborted,
        max_ms=times[-1] * 1e3,
        p99_ms=times[int(len(times) * 0.99)] * 1e3,
        slow=sum(each > SLOW for each in times),
        failed=len(mine) - len(times) + aborted,
    )
