"""How long an attempt may wait for a lock, when retrying ends, and what counts as waiting."""

import time

import pytest

from migrator.config.settings import Settings
from migrator.deploy.attempts import STEPS, Attempts
from migrator.postgres.blocking_sessions import Session

LIMITS = Settings(lock_timeout=0.1, lock_timeout_max=0.2, lock_deadline=600)
VACUUM = Session(1, "3/1", "", None, "", autovacuum=True, query="")


def timeouts(number: int, limits: Settings = LIMITS) -> list[float]:
    """The lock timeouts of the first attempts, where all blockers can be seen."""
    return [Attempts(count=n).timeout(limits, 1.5, sees_all=True) for n in range(1, number + 1)]


def test_lock_timeouts_grow_in_small_steps_up_to_the_longest() -> None:
    found = timeouts(STEPS + 5)
    assert found[0] == 0.1
    assert found[1] == pytest.approx(0.125)
    assert found == sorted(found)
    assert found[-1] == 0.2


def test_a_longest_below_the_first_changes_nothing() -> None:
    limits = Settings(lock_timeout=0.1, lock_timeout_max=0)
    assert set(timeouts(5, limits)) == {0.1}


def test_without_a_lock_timeout_there_is_no_limit_and_no_second_attempt() -> None:
    limits = Settings(lock_timeout=0)
    assert Attempts(count=1).timeout(limits, 1.5, sees_all=True) == 0
    assert Attempts(count=1).is_over(limits)


def test_an_autovacuum_gets_the_time_after_which_postgresql_cancels_it() -> None:
    assert Attempts(count=1, blockers=[VACUUM]).timeout(LIMITS, 1.5, sees_all=True) == 1.5


def test_where_blockers_are_hidden_every_eighth_attempt_is_long() -> None:
    long = [n for n in range(1, 25) if Attempts(count=n).timeout(LIMITS, 1.5, sees_all=False) > 1]
    assert long == [8, 16, 24]


def test_the_deadline_counts_waiting() -> None:
    assert not Attempts(waited=599).is_over(LIMITS)
    assert Attempts(waited=600).is_over(LIMITS)
    assert not Attempts(waited=10**6).is_over(Settings(lock_timeout=0.1, lock_deadline=0))
    assert Attempts(waited=599).left(LIMITS) == 1
    assert Attempts(waited=601).left(LIMITS) > 0


def test_the_work_of_the_first_attempt_is_not_waiting() -> None:
    first = Attempts(count=1, started=time.monotonic() - 100)
    assert first.fail(0.1, 0) == 0.1
    assert first.waited == pytest.approx(0.1)
    second = Attempts(count=2, started=time.monotonic() - 100)
    assert second.fail(0.1, 0) == 0.1
    assert second.waited >= 100


def test_what_an_attempt_has_committed_is_not_waiting() -> None:
    now = time.monotonic()
    attempt = Attempts(count=2, started=now - 100)
    attempt.fail(0, now - 1)
    assert 1 <= attempt.waited < 10


def test_attempts_in_words() -> None:
    assert Attempts(count=1).counted == "1 attempt"
    assert Attempts(count=3).counted == "3 attempts"
