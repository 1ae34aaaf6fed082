"""Many tenants with a schema each in one database: applied one by one, verified together."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from migrator.deploy import drift, failure_log, failure_report, violation_check
from migrator.deploy.drift import Drift
from migrator.deploy.non_transactional import NonTransactional
from migrator.deploy.verification import smoke
from migrator.errors import MigratorError, RefusedError, one_line
from migrator.fleet import positions, session, single_tenant, verification
from migrator.fleet.outcome import DONE, FAILED, NOTHING, Outcome
from migrator.fleet.positions import Position
from migrator.fleet.runner import Changed, TenantRunner
from migrator.fleet.session import Session
from migrator.fleet.single_tenant import Stopped
from migrator.fleet.tenant import Tenant, in_environment, path
from migrator.fleet.work import TenantReport, Work
from migrator.postgres import durability, limits
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
        self._verify()

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

    def _verify(self) -> None:
        """Compare those that succeeded with what the revisions build, and write that down."""
        done = [
            each
            for each in self.tenants
            if (found := self.outcomes.get(each.name)) and found.state in (DONE, NOTHING)
        ]
        if not done:
            return
        try:
            with session.connected(self.work.context_of(done[0], self.url)) as connection:
                self._compare(connection, done)
        except (MigratorError, SQLAlchemyError) as error:
            reason = f"not verified: {getattr(error, 'reason', '') or one_line(error)}"
            for each in done:
                self._spoil(each, reason)

    def _compare(self, connection: Connection, done: Sequence[Tenant]) -> None:
        patience = self.work.context.settings.standby_timeout
        if why := durability.unconfirmed(connection, patience):
            for each in done:
                self._spoil(each, f"not verified: {why}")
            return
        at_now = dict(positions.of_schemas(connection, [each.schema for each in done]))
        reference = self.work.reference
        # With --to and --phase, a tenant may be where there is nothing to compare it with.
        known = (reference.recorded.revision,) if reference.recorded else None
        names = [each.schema for each in done if at_now[each.schema].heads == known]
        found = verification.compare(connection, reference, names) if names else {}
        good = []
        for each in done:
            compared = found.get(each.schema, Drift())
            if wrong := self._misses(each, at_now[each.schema]):
                self._spoil(each, wrong)
            elif differences := drift.sentences(compared.wrong):
                self._spoil(each, f"drift: {'; '.join(differences)}")
            elif wrong := self._smoke(connection, each):
                self._spoil(each, wrong)
            else:
                good.append(each.schema)
            for other in compared.by_hand:
                self.work.say(each.name, f"drift, made by hand: {drift.in_words(other)}")
        if self.work.logs:
            verification.settle(connection, good)

    def _smoke(self, connection: Connection, tenant: Tenant) -> str:
        """Return what smoke_sql says is wrong, in the tenant's schema."""
        statement = self.work.context.settings.smoke_sql
        if not statement:
            return ""
        search_path = path(tenant.schema, self.work.fleet.extra_path)
        setting = f"SET LOCAL search_path = {search_path}"
        connection.exec_driver_sql(setting, execution_options={"no_parameters": True})
        return "; ".join(smoke(connection, statement))

    def _misses(self, tenant: Tenant, now: Position) -> str:
        """Return why a tenant is not where its revisions lead, although none has failed."""
        at = self.outcomes[tenant.name].at
        if now.problem or set(now.heads or ()) == set(at or ()):
            return now.problem
        return (
            f"it is at {', '.join(now.heads or ()) or 'base'} instead of {', '.join(at or ())},"
            " without an error; look at the revisions after it for a commit or rollback of their"
            " own"
        )

    def _spoil(self, tenant: Tenant, reason: str) -> None:
        before = self.outcomes[tenant.name]
        self.outcomes[tenant.name] = replace(before, state=FAILED, reason=reason, exit_code=1)
