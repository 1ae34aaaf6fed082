"""A worker process: what it does with the tenants that its parent sends, and what it tells.

Its messages are pairs: ("begin", name), ("say", (name, sentence)), ("outcome", Outcome), and
("ready", None) when it has done what it was sent.
"""

import os
import signal
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy.engine import URL

from migrator.config.ending import SIGNALS, heeded
from migrator.fleet import single_tenant
from migrator.fleet.batch import Batch
from migrator.fleet.outcome import Outcome
from migrator.fleet.single_tenant import Stopped
from migrator.fleet.tenant import Tenant
from migrator.fleet.work import Work

LOOK = 0.1  # seconds between two looks whether it is over


def serve(work: Work, pipe: Connection, over: Any, parent: int) -> None:
    """Do one job after the other, until the pipe ends or the parent has died.

    Args:
        over: a number in shared memory that is not 0 when no further tenant may be begun.
        parent: the parent's process.
    """

    def is_over() -> bool:
        return bool(over.value) or os.getppid() != parent

    # They are of this process: the work is a copy since the fork.
    work.say = lambda name, message: pipe.send(("say", (name, message)))
    work.begin = lambda tenant: pipe.send(("begin", tenant.name))
    work.fail = lambda outcome: pipe.send(("outcome", outcome))
    work.is_over = is_over
    try:
        for each in heeded():
            signal.signal(each, _interrupt_once)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        while not is_over():
            if not pipe.poll(LOOK):
                continue
            url, tenants = pipe.recv()
            for outcome in _done(work, url, tenants):
                pipe.send(("outcome", outcome))
            pipe.send(("ready", None))
    except Stopped as stopped:
        pipe.send(("outcome", stopped.outcome))
    except (KeyboardInterrupt, EOFError, OSError):
        pass


def _interrupt_once(*_: Any) -> None:
    """Ctrl-C reaches a worker from the terminal and from its parent: the second one is too many."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _done(work: Work, url: URL, tenants: Sequence[Tenant]) -> Iterator[Outcome]:
    whole = [each for each in tenants if not each.schema]
    for each in whole:
        if not work.is_over():
            work.begin(each)
            yield single_tenant.run(work, each, url)
    if schemas := [each for each in tenants if each.schema]:
        batch = Batch(work, url, schemas)
        try:
            batch.run()
        finally:
            yield from batch.outcomes.values()
