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

from migrator.config.ending import SIGNALS
from migrator.errors import Interrupted
from migrator.fleet.job import Job
from migrator.fleet.outcome import FAILED, INTERRUPTED, Outcome
from migrator.fleet.tenant import Tenant
from migrator.fleet.work import Work
from migrator.fleet.worker import serve

DEATHS = 2  # workers that may die with the same tenant
POLL = 0.5  # seconds between two looks at the clock
ENDS = 30.0  # seconds for a worker to end after Ctrl-C

Heard = Callable[[Outcome], None]


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
        # Without a lock, which a worker that is killed would keep for ever.
        self.over = self.start.RawValue("b", 0)
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
                    self.over.value = 1
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
        self.over.value = 1
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
        self.over.value = 1
        for each in self.workers:
            each.pipe.close()
        for each in self.workers:
            each.process.join(5)
            if each.process.is_alive():
                each.process.kill()
                each.process.join()
