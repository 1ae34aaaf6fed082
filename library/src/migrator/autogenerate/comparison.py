"""The schema in the database, and the one that the models describe, both as catalogs.

The models' schema is built where the comparison runs, a shadow database as a rule: in a savepoint
that is rolled back, the tables go, and `metadata.create_all` makes the models' ones. So everything
that revisions create besides tables (extensions, functions, schemas) is there for both.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from alembic import context as alembic_context
from alembic.runtime.migration import MigrationContext
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from migrator import catalog
from migrator.autogenerate import described, readings
from migrator.catalog import Difference, Key, Schema
from migrator.errors import MigratorError, one_line
from migrator.revisions import accepted_drift
from migrator.revisions.accepted_drift import AcceptedDrift

KEY = "migrator_comparison"  # in the options of Alembic's context
# What create_all makes anew, in the order in which the old ones go.
KINDS = {"table": "TABLE", "sequence": "SEQUENCE", "domain": "DOMAIN", "enum": "TYPE"}
FOREIGN = "FOREIGN TABLE"
# What models describe. Other objects, such as views and functions, are the revisions' business.
COMPARED = frozenset({"table", "column", "constraint", "index", "sequence", "enum", "domain"})
# Properties that models need not describe: what a revision has set by hand is no difference.
BY_HAND = frozenset(
    {
        *("row_security", "force_row_security", "replica_identity", "options", "toast_options"),
        *("tablespace", "access_method", "index_options", "index_tablespace", "clustered"),
        *("storage", "statistics", "compression", "partition_key", "partition_bound", "inherits"),
        *("inherited", "part_of", "persistence", "form", "cache"),
    }
)


@dataclass(frozen=True)
class Comparison:
    """The catalog of the database, that of the models, and what differs of what models describe."""

    existing: Schema
    models: Schema
    accepted: AcceptedDrift = field(default_factory=AcceptedDrift)

    @property
    def differences(self) -> list[Difference]:
        """What leads from the database to the models, but for what is accepted."""
        found = catalog.diff(self.existing, self.models)
        return self.accepted.others(each for each in found if _counts(each))


def of(context: MigrationContext) -> Comparison:
    """Return the comparison for a run of autogenerate; it is made once.

    Raises:
        MigratorError: the tables of the models cannot be created.
    """
    if KEY not in context.opts:
        assert context.connection is not None
        accepted = accepted_drift.read(Path(alembic_context.script.dir), "models")
        metadata = context.opts["target_metadata"]
        context.opts[KEY] = compare(context.connection, metadata, accepted)
    found: Comparison = context.opts[KEY]
    return found


def compare(
    connection: sa.Connection, metadata: sa.MetaData, accepted: AcceptedDrift | None = None
) -> Comparison:
    """Read the catalog of `connection`, and the one that `metadata` makes.

    Args:
        accepted: differences that are none.

    Raises:
        MigratorError: the tables of the models cannot be created, or two names are the same.
    """
    if connection.dialect.name == "postgresql":
        described.refuse_equal_names(metadata)
    existing = catalog.read(connection, catalog.NOT_OURS)
    hidden = _hidden(existing, metadata, connection.dialect.default_schema_name)
    try:
        with _built(connection, metadata, existing, hidden) as models:
            built = catalog.read(models, catalog.NOT_OURS)
            if models.dialect.name == "postgresql":
                built = readings.settled(models, existing, built)
    except SQLAlchemyError as error:
        reason = one_line(getattr(error, "orig", None) or error)
        raise MigratorError(
            f"The tables of the models cannot be created: {reason.removesuffix('.')}. So nothing"
            " was compared. If it needs an extension, a function or a type that no model"
            ' describes, create that in a revision first (make empty-revision m="...").'
        ) from error
    accepted = accepted or AcceptedDrift()
    return Comparison(_without(existing, hidden), _without(built, hidden), accepted)


def _hidden(existing: Schema, metadata: sa.MetaData, default: str | None) -> list[Key]:
    """Return the tables that are not the models' business: partitions, other schemas' tables."""
    described = {(each.schema or default, each.name) for each in metadata.tables.values()}
    schemas = {schema for schema, _ in described} | {default}
    return [
        key
        for key, properties in existing.objects.items()
        if key.kind == "table" and (None, *key.name)[-2:] not in described
        if properties.keys() & {"partition_bound", "module"}
        or (len(key.name) > 1 and key.name[0] not in schemas)
    ]


def _counts(difference: Difference) -> bool:
    if difference.key.kind not in COMPARED:
        return False
    if difference.key.kind == "index" and difference.property == "comment":
        return False  # SQLAlchemy has no comments of indexes
    return difference.property not in BY_HAND or difference.after is not None


def _without(schema: Schema, tables: list[Key]) -> Schema:
    """Leave out tables, with what belongs to them."""
    gone = {key.name for key in tables}
    kept = {
        key: properties
        for key, properties in schema.objects.items()
        if key.name not in gone and key.name[:-1] not in gone
    }
    return Schema(kept)


@contextmanager
def _built(
    connection: sa.Connection, metadata: sa.MetaData, existing: Schema, hidden: Collection[Key]
) -> Iterator[sa.Connection]:
    if connection.dialect.name == "sqlite":
        with sa.create_engine("sqlite://", poolclass=StaticPool).begin() as alone:
            metadata.create_all(alone)
            yield alone
        return
    quote = connection.dialect.identifier_preparer.quote
    savepoint = connection.begin_nested()
    try:
        for key in _replaced(metadata, connection.dialect, existing, hidden):
            word = FOREIGN if existing.objects[key].get("form") == "foreign" else KINDS[key.kind]
            name = ".".join(quote(part) for part in key.name)
            connection.exec_driver_sql(f"DROP {word} IF EXISTS {name} CASCADE")
        for schema in sorted({each.schema for each in metadata.tables.values() if each.schema}):
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
        with _not_concurrently(metadata):
            metadata.create_all(connection)
        yield connection
    finally:
        savepoint.rollback()


def _replaced(
    metadata: sa.MetaData, dialect: sa.Dialect, existing: Schema, hidden: Collection[Key]
) -> Iterator[Key]:
    """Yield what is there and create_all makes anew: tables, then sequences and named types."""
    default = dialect.default_schema_name
    named = {
        (str(each.schema or default), str(each.name))
        for each in (*metadata._sequences.values(), *named_types(metadata, dialect))
    }
    for kind in KINDS:
        for key in existing.objects:
            if key.kind == kind and key not in hidden and (kind == "table" or key.name in named):
                yield key


def named_types(metadata: sa.MetaData, dialect: sa.Dialect) -> Iterator[sa.Enum | DOMAIN]:
    """Yield the enum types and domains of all columns, also in arrays, decorators and variants."""
    for table in metadata.tables.values():
        for column in table.columns:
            kind = column.type.dialect_impl(dialect)
            while inner := getattr(kind, "item_type", None) or getattr(kind, "impl_instance", None):
                kind = inner.dialect_impl(dialect)
            if isinstance(kind, DOMAIN) or (isinstance(kind, sa.Enum) and kind.native_enum):
                yield kind


@contextmanager
def _not_concurrently(metadata: sa.MetaData) -> Iterator[None]:
    """Build indexes in the transaction, also those that models want to be built concurrently."""
    indexes = [index for table in metadata.tables.values() for index in table.indexes]
    options = [index.dialect_options["postgresql"] for index in indexes]
    before = [each["concurrently"] for each in options]
    try:
        for each in options:
            each["concurrently"] = False
        yield
    finally:
        for each, value in zip(options, before, strict=True):
            each["concurrently"] = value
