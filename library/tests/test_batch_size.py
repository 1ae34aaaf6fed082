"""The tuning of a backfill's batches: as many rows as take a short time."""

import pytest

from migrator.operations.batch_size import FIRST, LEAST, MOST, PAUSE_MOST, TARGET, BatchSize

COST = 0.002  # seconds that a batch takes however small it is


def run(size: BatchSize, per_second: float) -> float:
    """What a batch takes on a server that changes so many rows in a second."""
    seconds = COST + size.rows / per_second
    size.took(seconds)
    return seconds


# With fewer in a second, batches have the least number of rows and take longer.
@pytest.mark.parametrize("per_second", [40_000, 60_000, 300_000])
def test_it_finds_the_size_and_stays_there(per_second: float) -> None:
    size = BatchSize()
    for _ in range(10):
        run(size, per_second)
    times = [run(size, per_second) for _ in range(50)]
    assert max(times) < TARGET * 1.1
    assert min(times) > TARGET * 0.8


def test_a_backfill_is_not_much_slower_than_one_update() -> None:
    """A million rows with the default pause, as long as each batch, on a server that changes
    100,000 in a second."""
    size, left, seconds = BatchSize(), 1_000_000, 0.0
    while left > 0:
        left -= size.rows
        seconds += run(size, 100_000) + size.pause
    assert 10 / seconds > 0.4


def test_it_shrinks_at_once() -> None:
    """The rows get wide, or the server busy: one batch is slow, and not the next."""
    size = BatchSize()
    for _ in range(10):
        run(size, 1_000_000)
    assert run(size, 10_000) > 1
    assert size.rows == LEAST
    assert size.pause == PAUSE_MOST  # for everybody else, who has waited as well


def test_it_grows_no_faster_than_twofold() -> None:
    size = BatchSize()
    size.took(0.001)
    assert size.rows == 2 * FIRST


def test_fewer_rows_meet_fewer_locks() -> None:
    size = BatchSize()
    size.was_locked_out()
    assert size.rows == FIRST // 2


def test_the_limits() -> None:
    size = BatchSize()
    for _ in range(30):
        size.took(60)
    assert size.rows == LEAST
    for _ in range(30):
        size.took(0)
    assert size.rows == MOST


def test_a_size_that_was_given_stays() -> None:
    size = BatchSize(250)
    size.took(30)
    size.was_locked_out()
    assert size.rows == 250
