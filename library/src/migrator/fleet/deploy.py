"""A deploy to a fleet: the shared tables, the plan of all tenants, then stage after stage."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from alembic.script import ScriptDirectory

from migrator import database
from migrator.config import histories
from migrator.config.context import Context
from migrator.config.invocation import command
from migrator.database import version_schema
from migrator.deploy import deploy, steps, window
from migrator.deploy.deployment import Deployment, Options
from migrator.deploy.report import Report
from migrator.errors import RefusedError, counted
from migrator.fleet import inventory, positions
from migrator.fleet import plan as plans
from migrator.fleet.admission import Admission
from migrator.fleet.backups import Backups
from migrator.fleet.plan import BEHIND, OF_STATES, UNKNOWN, UNVERIFIED, FleetPlan
from migrator.fleet.results import Results
from migrator.fleet.selection import Selection
from migrator.fleet.settings import FleetSettings
from migrator.fleet.stage import Stage
from migrator.fleet.tenant import CANARY, Tenant
from migrator.fleet.verification import Reference
from migrator.fleet.work import Work
from migrator.revisions import description, graph, pending

ROUNDS = 3  # looks at the inventory, in which new tenants may have appeared


@dataclass
class FleetDeploy:
    """One deploy."""

    context: Context
    fleet: FleetSettings
    options: Options
    selection: Selection
    report: Report
    plan: FleetPlan = field(init=False)
    results: Results = field(init=False)
    backups: Backups = field(init=False)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """Begin with no result and no backup."""
        self.results = Results(self.context, self.fleet, self.report)
        self.backups = Backups(self.context, self.fleet, self.options, self.report)

    def run(self) -> None:
        """Deploy to all of them.

        Raises:
            MigratorError: tenants have failed, or something forbids to begin; the message says
                where they are.
        """
        window.check("" if self.options.now else self.context.settings.window)
        if first := histories.shared(self.context):
            self._shared(first)
        revisions = graph.load(self.context)
        seen: set[str] = set()
        for number in range(ROUNDS):
            every = inventory.read(self.context, self.fleet)
            chosen = [each for each in self.selection.of(every) if each.name not in seen]
            if number and not chosen:
                break
            if number:
                came = counted(len(chosen), "tenant")
                self.report.warn("plan", f"{came} came in meanwhile, and go next.")
            seen |= {each.name for each in chosen}
            self._round(revisions, every, chosen)
        if self.results.failures:
            raise self.results.failed()
        self.backups.prune()
        self._say_end()

    def _shared(self, context: Context) -> None:
        """Deploy the shared tables, which tenants may refer to, like any other database.

        Raises:
            RefusedError: this is one shard of many, and they are not deployed yet.
        """
        # smoke_sql is about the tables of a tenant.
        context = replace(context, settings=replace(context.settings, smoke_sql=""))
        with histories.used(context):
            with database.connect(context) as connection:
                version_schema.make(connection)
                found = pending.make(context, connection)
            if found.pending and self.selection.shard:
                raise RefusedError(
                    "The shared tables come first, and revisions of theirs are pending. Nothing was"
                    f" changed. Run {command(self.context, 'fleet-deploy', stage=CANARY)}, which is"
                    " one job, then the shards."
                )
            deployment = Deployment(context, replace(self.options, to="head"), self.report)
            self.report.done("shared", "the shared tables:")
            backs_up = self.fleet.backup
            steps.run([s for s in deploy.STEPS if backs_up or s.name != "backup"], deployment)
        if deployment.backup:
            self.backups.taken[self.context.target.url] = None  # the steps have removed older ones

    def _round(
        self, revisions: ScriptDirectory, every: Sequence[Tenant], chosen: Sequence[Tenant]
    ) -> None:
        """Deploy to the tenants that were chosen of `every` one in the inventory."""
        admission = Admission(self.context, self.options, self.report, self.results)
        self.plan = self._planned(revisions, chosen)
        self._say_plan()
        if self.selection.shard and self.selection.stage != CANARY:
            canaries = [each for each in every if each.stage == CANARY]
            admission.require_canaries(self._planned(revisions, canaries))
        admission.refuse_what_is_in_the_way(self.plan)
        todo = [each for each in self.plan.tenants if self.plan.state(each) == BEHIND]
        if todo:
            admission.check(self.plan, todo)
        reference = Reference.of(self.context, self.plan.to)
        if reference.why_not and todo:
            self.report.warn("verify", f"drift is not looked for: {reference.why_not}")
        if saved := self._to_back_up(every, todo):
            self.backups.take(saved, self.plan.to)
        work = Work(self.context, self.fleet, self.plan, self.options, reference)
        open_ones = {BEHIND, UNVERIFIED}
        if self.context.settings.allow_ahead:
            open_ones.add(UNKNOWN)
        for name, tenants in self.plan.stages:
            left = [each for each in tenants if self.plan.state(each) in open_ones]
            if left:
                Stage(work, self.results, self.report, name, left).run()

    def _planned(self, revisions: ScriptDirectory, tenants: Sequence[Tenant]) -> FleetPlan:
        found = positions.read(self.context, self.fleet, tenants)
        return plans.make(revisions, found, self.options.to, self.options.phase)

    def _to_back_up(self, every: Sequence[Tenant], todo: Sequence[Tenant]) -> Sequence[Tenant]:
        """Return the tenants whose databases to back up: with the canaries, those of all.

        What comes after them may be many jobs, which would each make a backup of the same database.
        """
        if self.selection.stage != CANARY or self.selection.shard:
            return todo
        found = self._planned(self.plan.revisions, every)
        return [each for each in every if found.state(each) == BEHIND]

    def _say_plan(self) -> None:
        found = self.plan.counted()
        parts = [f"{found[state]} {OF_STATES[state]}" for state in OF_STATES if found[state]]
        pending = self.plan.pending(self.plan.tenants)
        self.report.done(
            "plan",
            f"{counted(sum(found.values()), 'tenant')}, target {self.plan.to}:"
            f" {', '.join(parts) or 'none'}{self._later}",
            target=self.plan.to,
            states={state: found[state] for state in OF_STATES if found[state]},
            pending=[description.as_dict(each) for each in pending],
        )
        if not self.report.as_json:
            for script in pending:
                self.report.done("", f"  {description.line(script)}")

    def _say_end(self) -> None:
        deployed, tenants = self.results.deployed, self.plan.tenants
        seconds = time.monotonic() - self.began
        said = f"{counted(deployed, 'tenant')} deployed to" if deployed else "Nothing to do"
        if where := self.results.where(self.plan, tenants):
            where = f": {counted(len(tenants), 'tenant')}{where}"
        self.report.done(
            "done",
            f"{said}{where}, {seconds:.1f} s{self._later}.",
            deployed=deployed,
            seconds=round(seconds, 3),
        )

    @property
    def _later(self) -> str:
        """What the plan leaves for another deploy, if anything."""
        return deploy.LATER if self.plan.later else ""


def run(
    context: Context, options: Options, selection: Selection, report: Report, **changed: Any
) -> None:
    """Deploy to the fleet of `context`.

    Args:
        changed: settings of [fleet] that the command line gives.

    Raises:
        MigratorError: see `FleetDeploy.run`.
    """
    given = {name: value for name, value in changed.items() if value is not None}
    fleet = replace(FleetSettings.of(context), **given)
    FleetDeploy(context, fleet, options, selection, report).run()
