"""One stage of a fleet deploy: its tenants in batches, given to the workers, with the progress."""

import time
from collections.abc import Sequence

from migrator.deploy.report import Report
from migrator.errors import counted
from migrator.fleet import job
from migrator.fleet.pool import Pool
from migrator.fleet.results import Results
from migrator.fleet.tenant import CANARY, Tenant
from migrator.fleet.work import Work

PROGRESS = 5.0  # seconds between two lines


class Stage:
    """The stage `name`, which is empty if the inventory has none."""

    def __init__(
        self, work: Work, results: Results, report: Report, name: str, tenants: Sequence[Tenant]
    ) -> None:
        self.work, self.results, self.report = work, results, report
        self.name, self.tenants = name, tenants
        self.before, self.failed_before = len(results.outcomes), len(results.failures)
        self.began = self.said = time.monotonic()

    def run(self) -> None:
        """Deploy to its tenants.

        Raises:
            MigratorError: too many have failed, so that the next stages do not begin.
        """
        results, plan = self.results, self.work.plan
        # The failures that were there before do not stop this stage.
        allowed = max(results.limit, self.failed_before)
        self.work.limit = allowed - self.failed_before
        pool = Pool(
            self.work,
            results.hear,
            lambda tenant, message: self.report.waiting("deploy", f"{tenant}: {message}"),
            self._tick,
            lambda: len(results.failures) <= allowed,
        )
        try:
            pool.run(list(job.jobs(self.work.context, self.tenants, self.work.fleet.workers)))
        except KeyboardInterrupt:
            raise results.interrupted(plan) from None
        new = len(results.failures) - self.failed_before
        done = len(results.outcomes) - self.before - new
        self.report.done(
            "deploy",
            f"{f'stage {self.name}' if self.name else 'all'}: {done} of"
            f" {counted(len(self.tenants), 'tenant')}{results.where(plan, self.tenants)} in"
            f" {time.monotonic() - self.began:.1f} s" + (f", {new} failed" if new else ""),
            stage=self.name or None,
            done=done,
            failed=new,
        )
        if new and self.name == CANARY:
            raise results.stopped("Stopped, because a canary has failed", plan)
        if len(results.failures) > allowed:
            raise results.stopped("Stopped, because tenants have failed", plan)

    def _tick(self) -> None:
        now = time.monotonic()
        if now - self.said < PROGRESS:
            return
        self.said = now
        done = len(self.results.outcomes) - self.before
        left = (now - self.began) / done * (len(self.tenants) - done) if done else 0
        failures = len(self.results.failures)
        more = f", {failures} failed" if failures else ""
        about = f", about {left:.0f} s left" if done else ""
        self.report.progress("deploy", f"{done} of {len(self.tenants)} tenants{more}{about}")
