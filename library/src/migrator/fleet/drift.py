"""How the schemas of tenants differ from what the revisions build, or from each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.engine import URL

from migrator import database
from migrator.config.context import Context
from migrator.deploy.drift import Drift
from migrator.errors import MigratorError
from migrator.fleet import verification
from migrator.fleet.job import BATCH
from migrator.fleet.plan import UNREADABLE, FleetPlan
from migrator.fleet.tenant import Tenant, at
from migrator.fleet.verification import Reference
from migrator.revisions import recorded_schema


@dataclass(frozen=True)
class TenantDrift:
    """One tenant; `compared_with` is what, in words, and `problem` why it was not compared."""

    tenant: Tenant
    compared_with: str = ""
    drift: Drift = field(default_factory=Drift)
    problem: str = ""


def find(context: Context, plan: FleetPlan) -> Iterator[TenantDrift]:
    """Yield each tenant.

    A tenant at the revision of catalog.txt is compared with that; others with the first tenant at
    their revision.
    """
    recorded = recorded_schema.read(recorded_schema.path(context))
    first: dict[tuple[str, ...], tuple[str, Reference]] = {}
    if recorded is not None:
        reference = Reference.of(context, recorded.revision)
        if reference.recorded is not None:
            name = f"{recorded_schema.FILE}, revision {recorded.revision}"
            first[(recorded.revision,)] = (name, reference)
    groups: dict[tuple[URL, tuple[str, ...]], list[Tenant]] = {}
    for each in plan.tenants:
        position = plan.positions[each]
        if plan.state(each) == UNREADABLE or position.heads is None:
            yield TenantDrift(each, problem=position.problem or "it has no revision")
        else:
            groups.setdefault((each.database(context), position.heads), []).append(each)
    for (url, heads), tenants in groups.items():
        try:
            with database.connect(at(context, url), anywhere=True) as connection:
                yield from _compared(context, connection, heads, tenants, first)
        except MigratorError as error:
            reason = error.reason or str(error)
            yield from (TenantDrift(each, problem=reason) for each in tenants)


def _compared(
    context: Context,
    connection: Connection,
    heads: tuple[str, ...],
    tenants: Sequence[Tenant],
    first: dict[tuple[str, ...], tuple[str, Reference]],
) -> Iterator[TenantDrift]:
    # A tenant with a database of its own has its tables in `public`.
    named = {each.schema or "public": each for each in tenants}
    names = list(named)
    if heads not in first:
        schema = verification.read(connection, names[:1])[names[0]]
        connection.rollback()
        server = recorded_schema.server_of(connection)
        folder = Path(recorded_schema.path(context)).parent
        at_now = ", ".join(heads) or "base"
        reference = Reference.like(schema, server, at_now, folder)
        first[heads] = (f"{named[names[0]].name}, the first at {at_now}", reference)
    what, reference = first[heads]
    for start in range(0, len(names), BATCH):
        some = names[start : start + BATCH]
        for name, found in verification.compare(connection, reference, some).items():
            yield TenantDrift(named[name], what, found)
