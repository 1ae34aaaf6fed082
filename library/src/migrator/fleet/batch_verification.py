"""The tenants of a batch after their revisions: verified together, in a few queries."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from migrator.deploy import drift
from migrator.deploy.drift import Drift
from migrator.deploy.verification import smoke
from migrator.errors import MigratorError, one_line
from migrator.fleet import positions, session, verification
from migrator.fleet.outcome import DONE, FAILED, NOTHING, Outcome
from migrator.fleet.positions import Position
from migrator.fleet.tenant import Tenant, path
from migrator.fleet.work import Work
from migrator.postgres import durability


@dataclass
class BatchVerification:
    """Tenants of the database `url`; `outcomes`, by name, are those of them that are done."""

    work: Work
    url: URL
    tenants: Sequence[Tenant]
    outcomes: dict[str, Outcome]

    def run(self) -> None:
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
