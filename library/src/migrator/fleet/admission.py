"""What has to be so before a fleet deploy changes anything; what is looked at once for all."""

from collections.abc import Sequence
from dataclasses import dataclass

from migrator.config.context import Context
from migrator.config.invocation import command, option
from migrator.deploy import lint_check, rehearsal_check
from migrator.deploy.deployment import Deployment, Options
from migrator.deploy.report import Report
from migrator.errors import RefusedError, counted
from migrator.fleet import plan as plans
from migrator.fleet.outcome import FAILED, Outcome
from migrator.fleet.plan import CURRENT, NEW, UNKNOWN, UNREADABLE, FleetPlan
from migrator.fleet.results import SHOWN, Results
from migrator.fleet.tenant import CANARY, Tenant, at

WHY = {
    UNKNOWN: "it is at {heads}, a revision that this code does not have: newer code was here",
    NEW: "it has no revision: `fleet create` makes a tenant, `alembic stamp` adopts one",
    UNREADABLE: "",
}


@dataclass(frozen=True)
class Admission:
    """Of one deploy."""

    context: Context
    options: Options
    report: Report
    results: Results

    def require_canaries(self, plan: FleetPlan) -> None:
        """Refuse a shard as long as a canary is behind.

        Args:
            plan: that of the canaries.

        Raises:
            RefusedError: one is.
        """
        well = (CURRENT, UNKNOWN) if self.context.settings.allow_ahead else (CURRENT,)
        behind = [each.name for each in plan.tenants if plan.state(each) not in well]
        if behind:
            more = f" and {len(behind) - SHOWN} more" if len(behind) > SHOWN else ""
            raise RefusedError(
                f"The canaries come first, and {', '.join(behind[:SHOWN])}{more} are not at"
                f" {plan.to}, or not verified. Nothing was changed. Run"
                f" {command(self.context, 'fleet-deploy', stage=CANARY)}, which is one job, then"
                " the shards."
            )

    def refuse_what_is_in_the_way(self, plan: FleetPlan) -> None:
        """Count tenants that cannot be deployed to as failed.

        Raises:
            RefusedError: there are more of them than may fail.
        """
        results = self.results
        for each in plan.tenants:
            state, found = plan.state(each), plan.positions[each]
            if state not in WHY or (state == UNKNOWN and self.context.settings.allow_ahead):
                continue  # whether it is ahead of this code, an ordinary deploy finds out
            reason = found.problem or WHY[state].format(heads=", ".join(found.heads or ()))
            at_now = None if found.problem else found.heads or ()
            results.hear(Outcome(each.name, FAILED, at_now, reason=reason, exit_code=1))
        if len(results.failures) > results.limit:
            listed = "; ".join(f"{each.name}: {each.reason}" for each in results.failures[:SHOWN])
            error = RefusedError(
                f"{counted(len(results.failures), 'tenant')} cannot be deployed to ({listed})."
                " Nothing was changed. Correct that; or let the others go on with"
                f" {option('--on-failure continue')}."
            )
            error.data = {"failures": [each.as_dict() for each in results.failures]}
            raise error

    def check(self, plan: FleetPlan, tenants: Sequence[Tenant]) -> None:
        """Lint what these tenants lack, and see whether it was rehearsed.

        Raises:
            RefusedError: there are findings, or there is no rehearsal.
        """
        pending, without = plan.pending(tenants), self.options.without
        first = at(self.context, tenants[0].database(self.context), tenants[0].schema)
        if "lint" in without:
            self.report.skipped("lint", "skipped: --no-lint")
        else:
            lint_check.check(first, pending, self.options.accepted_risk, self.report)
        if self.context.settings.require_rehearsal and "rehearsal" not in without:
            deployment = Deployment(first, self.options, self.report, plan.revisions)
            deployment.plan = plans.as_plan(plan, tenants[0])
            rehearsal_check.check(deployment)
