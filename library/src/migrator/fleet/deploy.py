"""A deploy to a fleet: plan all, then stage after stage, canaries first."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sqlalchemy.engine import URL

from migrator import database
from migrator.config import histories
from migrator.config.context import Context
from migrator.config.invocation import command
from migrator.database import version_schema
from migrator.deploy import deploy, lint_check, rehearsal_check, steps, window
from migrator.deploy.deployment import Deployment, Options
from migrator.deploy.report import Report
from migrator.errors import Interrupted, LockTimeout, MigratorError, RefusedError, counted
from migrator.fleet import inventory, positions
from migrator.fleet import plan as plans
from migrator.fleet.inventory import Shard
from migrator.fleet.outcome import DONE, FAILED, INTERRUPTED, NOTHING, Outcome
from migrator.fleet.plan import BEHIND, CURRENT, NEW, OF_STATES, UNKNOWN, UNREADABLE, UNVERIFIED
from migrator.fleet.pool import BATCH, SHARES, Job, Pool
from migrator.fleet.settings import CONTINUE, FleetSettings
from migrator.fleet.tenant import CANARY, Tenant, at
from migrator.fleet.verification import Reference
from migrator.fleet.work import Work
from migrator.revisions import graph, pending

PROGRESS = 5.0  # seconds between two lines
SHOWN = 10  # failures in the message at the end
ROUNDS = 3  # looks at the inventory, in which new tenants may have appeared
IN_THE_WAY = (UNKNOWN, NEW, UNREADABLE)


@dataclass(frozen=True)
class Selection:
    """Which tenants: those of these names, of this stage, of this shard; by default all."""

    names: Sequence[str] = ()
    stage: str | None = None
    shard: Shard | None = None

    def of(self, tenants: Sequence[Tenant]) -> list[Tenant]:
        """Return them.

        Raises:
            UsageError: there is no tenant of a name, or no such stage.
        """
        inventory.require(tenants, self.names, self.stage)
        return [
            each
            for each in tenants
            if (not self.names or each.name in self.names)
            and (self.stage is None or each.stage == self.stage)
            and (self.shard is None or self.shard.has(each))
        ]


@dataclass
class FleetDeploy:
    """One deploy, and what has become of the tenants so far."""

    context: Context
    fleet: FleetSettings
    options: Options
    selection: Selection
    report: Report
    plan: plans.FleetPlan = field(init=False)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    total: int = 0
    said: float = 0.0
    backed_up: dict[URL, Callable[[], None] | None] = field(default_factory=dict)

    @property
    def failures(self) -> list[Outcome]:
        """The tenants that have not got what they should."""
        return [each for each in self.outcomes.values() if each.state in (FAILED, INTERRUPTED)]

    @property
    def limit(self) -> float:
        """How many of them there may be before it stops."""
        unlimited = self.fleet.on_failure == CONTINUE and not self.fleet.max_failures
        return float("inf") if unlimited else self.fleet.max_failures

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
                self.report.warn(
                    "plan", f"{counted(len(chosen), 'tenant')} came in meanwhile, and go next."
                )
            seen |= {each.name for each in chosen}
            self._round(revisions, every, chosen)
        self._end()

    def _shared(self, context: Context) -> None:
        """Deploy the shared tables, which tenants may refer to, like any other database.

        Raises:
            RefusedError: this is one shard of many, and they are not deployed yet.
        """
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
            options = replace(self.options, to="head")
            deployment = Deployment(context, options, self.report)
            self.report.done("shared", "the shared tables:")
            steps.run(deploy.STEPS, deployment)
        if deployment.backup:
            self.backed_up[self.context.target.url] = None  # the steps have removed older ones

    def _round(self, revisions: Any, every: Sequence[Tenant], chosen: Sequence[Tenant]) -> None:
        context, options = self.context, self.options
        found = positions.read(context, self.fleet, chosen)
        self.plan = plans.make(revisions, found, options.to, options.phase)
        self._say_plan()
        if self.selection.shard:
            self._require_canaries(every)
        self._refuse_what_is_in_the_way()
        todo = [each for each in self.plan.tenants if self.plan.state(each) == BEHIND]
        if todo:
            self._check(todo)
        reference = Reference.of(context, self.plan.to)
        work = Work(context, self.fleet, self.plan, options, reference)
        if reference.why_not and todo:
            self.report.warn("verify", f"drift is not looked for: {reference.why_not}")
        if saved := self._to_back_up(every, todo):
            self._back_up(saved)
        for name, tenants in self.plan.stages:
            left = [each for each in tenants if self.plan.state(each) in (BEHIND, UNVERIFIED)]
            if left:
                self._stage(work, name, left)

    def _say_plan(self) -> None:
        found = self.plan.counted()
        parts = [f"{found[state]} {OF_STATES[state]}" for state in OF_STATES if found[state]]
        pending = self.plan.pending(self.plan.tenants)
        self.report.done(
            "plan",
            f"{counted(sum(found.values()), 'tenant')}, target {self.plan.to}:"
            f" {', '.join(parts) or 'none'}{self._left()}",
            target=self.plan.to,
            states={state: found[state] for state in OF_STATES if found[state]},
            pending=[graph.as_dict(each) for each in pending],
        )
        if not self.report.as_json:
            for script in pending:
                self.report.done("", f"  {graph.describe(script)}")

    def _require_canaries(self, every: Sequence[Tenant]) -> None:
        canaries = [each for each in every if each.stage == CANARY]
        if self.selection.stage == CANARY or not canaries:
            return
        found = plans.make(
            self.plan.revisions,
            positions.read(self.context, self.fleet, canaries),
            self.options.to,
            self.options.phase,
        )
        behind = [each.name for each in canaries if found.state(each) != CURRENT]
        if behind:
            raise RefusedError(
                f"The canaries come first, and {_names(behind)} are not at {self.plan.to}, or not"
                " verified. Nothing was changed. Run"
                f" {command(self.context, 'fleet-deploy', stage=CANARY)}, which is one job, then"
                " the shards."
            )

    def _refuse_what_is_in_the_way(self) -> None:
        """Count tenants that cannot be deployed to as failed.

        Raises:
            RefusedError: there are more of them than may fail.
        """
        for each in self.plan.tenants:
            state, found = self.plan.state(each), self.plan.positions[each]
            if state not in IN_THE_WAY:
                continue
            reason = found.problem or _WHY[state].format(heads=", ".join(found.heads or ()))
            at_now = None if found.problem else found.heads or ()
            self._hear(Outcome(each.name, FAILED, at_now, reason=reason, exit_code=1))
        if len(self.failures) > self.limit:
            listed = "; ".join(f"{each.name}: {each.reason}" for each in self.failures[:SHOWN])
            error = RefusedError(
                f"{counted(len(self.failures), 'tenant')} cannot be deployed to ({listed})."
                " Nothing was changed. Correct that; or let the others go on with"
                " --on-failure continue."
            )
            error.data = {"failures": [each.as_dict() for each in self.failures]}
            raise error

    def _check(self, todo: Sequence[Tenant]) -> None:
        """Do once what a deploy to one database does each time."""
        pending, without = self.plan.pending(todo), self.options.without
        first = at(self.context, todo[0].database(self.context), todo[0].schema)
        if "lint" in without:
            self.report.skipped("lint", "skipped: --no-lint")
        else:
            lint_check.check(first, pending, self.options.accepted_risk, self.report)
        if self.context.settings.require_rehearsal and "rehearsal" not in without:
            deployment = Deployment(first, self.options, self.report, self.plan.revisions)
            deployment.plan = plans.as_plan(self.plan, todo[0])
            rehearsal_check.check(deployment)

    def _to_back_up(self, every: Sequence[Tenant], todo: Sequence[Tenant]) -> Sequence[Tenant]:
        """Return the tenants whose databases to back up: with the canaries, those of all.

        What comes after them may be many jobs, which would each make a backup of the same database.
        """
        if self.selection.stage != CANARY or self.selection.shard:
            return todo
        found = plans.make(
            self.plan.revisions,
            positions.read(self.context, self.fleet, every),
            self.options.to,
            self.options.phase,
        )
        return [each for each in every if found.state(each) == BEHIND]

    def _back_up(self, todo: Sequence[Tenant]) -> None:
        """Back up each database that tenants share; a tenant's own is backed up by its deploy."""
        if "backup" in self.options.without:
            self.report.skipped("backup", "skipped: --no-backup")
            return
        if not self.fleet.backup or not self.context.settings.backup:
            self.report.skipped("backup", "left to the operator: backup = false")
            return
        from migrator import backup

        urls = dict.fromkeys(each.database(self.context) for each in todo if each.schema)
        for url in urls:
            if url in self.backed_up:
                continue
            own = at(self.context, url)
            saved = backup.take(own, self.plan.to)
            self.backed_up[url] = partial(backup.prune, saved, own)
            self.report.done(
                "backup",
                f"{saved.path}, {saved.size:,} bytes, {saved.tables} tables, read back in"
                f" {saved.seconds:.1f} s",
                path=saved.path,
                size=saved.size,
            )

    def _stage(self, work: Work, name: str, tenants: Sequence[Tenant]) -> None:
        """Deploy to the tenants of one stage.

        Raises:
            MigratorError: too many have failed, so that the next stages do not begin.
        """
        began, before = time.monotonic(), len(self.outcomes)
        self.total, self.said = before + len(tenants), began
        failed = len(self.failures)
        jobs = list(_jobs(self.context, tenants, work.fleet.workers))
        # The failures that were there before do not stop this stage.
        allowed = max(self.limit, failed)
        work.limit = allowed - failed
        pool = Pool(
            work,
            self._hear,
            lambda tenant, message: self.report.waiting("deploy", f"{tenant}: {message}"),
            lambda: self._tick(began, before),
            lambda: len(self.failures) <= allowed,
        )
        try:
            pool.run(jobs)
        except KeyboardInterrupt:
            raise self._stopped("Interrupted") from None
        new = len(self.failures) - failed
        done = len(self.outcomes) - before - new
        self.report.done(
            "deploy",
            f"{f'stage {name}' if name else 'all'}: {done} of {counted(len(tenants), 'tenant')}"
            f"{self._where(tenants)} in {time.monotonic() - began:.1f} s"
            + (f", {new} failed" if new else ""),
            stage=name or None,
            done=done,
            failed=new,
        )
        if len(self.failures) > allowed or (new and name == CANARY):
            raise self._stopped("Stopped, because a canary has failed" if name == CANARY else
                                "Stopped, because tenants have failed")  # fmt: skip

    def _hear(self, outcome: Outcome) -> None:
        self.outcomes[outcome.name] = outcome
        if outcome.state in (FAILED, INTERRUPTED):
            where = "" if outcome.at is None else f", it is at {', '.join(outcome.at) or 'base'}"
            self.report.warn(
                "deploy",
                f"{outcome.name} {outcome.state}{where}: {outcome.reason}",
                tenant=outcome.as_dict(),
            )

    def _tick(self, began: float, before: int) -> None:
        now = time.monotonic()
        if now - self.said < PROGRESS:
            return
        self.said = now
        done = len(self.outcomes) - before
        left = (now - began) / done * (self.total - before - done) if done else 0
        more = f", {len(self.failures)} failed" if self.failures else ""
        about = f", about {left:.0f} s left" if done else ""
        self.report.progress("deploy", f"{done} of {self.total - before} tenants{more}{about}")

    def _stopped(self, why: str) -> MigratorError:
        applied = sum(each.state == DONE for each in self.outcomes.values())
        untried = [
            each.name
            for each in self.plan.tenants
            if each.name not in self.outcomes and self.plan.state(each) == BEHIND
        ]
        found = MigratorError(
            f"{why}: tenants deployed to: {applied}, failed: {len(self.failures)}, not tried:"
            f" {len(untried)}. What is done stays; running it again does the rest."
        )
        self._complete(found)
        if why == "Interrupted":
            found.exit_code = Interrupted.exit_code
        return found

    def _end(self) -> None:
        applied = sum(each.state == DONE for each in self.outcomes.values())
        if self.failures:
            found = MigratorError(
                f"{counted(len(self.failures), 'tenant')} failed, {applied} deployed to. What is"
                " done stays; running it again does the rest."
            )
            self._complete(found)
            raise found
        for prune in filter(None, self.backed_up.values()):
            prune()  # as after any deploy that was verified
        seconds = time.monotonic() - self.began
        said = f"{counted(applied, 'tenant')} deployed to" if applied else "Nothing to do"
        if where := self._where(self.plan.tenants):
            where = f": {counted(len(self.plan.tenants), 'tenant')}{where}"
        self.report.done(
            "done",
            f"{said}{where}, {seconds:.1f} s{self._left()}.",
            deployed=applied,
            seconds=round(seconds, 3),
        )

    def _where(self, tenants: Sequence[Tenant]) -> str:
        """Return where these are, but for those that failed; some may be further than --to."""
        found = [(self.outcomes.get(each.name), self.plan.positions[each]) for each in tenants]
        reached = {
            outcome.at if outcome else position.heads
            for outcome, position in found
            if outcome is None or outcome.state in (DONE, NOTHING)
        }
        return f" at {self.plan.to}" if reached <= {(self.plan.to,)} else ""

    def _left(self) -> str:
        """Return what the plan leaves for another deploy, if anything."""
        return deploy.LATER if self.plan.later else ""

    def _complete(self, found: MigratorError) -> None:
        """Add the failures to an error, and the command to go on."""
        if {each.exit_code for each in self.failures} == {LockTimeout.exit_code}:
            found.exit_code = LockTimeout.exit_code
        details = [(each.name, each.reason) for each in self.failures[:SHOWN]]
        if len(self.failures) > SHOWN:
            details.append(("and", f"{len(self.failures) - SHOWN} more: fleet status lists them"))
        again = command(self.context, "fleet-deploy")
        if len(self.failures) == 1:
            again = command(self.context, "fleet-deploy", only=self.failures[0].name)
        found.details = (*details, ("to go on", again))
        found.data = {
            "failures": [each.as_dict() for each in self.failures],
            "to_go_on": again,
        }


_WHY = {
    UNKNOWN: "it is at {heads}, a revision that this code does not have: newer code was here",
    NEW: "it has no revision: `fleet create` makes a tenant, `alembic stamp` adopts one",
}


def run(
    context: Context,
    options: Options,
    selection: Selection,
    report: Report,
    **changed: Any,
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


def _jobs(context: Context, tenants: Sequence[Tenant], workers: int) -> Iterator[Job]:
    """Yield batches of tenants of the same database."""
    databases: dict[URL, list[Tenant]] = {}
    for each in tenants:
        databases.setdefault(each.database(context), []).append(each)
    size = max(1, min(BATCH, -(-len(tenants) // (workers * SHARES))))
    for url, some in databases.items():
        for start in range(0, len(some), size):
            yield Job(url, some[start : start + size])


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"
