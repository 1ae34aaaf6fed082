"""Whether the schemas of many tenants are what the revisions build, read at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from migrator import catalog
from migrator.catalog import Schema, moved
from migrator.config.context import Context
from migrator.deploy import drift
from migrator.deploy.drift import Drift
from migrator.postgres.sql.schemas import quoted
from migrator.revisions import accepted_drift, recorded_schema
from migrator.revisions.accepted_drift import AcceptedDrift
from migrator.revisions.recorded_schema import RecordedSchema

SETTLE = (
    "UPDATE {schema}.migration_log SET verified = '{how}'"
    " WHERE verified IS NULL OR verified = 'never'"
)


@dataclass(frozen=True)
class Reference:
    """What the schema of a tenant has to be; `why_not` says why nothing is compared."""

    recorded: RecordedSchema | None = None
    accepted: AcceptedDrift = field(default_factory=AcceptedDrift)
    why_not: str = ""

    @classmethod
    def of(cls, context: Context, revision: str) -> "Reference":
        """Return the schema that the revisions build, as the repository has it.

        Raises:
            MigratorError: the record cannot be read.
        """
        file = recorded_schema.path(context)
        found = recorded_schema.read(file)
        if not context.settings.drift:
            return cls(why_not="drift = false")
        if found is None:
            return cls(why_not=f"there is no {file.name}; `make snapshot` writes it")
        if found.revision != revision:
            return cls(
                why_not=f"{file.name} is of revision {found.revision}, the tenants of {revision}"
            )
        return cls.like(found.schema, found.server, found.revision, file.parent)

    @classmethod
    def like(cls, schema: Schema, server: int, revision: str, folder: Path) -> "Reference":
        """Return a reference to a schema whose objects are in `public`."""
        own = moved.of_schema(schema, moved.PLAIN)
        accepted = accepted_drift.read(folder, "database")
        return cls(RecordedSchema(revision, server, own), accepted)


def read(connection: Connection, names: Sequence[str]) -> dict[str, Schema]:
    """Return the schemas of these names, each as it would be called in `public`."""
    found = catalog.read(connection, catalog.NOT_OURS, names)
    return moved.each(recorded_schema.without_owners(found), list(names))


def compare(connection: Connection, reference: Reference, names: Sequence[str]) -> dict[str, Drift]:
    """Return how each of these schemas differs from the reference; ends the transaction."""
    if reference.recorded is None:
        return {name: Drift(not_compared=reference.why_not) for name in names}
    found = against(connection, reference, read(connection, names))
    connection.rollback()
    return found


def against(
    connection: Connection, reference: Reference, schemas: Mapping[str, Schema]
) -> dict[str, Drift]:
    """Return how schemas that were read from the server of `connection` differ."""
    if reference.recorded is None:
        return {name: Drift(not_compared=reference.why_not) for name in schemas}
    server = recorded_schema.server_of(connection)
    return {
        name: drift.classified(reference.recorded.from_schema(schema, server), reference.accepted)
        for name, schema in schemas.items()
    }


def settle(connection: Connection, names: Sequence[str], how: str = "yes") -> None:
    """Write into the migration logs of these schemas that they are verified, and commit."""
    if names:
        statements = [SETTLE.format(schema=quoted(name), how=how) for name in names]
        connection.exec_driver_sql("; ".join(statements), execution_options={"no_parameters": True})
        connection.commit()
