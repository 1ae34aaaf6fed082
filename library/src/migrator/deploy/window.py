"""The maintenance window: when a deploy may change anything."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from migrator.config.invocation import option
from migrator.errors import RefusedError, UsageError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FORM = re.compile(
    r"(?:(?P<first>[A-Z][a-z]{2})(?:-(?P<last>[A-Z][a-z]{2}))? +)?"
    r"(?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d) +(?P<zone>\S+)"
)


def check(text: str, now: datetime | None = None) -> None:
    """Refuse when `now` lies outside all the windows in `text`.

    Args:
        text: "02:00-05:00 Europe/Berlin", with days before it if not every day: "Sat-Sun
            22:00-04:00 UTC" (the days on which it begins). Several are separated by commas;
            nothing is always.
        now: this moment, if None.

    Raises:
        RefusedError: it is not the time.
        UsageError: `text` cannot be read.
    """
    moment = now or datetime.now(UTC)
    windows = [part.strip() for part in text.split(",") if part.strip()]
    opened = [_open(window, moment) for window in windows]  # all of them: one may be misspelt
    if windows and not any(opened):
        raise RefusedError(
            f"The maintenance window is {text}, and it is {moment:%Y-%m-%d %H:%M} UTC now. Nothing"
            f" was changed. Deploy when it is open, or pass {option('--now')} if it cannot wait."
        )


def _open(window: str, moment: datetime) -> bool:
    found = FORM.fullmatch(window)
    try:
        if not found:
            raise ValueError
        zone = ZoneInfo(found["zone"])
        start, end = time.fromisoformat(found["start"]), time.fromisoformat(found["end"])
        first = DAYS.index(found["first"] or "Mon")
        last = DAYS.index(found["last"] or found["first"] or "Sun")
    except (ValueError, OSError, ZoneInfoNotFoundError):  # a folder's name is an OSError
        raise UsageError(
            f"The maintenance window {window!r} cannot be read; write it as 02:00-05:00"
            " Europe/Berlin, or Sat-Sun 22:00-04:00 UTC."
        ) from None
    local = moment.astimezone(zone)
    clock = local.time().replace(tzinfo=None)
    if start < end:
        begun, inside = local, start <= clock < end
    else:  # over midnight: after it, the window is yesterday's
        begun = local if clock >= start else local - timedelta(days=1)
        inside = clock >= start or clock < end
    day = begun.weekday()
    return inside and (first <= day <= last if first <= last else day >= first or day <= last)
