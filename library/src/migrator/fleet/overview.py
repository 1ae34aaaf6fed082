"""The tenants of a fleet at a glance; only reads."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from alembic.script import Script

from migrator import database
from migrator.config import histories
from migrator.config.context import Context
from migrator.fleet import inventory, positions
from migrator.fleet import plan as plans
from migrator.fleet.plan import OF_STATES, UNREADABLE, FleetPlan
from migrator.fleet.selection import Selection
from migrator.fleet.settings import FleetSettings
from migrator.fleet.tenant import Tenant
from migrator.revisions import graph, pending
from migrator.revisions.phase_and_transaction import EXPAND


def plan(
    context: Context, selection: Selection, to: str = "head", phase: str | None = None
) -> FleetPlan:
    """Return where the selected tenants are, and what a deploy would do.

    Raises:
        UsageError: the inventory is wrong, or has no tenant of a name.
    """
    fleet, revisions = FleetSettings.of(context), graph.load(context)
    chosen = selection.of(inventory.read(context, fleet))
    return plans.make(revisions, positions.read(context, fleet, chosen), to, phase)


def shared(context: Context, phase: str | None) -> Sequence[Script]:
    """Return the pending revisions of the shared tables, which a deploy applies first.

    Raises:
        MigratorError: they are at a revision that this code does not have.
    """
    first = histories.shared(context)
    if first is None:
        return ()
    with histories.used(first), database.connect(first) as connection:
        found = pending.make(first, connection)
        if phase == EXPAND:
            found = pending.make(first, connection, pending.before_contract(found))
        return found.pending


def states(found: FleetPlan, tenants: Sequence[Tenant]) -> Counter[str]:
    """Return how many of these tenants are in which state."""
    return Counter(found.state(each) for each in tenants)


def revisions(found: FleetPlan) -> Counter[str]:
    """Return how many tenants are at which revision, in words."""
    return Counter(_at(found, each) for each in found.tenants)


def row(found: FleetPlan, tenant: Tenant) -> tuple[str, str, str, str]:
    """Return a line of a table: name, stage, revision, state."""
    position, state = found.positions[tenant], found.state(tenant)
    said = position.problem or OF_STATES[state]
    return (tenant.name, tenant.stage or "-", _at(found, tenant), said)


def as_dict(found: FleetPlan) -> dict[str, Any]:
    """Return all of it for JSON."""
    counts = found.counted()
    return {
        "target": found.to,
        "states": {state: counts[state] for state in OF_STATES if counts[state]},
        "tenants": [found.as_dict(each) for each in found.tenants],
    }


def _at(found: FleetPlan, tenant: Tenant) -> str:
    if found.state(tenant) == UNREADABLE:
        return "?"
    return ", ".join(found.positions[tenant].heads or ()) or "base"
