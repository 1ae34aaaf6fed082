"""What a deploy has to do for each tenant, in stages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util.exc import CommandError

from migrator.errors import MigratorError
from migrator.fleet import inventory
from migrator.fleet.positions import Position
from migrator.fleet.tenant import Tenant
from migrator.revisions import graph, phase_and_transaction
from migrator.revisions.pending import Plan
from migrator.revisions.phase_and_transaction import CONTRACT, EXPAND

CURRENT, BEHIND, UNVERIFIED = "current", "behind", "unverified"
UNKNOWN, NEW, UNREADABLE = "unknown", "new", "unreadable"
OF_STATES = {
    CURRENT: "nothing to do",
    BEHIND: "behind",
    UNVERIFIED: "to be verified",
    UNKNOWN: "at a revision that this code does not have",
    NEW: "without a revision",
    UNREADABLE: "not readable",
}


@dataclass(frozen=True)
class Way:
    """From `heads` to `target`: the revisions in their order. `later` are left for contract."""

    heads: tuple[str, ...]
    target: str
    pending: tuple[Script, ...]
    later: int = 0


@dataclass
class FleetPlan:
    """The tenants with their positions, and the ways that lead from there."""

    revisions: ScriptDirectory
    to: str
    phase: str | None
    positions: dict[Tenant, Position]
    ways: dict[tuple[str, ...], Way | None] = field(default_factory=dict)

    @property
    def tenants(self) -> list[Tenant]:
        """All of them, canaries first."""
        return list(self.positions)

    @property
    def stages(self) -> list[tuple[str, list[Tenant]]]:
        """The names of the stages with their tenants."""
        names = inventory.stages(self.tenants)
        return [(name, [each for each in self.tenants if each.stage == name]) for name in names]

    def way(self, heads: tuple[str, ...]) -> Way | None:
        """Return the way from there; None if this code does not have these revisions.

        Raises:
            MigratorError: the history has several heads, or there is no way forward.
        """
        key = tuple(sorted(heads))
        if key not in self.ways:
            self.ways[key] = _way(self.revisions, key, self.to, self.phase)
        return self.ways[key]

    def state(self, tenant: Tenant) -> str:
        """Return what is to be done for a tenant, as one of OF_STATES."""
        found = self.positions[tenant]
        if found.problem:
            return UNREADABLE
        if found.heads is None:
            return NEW
        way = self.way(found.heads)
        if way is None:
            return UNKNOWN
        if way.pending:
            return BEHIND
        return CURRENT if found.verified else UNVERIFIED

    @property
    def later(self) -> bool:
        """Whether revisions are left for --phase contract."""
        return any(way and way.later for way in self.ways.values())

    def counted(self) -> Counter[str]:
        """Return how many tenants are in which state."""
        return Counter(self.state(each) for each in self.tenants)

    def pending(self, tenants: Sequence[Tenant]) -> list[Script]:
        """Return the revisions that any of these tenants lacks, in their order."""
        found: dict[str, Script] = {}
        for heads in {self.positions[each].heads for each in tenants}:
            way = None if heads is None else self.way(heads)
            for script in way.pending if way else ():
                found.setdefault(script.revision, script)
        order = {script.revision: place for place, script in enumerate(_oldest_first(self))}
        return sorted(found.values(), key=lambda each: order[each.revision])

    def as_dict(self, tenant: Tenant) -> dict[str, Any]:
        """Return a tenant for JSON."""
        found = self.positions[tenant]
        way = None if found.heads is None else self.way(found.heads)
        return {
            "name": tenant.name,
            "schema": tenant.schema or None,
            "stage": tenant.stage or None,
            "state": self.state(tenant),
            "current": None if found.problem else [*(found.heads or ())],
            "pending": None if way is None else [each.revision for each in way.pending],
            "verified": None if found.problem else found.verified,
            "problem": found.problem or None,
        }


def make(
    revisions: ScriptDirectory,
    positions: Mapping[Tenant, Position],
    to: str = "head",
    phase: str | None = None,
) -> FleetPlan:
    """Return the plan; changes nothing.

    Raises:
        MigratorError: the history has several heads.
        UsageError: there is no revision `to`.
    """
    return FleetPlan(revisions, graph.find(revisions, to), phase, dict(positions))


def as_plan(plan: FleetPlan, tenant: Tenant) -> Plan:
    """Return what a tenant lacks as the plan of a deploy to it alone."""
    heads = plan.positions[tenant].heads or ()
    way = plan.way(heads)
    return Plan(heads, plan.to, way.pending if way else ())


def _oldest_first(plan: FleetPlan) -> list[Script]:
    return list(plan.revisions.walk_revisions())[::-1]


def _way(
    revisions: ScriptDirectory, heads: tuple[str, ...], target: str, phase: str | None
) -> Way | None:
    if any(not graph.is_known(revisions, each) for each in heads):
        return None
    if set(heads) == {target}:
        return Way(heads, target, ())
    try:
        pending = list(revisions.iterate_revisions(target, heads or "base"))[::-1]
    except (CommandError, RevisionError):
        behind = {each.revision for each in revisions.iterate_revisions(heads, "base")}
        if target in behind:  # it is already further than --to
            return Way(heads, target, ())
        raise MigratorError(
            f"No revision leads forward from {', '.join(heads)} to {target}; nothing was changed."
        ) from None
    kept = []
    for script in pending:
        # Where there is no revision yet, no code runs.
        if phase == EXPAND and heads and phase_and_transaction.of(script).phase == CONTRACT:
            break
        kept.append(script)
    later = len(pending) - len(kept)
    reached = kept[-1].revision if kept else heads[0]
    return Way(heads, reached if later else target, tuple(kept), later)
