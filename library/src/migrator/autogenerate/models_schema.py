"""Builds the schema that the models describe, where revisions have built theirs.

The tables go, and `metadata.create_all` makes those of the models. Then what only the old tables
may have used goes, too: a type, a sequence, a schema.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool
from sqlalchemy.types import TypeEngine

from migrator.catalog import Key, Schema
from migrator.config import histories
from migrator.operations import names

VIEWS = ("view", "materialized_view")
EVENTS = ("function", "procedure", "trigger")  # what events of the models may create
# What create_all makes anew, in the order in which the old ones go.
KINDS = {"table": "TABLE", "sequence": "SEQUENCE", "domain": "DOMAIN", "enum": "TYPE"}
FOREIGN = "FOREIGN TABLE"


@contextmanager
def built(
    connection: sa.Connection, metadata: sa.MetaData, existing: Schema, hidden: Collection[Key]
) -> Iterator[sa.Connection]:
    """Yield a connection to what `metadata.create_all` makes: on PostgreSQL `connection`, in a
    savepoint that is rolled back.

    Args:
        existing: the catalog of the database.
        hidden: tables that stay.
    """
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
        default = connection.dialect.default_schema_name
        tables = [each for each in metadata.tables.values() if histories.owns(each.schema)]
        own = {(each.schema or default, each.name) for each in tables if each.is_view}
        for key in existing.objects:
            if key.kind in VIEWS and key.name in own:
                _drop(connection, key, key.kind.upper().replace("_", " "), "CASCADE")
        for schema in sorted(_schemas(metadata, connection.dialect)):
            _run(connection, f"CREATE SCHEMA IF NOT EXISTS {names.column(schema)}")
        views = {key.name for key in existing.objects if key.kind in VIEWS}
        for kind in named_types(metadata, connection.dialect):
            # SQLAlchemy does not see the type of a decorator that chooses by dialect.
            # (It looks for a name that is too long as it is, and would create the type again.)
            fits = names.cut(str(kind.name)) == kind.name
            if isinstance(kind, sa.Enum) and getattr(kind, "create_type", True) and fits:
                kind.create(connection, checkfirst=True)
        with _not_concurrently(metadata):
            metadata.create_all(
                connection,
                [
                    table
                    for table in tables
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
    tables = {each.schema for each in metadata.tables.values() if histories.owns(each.schema)}
    return {each for each in (*tables, *(each[0] for each in _named(metadata, dialect))) if each}


def _replaced(
    metadata: sa.MetaData, dialect: sa.Dialect, existing: Schema, hidden: Collection[Key]
) -> Iterator[Key]:
    """Yield what is there and create_all makes anew: tables, then sequences and named types."""
    named = _named(metadata, dialect, only_created=True)
    for kind in KINDS:
        for key in existing.objects:
            if key.kind == kind and key not in hidden and (kind == "table" or key.name in named):
                yield key


def _named(
    metadata: sa.MetaData, dialect: sa.Dialect, *, only_created: bool = False
) -> set[tuple[str, ...]]:
    """Return the names of the models' sequences and named types, with their schemas.

    Args:
        only_created: without types that the models use and create_all does not make.
    """
    default = dialect.default_schema_name
    return {
        (str(each.schema or default), str(each.name))
        for each in (*metadata._sequences.values(), *named_types(metadata, dialect))
        if not only_created or getattr(each, "create_type", True)
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
    indexes = (index for table in metadata.tables.values() for index in table.indexes)
    # Only those that say so: what is set is written into revisions.
    chosen = [each for each in indexes if "postgresql_concurrently" in [*each.dialect_kwargs]]
    options = [index.dialect_options["postgresql"] for index in chosen]
    before = [each["concurrently"] for each in options]
    try:
        for each in options:
            each["concurrently"] = False
        yield
    finally:
        for each, value in zip(options, before, strict=True):
            each["concurrently"] = value
