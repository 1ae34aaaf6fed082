"""What a rehearsal says while it works: on stderr, since the result is for stdout."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from migrator.console import remark
from migrator.deploy.report import Report

HEARTBEAT = 10.0  # seconds between two lines


class Progress(Report):
    """A deploy's report that keeps what it says of each revision.

    Args:
        applied: called with what the deploy says of a revision when it is done.
    """

    def __init__(self, applied: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._applied = applied

    def done(self, step: str, message: str, **data: Any) -> None:
        """Say what a step found or did."""
        super().done(step, message, **data)
        if step == "apply" and "seconds" in data:
            self._applied(data)

    def skipped(self, step: str, why: str) -> None:
        """Say nothing: what a rehearsal leaves out is no news."""

    def _tell(self, status: str, step: str, message: str, data: dict[str, Any]) -> None:
        remark(f"{step:<8} {message}")


@contextmanager
def every(describe: Callable[[], str]) -> Iterator[None]:
    """Say every few seconds how far something is that takes long."""
    end, began = threading.Event(), time.monotonic()

    def run() -> None:
        while not end.wait(HEARTBEAT):
            remark(f"{describe()} ({time.monotonic() - began:.0f} s)")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
