"""What all workers of a fleet deploy share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy.engine import URL

from migrator.config.context import Context
from migrator.deploy import violation_check
from migrator.deploy.deployment import Deployment, Options
from migrator.deploy.planned_constraints import Step
from migrator.deploy.report import Report
from migrator.fleet.outcome import Outcome
from migrator.fleet.plan import FleetPlan
from migrator.fleet.settings import FleetSettings
from migrator.fleet.tenant import Tenant, at
from migrator.fleet.verification import Reference
from migrator.revisions.log import Log


@dataclass
class Work:
    """What is to be done, the same for all of them.

    `limit` is how many tenants may fail. `say` passes on what a person has to know about a tenant,
    `begin` which one is next, `fail` at once that one has failed, and `is_over` tells whether no
    further one may be begun. `added` is what the revisions after some heads add to the rows there.
    """

    context: Context
    fleet: FleetSettings
    plan: FleetPlan
    options: Options
    reference: Reference
    say: Callable[[str, str], None] = lambda name, message: None
    limit: float = 0
    begin: Callable[[Tenant], None] = lambda tenant: None
    fail: Callable[[Outcome], None] = lambda outcome: None
    is_over: Callable[[], bool] = lambda: False
    log: Log = field(init=False)
    added: dict[tuple[str, ...], Sequence[Step]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Find out once who deploys, and with which code."""
        self.log = Log(self.options.accepted_risk, ())

    @property
    def revisions(self) -> ScriptDirectory:
        """The revision files, which are read once."""
        return self.plan.revisions

    @property
    def logs(self) -> bool:
        """Whether the migration logs are written."""
        return "log" not in self.options.without

    def read_what_is_added(self, tenants: Sequence[Tenant]) -> None:
        """Read once for all tenants that lack the same revisions what these add to rows."""
        if "rows" in self.options.without:
            return
        for each in tenants:
            way = self.plan.way(self.plan.positions[each].heads or ())
            if way and way.heads not in self.added:
                own = self.context_of(each, each.database(self.context))
                steps = violation_check.first_steps(own, self.revisions, way.pending)
                self.added[way.heads] = steps

    def context_of(self, tenant: Tenant, url: URL) -> Context:
        """Return the context of an ordinary deploy to this tenant, whose database is `url`."""
        return at(self.context, url, tenant.schema, self.fleet.extra_path)

    def deployment(self, tenant: Tenant, url: URL) -> Deployment:
        """Return one deploy to one tenant."""
        report = TenantReport(lambda message: self.say(tenant.name, message))
        return Deployment(self.context_of(tenant, url), self.options, report, self.revisions)


class TenantReport(Report):
    """Passes on whom a deploy waits for and what it warns of, and keeps the rest to itself."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say

    def progress(self, step: str, message: str) -> None:
        """Say nothing: there is one progress for all tenants."""

    def _tell(self, status: str, step: str, message: str, data: dict[str, Any]) -> None:
        if status in ("waiting", "warning"):
            self._say(message)
