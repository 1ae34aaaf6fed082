"""The schema in the database, and the one that the models describe, both as catalogs.

The models' schema is built where the comparison runs, a shadow database as a rule: in a savepoint
that is rolled back, the tables go, and `metadata.create_all` makes the models' ones. So everything
that revisions create besides tables (extensions, functions, schemas) is there for both.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import context as alembic_context
from alembic.runtime.migration import MigrationContext
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool
from sqlalchemy.types import TypeEngine

from migrator import catalog
from migrator.autogenerate import described, extensions, readings
from migrator.catalog import Difference, Key, Schema
from migrator.errors import MigratorError, one_line
from migrator.operations import names
from migrator.revisions import accepted_drift
from migrator.revisions.accepted_drift import AcceptedDrift

VIEWS = ("view", "materialized_view")
KEY = "migrator_comparison"  # in the options of Alembic's context
# What create_all makes anew, in the order in which the old ones go.
KINDS = {"table": "TABLE", "sequence": "SEQUENCE", "domain": "DOMAIN", "enum": "TYPE"}
FOREIGN = "FOREIGN TABLE"
# What models describe. Other objects, such as views and functions, are the revisions' business.
COMPARED = frozenset({"table", "column", "constraint", "index", *KINDS, "schema"})
# Properties that models need not describe: what a revision has set by hand is no difference.
BY_HAND = frozenset(
    {
        *("row_security", "force_row_security", "replica_identity", "options", "toast_options"),
        *("tablespace", "access_method", "index_options", "index_tablespace", "clustered"),
        *("storage", "statistics", "compression", "partition_key", "partition_bound", "inherits"),
        *("inherited", "part_of", "persistence", "form", "cache"),
    }
)
# Where models describe a comment at all; those of other objects are set by hand as well.
COMMENTED = frozenset({"table", "column"})


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

        def again() -> None:
            with _built(connection, metadata, existing, hidden):
                pass

        raise _cannot_be_created(connection, error, again) from error
    accepted = accepted or AcceptedDrift()
    return Comparison(_without(existing, hidden), _without(built, hidden), accepted)


def _cannot_be_created(
    connection: sa.Connection, error: SQLAlchemyError, again: Callable[[], None]
) -> MigratorError:
    reason = one_line(getattr(error, "orig", None) or error).removesuffix(".")
    remedy = (
        "If it needs an extension, a function or a type that no model describes, create that in a"
        ' revision first (make empty-revision m="...").'
    )
    postgresql = connection.dialect.name == "postgresql"
    if postgresql and (extension := extensions.providing(connection, error, again)):
        statement = f'CREATE EXTENSION IF NOT EXISTS "{extension}"'
        remedy = (
            f"The extension {extension} provides what is missing: `make empty-revision"
            f' m="add {extension}"`, and in it op.execute({statement!r}).'
        )
    return MigratorError(
        f"The tables of the models cannot be created: {reason}. So nothing was compared. {remedy}"
    )


def _hidden(existing: Schema, metadata: sa.MetaData, default: str | None) -> list[Key]:
    """Return the tables that are not the models' business.

    They are partitions, and what programs such as pg_partman make in the schema of an extension.
    """
    described = {(each.schema or default, each.name) for each in metadata.tables.values()}
    schemas = {schema for schema, _ in described} | {default}
    foreign = {
        properties.get("schema")
        for key, properties in existing.objects.items()
        if key.kind == "extension"
    } - schemas
    return [
        key
        for key, properties in existing.objects.items()
        if key.kind == "table" and (None, *key.name)[-2:] not in described
        if properties.keys() & {"partition_bound", "module"}
        or (len(key.name) > 1 and key.name[0] in foreign)
    ]


def _counts(difference: Difference) -> bool:
    key, name, after = difference.key, difference.property, difference.after
    if key.kind not in COMPARED or (key.kind == "schema" and name):
        return False
    if after is None and name == "comment":
        return key.kind in COMMENTED
    if (key.kind, name) == ("enum", "values"):  # a value that is gone stays: it cannot be dropped
        kept = [each for each in difference.before if each in after]
        return kept != list(after)
    return name not in BY_HAND or after is not None


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
    savepoint = connection.begin_nested()
    try:
        replaced = list(_replaced(metadata, connection.dialect, existing, hidden))
        for key in replaced:
            foreign = existing.objects[key].get("form") == "foreign"
            _drop(connection, key, FOREIGN if foreign else KINDS[key.kind], "CASCADE")
        for schema in sorted(_schemas(metadata, connection.dialect)):
            _run(connection, f"CREATE SCHEMA IF NOT EXISTS {names.column(schema)}")
        views = {key.name for key in existing.objects if key.kind in VIEWS}
        default = connection.dialect.default_schema_name
        with _not_concurrently(metadata):
            metadata.create_all(
                connection,
                [
                    table
                    for table in metadata.tables.values()
                    # A model of a view that a revision has made.
                    if table.is_view or (table.schema or default, table.name) not in views
                ],
            )
        for key in unused(metadata, connection.dialect, existing, replaced):
            _drop_if_possible(connection, key)
        yield connection
    finally:
        savepoint.rollback()


def _run(connection: sa.Connection, statement: str) -> None:
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _drop(connection: sa.Connection, key: Key, word: str, behavior: str) -> None:
    name = ".".join(map(names.column, key.name))
    _run(connection, f"DROP {word} IF EXISTS {name} {behavior}")


def _drop_if_possible(connection: sa.Connection, key: Key) -> None:
    """Drop what nothing in the database depends on."""
    savepoint = connection.begin_nested()
    try:
        _drop(connection, key, KINDS.get(key.kind, "SCHEMA"), "RESTRICT")
    except DBAPIError:
        savepoint.rollback()
    else:
        savepoint.commit()


def _schemas(metadata: sa.MetaData, dialect: sa.Dialect) -> set[str]:
    tables = {each.schema for each in metadata.tables.values()}
    return {each for each in (*tables, *(each[0] for each in _named(metadata, dialect))) if each}


def _replaced(
    metadata: sa.MetaData, dialect: sa.Dialect, existing: Schema, hidden: Collection[Key]
) -> Iterator[Key]:
    """Yield what is there and create_all makes anew: tables, then sequences and named types."""
    named = _named(metadata, dialect)
    for kind in KINDS:
        for key in existing.objects:
            if key.kind == kind and key not in hidden and (kind == "table" or key.name in named):
                yield key


def _named(metadata: sa.MetaData, dialect: sa.Dialect) -> set[tuple[str, ...]]:
    """Return the names of the models' sequences and named types, with their schemas."""
    default = dialect.default_schema_name
    return {
        (str(each.schema or default), str(each.name))
        for each in (*metadata._sequences.values(), *named_types(metadata, dialect))
    }


def unused(
    metadata: sa.MetaData, dialect: sa.Dialect, existing: Schema, replaced: Collection[Key]
) -> Iterator[Key]:
    """Yield what only the tables that went may have used, and no model describes.

    What else uses them keeps them: they are dropped only if that is possible without CASCADE.
    """
    named = _named(metadata, dialect)
    tables = {key.name for key in replaced if key.kind == "table"}
    types = {
        str(properties["type"]).replace('"', "").removesuffix("[]")
        for key, properties in existing.objects.items()
        if key.kind == "column" and key.name[:2] in tables
    }
    found = [
        key
        for kind in ("domain", "enum")
        for key in existing.objects
        if key.kind == kind and key.name not in named and ".".join(key.name) in types
    ]
    for key, properties in existing.objects.items():
        if key.kind == "sequence" and key.name not in named and "owned_by" not in properties:
            found.append(key)
    yield from found
    kept = {*_schemas(metadata, dialect), dialect.default_schema_name}
    schemas = {key.name[0] for key in (*replaced, *found)}
    yield from (Key("schema", (each,)) for each in sorted(schemas - kept))


def named_types(metadata: sa.MetaData, dialect: sa.Dialect) -> Iterator[sa.Enum | DOMAIN]:
    """Yield the enum types and domains of the models, in arrays, decorators and variants, too."""
    for kind in _types(metadata):
        found = kind.dialect_impl(dialect)
        while inner := getattr(found, "item_type", None) or getattr(found, "impl_instance", None):
            found = inner.dialect_impl(dialect)
        if (
            isinstance(found, sa.Enum | DOMAIN)
            and found.name
            and getattr(found, "native_enum", True)
        ):
            yield found


def _types(metadata: sa.MetaData) -> Iterator[TypeEngine[Any]]:
    for table in metadata.tables.values():
        yield from (column.type for column in table.columns)
    yield from (each for each in metadata._objects if isinstance(each, sa.Enum | DOMAIN))


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
