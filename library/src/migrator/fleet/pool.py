"""Worker processes: Alembic's commands are not safe in threads, and Python has one processor each.

The parent gives each worker a batch of tenants and hears of one after the other. A worker that dies
takes nothing along: what is done is in the databases, and its tenants are given to another one.
"""

import multiprocessing
import os
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from sqlalchemy.engine import URL

from migrator.errors import Interrupted
from migrator.fleet import ordinary
from migrator.fleet.batch import Batch
from migrator.fleet.ordinary import Stopped
from migrator.fleet.outcome import FAILED, INTERRUPTED, Outcome
from migrator.fleet.tenant import Tenant
from migrator.fleet.work import Work

BATCH = 200  # tenants at most: they are verified together
SHARES = 4  # batches for each worker, so that none ends long before the others
DEATHS = 2  # workers that may die with the same tenant
POLL = 0.5  # seconds between two looks at the clock
LOOK = 0.1  # seconds between two looks of a worker whether it is over
ENDS = 30.0  # seconds for a worker to end after Ctrl-C
SIGNALS = (signal.SIGINT, signal.SIGTERM)

Heard = Callable[[Outcome], None]


@dataclass
class Job:
    """Tenants of one database for one worker."""

    url: URL
    tenants: list[Tenant]

    @property
    def server(self) -> tuple[Any, ...]:
        """Whose connections are counted together."""
        return (self.url.host, self.url.port, self.url.query.get("host"))


@dataclass
class Worker:
    """A process, the parent's end of its pipe, and what it has been given."""

    process: BaseProcess
    pipe: Connection
    job: Job | None = None
    left: dict[str, Tenant] = field(default_factory=dict)
    current: str = ""


class Pool:
    """The workers of one stage.

    Args:
        heard: called with each outcome.
        told: called with the name of a tenant and a sentence about it.
        tick: called twice a second.
        goes_on: tells whether another tenant may be begun.
    """

    def __init__(
        self,
        work: Work,
        heard: Heard,
        told: Callable[[str, str], None],
        tick: Callable[[], None],
        goes_on: Callable[[], bool],
    ) -> None:
        self.work, self.heard, self.told, self.tick = work, heard, told, tick
        self.goes_on = goes_on
        self.start = multiprocessing.get_context("fork")
        self.over = self.start.Event()
        self.workers: list[Worker] = []
        self.deaths: Counter[str] = Counter()

    def run(self, jobs: Sequence[Job]) -> None:
        """Do all of them.

        Raises:
            KeyboardInterrupt: Ctrl-C or SIGTERM; each worker has ended, and said where it was.
        """
        waiting = deque(jobs)
        try:
            while waiting or any(each.job for each in self.workers):
                if self.goes_on():
                    self._give_out(waiting)
                else:
                    waiting.clear()
                    self.over.set()
                self._listen(waiting, POLL)
                self.tick()
        except KeyboardInterrupt:
            self._interrupt()
            raise
        finally:
            self._close()

    def _give_out(self, waiting: "deque[Job]") -> None:
        """Give jobs to workers that have none, or to new ones."""
        limit = self.work.fleet.connections
        for _ in range(len(waiting)):
            busy = Counter(each.job.server for each in self.workers if each.job)
            free = next((each for each in self.workers if not each.job), None)
            if free is None and len(self.workers) >= self.work.fleet.workers:
                return
            job = waiting.popleft()
            if limit and busy[job.server] >= limit:
                waiting.append(job)
                continue
            worker = free or self._new()
            worker.job, worker.left = job, {each.name: each for each in job.tenants}
            worker.pipe.send((job.url, job.tenants))

    def _new(self) -> Worker:
        own, theirs = self.start.Pipe()
        arguments = (self.work, theirs, self.over, os.getpid())
        process = self.start.Process(target=serve, args=arguments, daemon=True)
        # A signal that comes before the worker expects it would end it with a traceback.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        theirs.close()
        worker = Worker(process, own)
        self.workers.append(worker)
        return worker

    def _listen(self, waiting: "deque[Job]", seconds: float) -> None:
        # The pipe of a process that has died ends, and can be read from then on.
        pipes: dict[Any, Worker] = {each.pipe: each for each in self.workers}
        for ready in wait(list(pipes), seconds):
            self._hear(pipes[ready], waiting)

    def _hear(self, worker: Worker, waiting: "deque[Job]") -> None:
        ended = False
        try:
            while worker.pipe.poll():
                kind, value = worker.pipe.recv()
                if kind == "begin":
                    worker.current = value
                elif kind == "say":
                    self.told(*value)
                elif kind == "outcome":
                    if worker.left.pop(value.name, None):
                        self.heard(value)
                else:
                    worker.job, worker.current = None, ""
        except (EOFError, OSError):
            ended = True
        if ended:
            worker.process.join()
            self._bury(worker, waiting)

    def _bury(self, worker: Worker, waiting: "deque[Job]") -> None:
        """Give the tenants of a worker that has died to others, whatever it has done to them."""
        self.workers.remove(worker)
        worker.pipe.close()
        if worker.job is None:
            return
        left = list(worker.left.values())
        # One that dies before it has begun with a tenant would die for ever.
        guilty = worker.current or (left[0].name if left else "")
        self.deaths[guilty] += 1
        if self.deaths[guilty] >= DEATHS and guilty in worker.left:
            code = worker.process.exitcode
            reason = f"its worker process has died {DEATHS} times (exit code {code})"
            self.heard(Outcome(guilty, FAILED, None, reason=reason, exit_code=1))
            left = [each for each in left if each.name != guilty]
        elif guilty:
            self.told(guilty, "its worker process has died; another one looks where it is")
        if left:
            waiting.appendleft(Job(worker.job.url, left))

    def _interrupt(self) -> None:
        """End the workers as Ctrl-C does, and hear what they were doing."""
        self.over.set()
        for each in self.workers:
            if each.process.is_alive() and each.process.pid:
                os.kill(each.process.pid, signal.SIGINT)
        nothing: deque[Job] = deque()
        end = time.monotonic() + ENDS
        while any(each.job for each in self.workers) and time.monotonic() < end:
            self._listen(nothing, POLL)
        for each in self.workers:
            if each.current in each.left:
                text = "interrupted"
                code = Interrupted.exit_code
                self.heard(Outcome(each.current, INTERRUPTED, None, reason=text, exit_code=code))

    def _close(self) -> None:
        # A worker does not see that its pipe is closed: those that came later have it open, too.
        self.over.set()
        for each in self.workers:
            each.pipe.close()
        for each in self.workers:
            each.process.join(5)
            if each.process.is_alive():
                each.process.kill()
                each.process.join()


def serve(work: Work, pipe: Connection, over: Any, parent: int) -> None:
    """Do one job after the other, until the pipe ends or the parent has died."""

    def is_over() -> bool:
        return bool(over.is_set()) or os.getppid() != parent

    # They are of this process: the work is a copy since the fork.
    work.say = lambda name, message: pipe.send(("say", (name, message)))
    work.begin = lambda tenant: pipe.send(("begin", tenant.name))
    work.fail = lambda outcome: pipe.send(("outcome", outcome))
    work.is_over = is_over
    try:
        for each in SIGNALS:
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


def _done(work: Work, url: URL, tenants: Sequence[Tenant]) -> Any:
    whole = [each for each in tenants if not each.schema]
    for each in whole:
        if not work.is_over():
            work.begin(each)
            yield ordinary.run(work, each, url)
    if schemas := [each for each in tenants if each.schema]:
        batch = Batch(work, url, schemas)
        try:
            batch.run()
        finally:
            yield from batch.outcomes.values()
