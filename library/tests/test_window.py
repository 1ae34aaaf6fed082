"""The maintenance window: days, time zones, daylight saving time, midnight."""

from datetime import datetime

import pytest

from migrator.deploy import window
from migrator.errors import RefusedError, UsageError

# 2026-11-22 is a Sunday; Berlin is an hour ahead of UTC then, and two in summer.
BERLIN = "02:00-05:00 Europe/Berlin"
NIGHTLY = "22:00-04:00 UTC"


@pytest.mark.parametrize(
    ("text", "now"),
    [
        ("", "2026-11-22T12:00+00:00"),
        (" , ", "2026-11-22T12:00+00:00"),
        (BERLIN, "2026-11-22T01:00+00:00"),
        (BERLIN, "2026-11-22T03:59:59+00:00"),
        (BERLIN, "2026-07-01T00:00+00:00"),
        # Clocks go forward at 01:00 UTC, from 2 to 3, and back at 01:00 UTC, from 3 to 2.
        (BERLIN, "2026-03-29T01:00+00:00"),
        (BERLIN, "2026-10-25T00:00+00:00"),
        (BERLIN, "2026-10-25T01:30+00:00"),
        (NIGHTLY, "2026-11-22T22:00+00:00"),
        (NIGHTLY, "2026-11-23T03:59+00:00"),
        ("Sat 22:00-04:00 UTC", "2026-11-22T03:00+00:00"),  # it began on Saturday
        ("Sun 22:00-04:00 UTC", "2026-11-23T03:00+00:00"),
        ("Mon-Fri 09:00-17:00 UTC", "2026-11-23T12:00+00:00"),
        ("Sat-Mon 09:00-17:00 UTC", "2026-11-22T12:00+00:00"),
        ("Sun 00:00-00:00 UTC", "2026-11-22T12:00+00:00"),
        (f"{BERLIN}, {NIGHTLY}", "2026-11-22T23:00+00:00"),
    ],
)
def test_open(text: str, now: str) -> None:
    window.check(text, datetime.fromisoformat(now))


@pytest.mark.parametrize(
    ("text", "now"),
    [
        (BERLIN, "2026-11-22T00:59:59+00:00"),
        (BERLIN, "2026-11-22T04:00+00:00"),
        (BERLIN, "2026-07-01T03:00+00:00"),
        (BERLIN, "2026-03-29T00:59+00:00"),
        (BERLIN, "2026-10-25T04:00+00:00"),
        (NIGHTLY, "2026-11-22T21:59+00:00"),
        (NIGHTLY, "2026-11-23T04:00+00:00"),
        ("Sun 22:00-04:00 UTC", "2026-11-22T03:00+00:00"),
        ("Mon-Fri 09:00-17:00 UTC", "2026-11-22T12:00+00:00"),
        ("Sat-Mon 09:00-17:00 UTC", "2026-11-24T12:00+00:00"),
        ("Sun 00:00-00:00 UTC", "2026-11-23T00:00+00:00"),
        (f"{BERLIN}, {NIGHTLY}", "2026-11-22T12:00+00:00"),
    ],
)
def test_closed(text: str, now: str) -> None:
    with pytest.raises(RefusedError) as refused:
        window.check(text, datetime.fromisoformat(now))
    assert text in str(refused.value)
    assert "--now" in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        f"{NIGHTLY}, 25:00-26:00 UTC",  # also when another window is open
        "02:00-05:00",
        "2:00-5:00 UTC",
        "02:00-05:00 Europe/Atlantis",
        "02:00-05:00 Europe",
        "02:00-05:00 ../../etc/passwd",
        "Su 02:00-05:00 UTC",
        "always",
    ],
)
def test_unreadable(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        window.check(text, datetime.fromisoformat("2026-11-22T23:00+00:00"))


def test_without_a_moment_it_is_now() -> None:
    window.check("00:00-00:00 UTC")
