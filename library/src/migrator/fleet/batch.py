"""Many tenants with a schema each in one database: applied one by one, verified together."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from migrator.deploy import failure_log, failure_report, violation_check
from migrator.deploy.non_transactional import NonTransactional
from migrator.errors import RefusedError
from migrator.fleet import session, single_tenant
from migrator.fleet.batch_verification import BatchVerification
from migrator.fleet.outcome import DONE, FAILED, NOTHING, Outcome
from migrator.fleet.runner import Changed, TenantRunner
from migrator.fleet.session import Session
from migrator.fleet.single_tenant import Stopped
from migrator.fleet.tenant import Tenant, in_environment
from migrator.fleet.work import TenantReport, Work
from migrator.postgres import limits
from migrator.revisions.pending import Plan


class _Broken(Exception):
    """A revision has failed, and its connection is of no more use."""


@dataclass
class Batch:
    """Some tenants of the database `url`; `outcomes` are those of them that are done, by name."""

    work: Work
    url: URL
    tenants: Sequence[Tenant]
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def run(self) -> None:
        """Deploy to all of them, and verify them; what goes wrong is in the outcomes.

        A tenant whose lock is not granted at once gets an ordinary deploy, after the others.

        Raises:
            Stopped: Ctrl-C or SIGTERM.
        """
        try:
            self._fast()
            for each in self.tenants:
                if each.name not in self.outcomes and not self._is_over():
                    self.work.begin(each)
                    self._keep(single_tenant.run(self.work, each, self.url))
        except Stopped as stopped:
            self.outcomes[stopped.outcome.name] = stopped.outcome
            raise
        BatchVerification(self.work, self.url, self.tenants, self.outcomes).run()

    def _is_over(self) -> bool:
        """Tell whether no further tenant may be begun; the parent hears of a failure too late."""
        failed = sum(each.state == FAILED for each in self.outcomes.values())
        return failed > self.work.limit or self.work.is_over()

    def _keep(self, outcome: Outcome) -> None:
        self.outcomes[outcome.name] = outcome
        if outcome.state == FAILED:
            self.work.fail(outcome)

    def _fast(self) -> None:
        """Serve all of them on one connection, but for those that need more."""
        left = list(self.tenants)
        while left and not self._is_over():
            own = self.work.context_of(left[0], self.url)
            try:
                self.work.read_what_is_added(left)
                with in_environment(own.target.url), session.connected(own) as connection:
                    extra, work = self.work.fleet.extra_path, self.work
                    session.inside(
                        own, work.revisions, connection, extra, lambda made: self._each(made, left)
                    )
            except _Broken:
                continue  # on a new connection
            except Exception:  # env.py is somebody's Python
                return  # an ordinary deploy retries, and says what is wrong

    def _each(self, made: Session, left: list[Tenant]) -> None:
        current: list[TenantRunner] = []
        settings = self.work.context.settings
        outside = NonTransactional(
            made.connection,
            settings,
            TenantReport(lambda _: None),
            lambda: current[-1].current.left(settings),
        )
        while left and not self._is_over():
            tenant = left.pop(0)
            self.work.begin(tenant)
            if made.enter(tenant.schema):  # else another deploy has it
                self._one(made, tenant, outside, current)
        made.leave()

    def _one(
        self,
        made: Session,
        tenant: Tenant,
        outside: NonTransactional,
        current: list[TenantRunner],
        heads: tuple[str, ...] | None = None,
    ) -> None:
        """Apply what one tenant lacks, unless it needs an ordinary deploy.

        Args:
            heads: where it is, if that is not as planned.

        Raises:
            _Broken: a revision has failed.
            Stopped: Ctrl-C or SIGTERM.
        """
        work, planned = self.work, heads is None
        heads = work.plan.positions[tenant].heads or () if heads is None else heads
        way = work.plan.way(heads)
        if way is None:
            return
        if not way.pending:
            self.outcomes[tenant.name] = Outcome(tenant.name, NOTHING, heads)
            return
        deployment = work.deployment(tenant, self.url)
        deployment.plan = Plan(heads, way.target, way.pending)
        deployment.later, deployment.to = way.later, way.target
        runner = TenantRunner(deployment, work.log, made, tenant.schema, outside)
        runner.log_is_complete = work.plan.positions[tenant].logged
        current[:] = [runner]
        began = time.monotonic()
        try:
            self._refuse_rows(made.connection, way.heads)
            runner.run()
        except Changed as changed:
            made.connection.rollback()
            if planned:
                self._one(made, tenant, outside, current, changed.heads)
        except RefusedError as error:
            failure_log.write(deployment, "rows", error)
            self._keep(single_tenant.failed(tenant, error, deployment, time.monotonic() - began))
        except (Exception, KeyboardInterrupt) as error:
            locked = isinstance(error, DBAPIError) and limits.is_lock_timeout(error)
            made.connection.invalidate()  # before the database is asked
            if locked and not outside.committed:
                raise _Broken from None
            deployment.failed, deployment.applied = runner.current, runner.applied
            names = [each.revision for each in runner.applied]
            failure_log.write(deployment, "apply", error)
            seconds = time.monotonic() - began
            rows = failure_report.violations(deployment, error, runner.current.revision)
            outcome = single_tenant.failed(tenant, error, deployment, seconds, names, rows)
            if isinstance(error, KeyboardInterrupt):
                raise Stopped(outcome) from None
            self._keep(outcome)
            raise _Broken from None
        else:
            self.outcomes[tenant.name] = Outcome(
                tenant.name,
                DONE,
                (way.target,),
                tuple(each.revision for each in runner.applied),
                time.monotonic() - began,
                tries=sum(each.count for each in runner.applied),
            )

    def _refuse_rows(self, connection: Connection, heads: tuple[str, ...]) -> None:
        """Refuse to begin where rows of the tenant are certain to stop it.

        Raises:
            RefusedError: they are.
        """
        steps = self.work.added.get(heads)
        if steps and (found := violation_check.violated(connection, steps)):
            raise violation_check.refused(found)
