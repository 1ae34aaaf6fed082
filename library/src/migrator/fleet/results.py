"""What has become of the tenants so far, and what an error says of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from migrator.config.context import Context
from migrator.config.invocation import command
from migrator.deploy import violation
from migrator.deploy.report import Report
from migrator.errors import Interrupted, LockTimeout, MigratorError, counted
from migrator.fleet.outcome import DONE, FAILED, INTERRUPTED, NOTHING, Outcome
from migrator.fleet.plan import BEHIND, FleetPlan
from migrator.fleet.settings import CONTINUE, FleetSettings
from migrator.fleet.tenant import Tenant

SHOWN = 10  # failures in a message


@dataclass
class Results:
    """The outcomes by the tenants' names; each failure is said at once."""

    context: Context
    fleet: FleetSettings
    report: Report
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    @property
    def failures(self) -> list[Outcome]:
        """The tenants that have not got what they should."""
        return [each for each in self.outcomes.values() if each.state in (FAILED, INTERRUPTED)]

    @property
    def deployed(self) -> int:
        """The number of tenants that were deployed to."""
        return sum(each.state == DONE for each in self.outcomes.values())

    @property
    def limit(self) -> float:
        """How many may fail before the deploy stops."""
        unlimited = self.fleet.on_failure == CONTINUE and not self.fleet.max_failures
        return float("inf") if unlimited else self.fleet.max_failures

    def hear(self, outcome: Outcome) -> None:
        """Keep what has become of a tenant."""
        self.outcomes[outcome.name] = outcome
        if outcome.state in (FAILED, INTERRUPTED):
            where = "" if outcome.at is None else f", it is at {', '.join(outcome.at) or 'base'}"
            self.report.warn(
                "deploy",
                f"{outcome.name} {outcome.state}{where}: {outcome.reason}",
                tenant=outcome.as_dict(),
            )

    def where(self, plan: FleetPlan, tenants: Sequence[Tenant]) -> str:
        """Return where these are, but for those that failed; some may be further than --to."""
        found = [(self.outcomes.get(each.name), plan.positions[each]) for each in tenants]
        reached = {
            outcome.at if outcome else position.heads
            for outcome, position in found
            if outcome is None or outcome.state in (DONE, NOTHING)
        }
        return f" at {plan.to}" if reached <= {(plan.to,)} else ""

    def stopped(self, why: str, plan: FleetPlan) -> MigratorError:
        """Return the error of a deploy that has not come to the end."""
        untried = [
            each.name
            for each in plan.tenants
            if each.name not in self.outcomes and plan.state(each) == BEHIND
        ]
        found = MigratorError(
            f"{why}: tenants deployed to: {self.deployed}, failed: {len(self.failures)}, not"
            f" tried: {len(untried)}. What is done stays; running it again does the rest."
        )
        self._complete(found)
        return found

    def interrupted(self, plan: FleetPlan) -> MigratorError:
        """Return the error of a deploy that was interrupted."""
        found = self.stopped("Interrupted", plan)
        found.exit_code = Interrupted.exit_code
        return found

    def failed(self) -> MigratorError:
        """Return the error of a deploy that has come to the end, with failures."""
        found = MigratorError(
            f"{counted(len(self.failures), 'tenant')} failed, {self.deployed} deployed to. What is"
            " done stays; running it again does the rest."
        )
        self._complete(found)
        return found

    def _complete(self, found: MigratorError) -> None:
        """Add the failures to an error, and the command to go on."""
        if {each.exit_code for each in self.failures} == {LockTimeout.exit_code}:
            found.exit_code = LockTimeout.exit_code
        details = []
        for each in self.failures[:SHOWN]:
            details += [(each.name, each.reason), *violation.details(each.violations)]
        if len(self.failures) > SHOWN:
            details.append(("and", f"{len(self.failures) - SHOWN} more: fleet status lists them"))
        again = command(self.context, "fleet-deploy")
        if len(self.failures) == 1:
            again = command(self.context, "fleet-deploy", only=self.failures[0].name)
        found.details = (*details, ("to go on", again))
        found.data = {"failures": [each.as_dict() for each in self.failures], "to_go_on": again}
