"""The contents of a revision that creates a whole schema: Alembic's operations, and SQL.

Alembic writes the tables that it can reproduce exactly. Everything else (types, extensions,
functions, views, triggers, grants, unsupported kinds of tables) is executed as the SQL of the dump.
Which tables Alembic reproduces exactly is found out on an empty shadow database.
"""

import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from alembic.autogenerate import compare, produce_migrations
from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext
from alembic.util.langhelpers import PriorityDispatcher
from sqlalchemy import Connection, Engine, MetaData, text
from sqlalchemy.exc import SQLAlchemyError

from migrator import catalog
from migrator.autogenerate import column_types
from migrator.history import model_types, reflection, schema_objects, serials_and_sequences
from migrator.history.schema_objects import Object, Schema
from migrator.history.shadow_databases import ShadowDatabases
from migrator.postgres import sql
from migrator.postgres.sql import for_text

ATTEMPTS = 4
STRUCTURE = {"TABLE", "SEQUENCE", "SEQUENCE OWNED BY", "DEFAULT", "CONSTRAINT", "INDEX"}


@dataclass(frozen=True)
class Draft:
    """The parts of the revision, in the order of the upgrade.

    A downgrade executes `drop_after`, then Alembic's operations, then `drop_before`.
    """

    before: tuple[Object, ...]
    script: ops.MigrationScript
    context: MigrationContext
    after: tuple[Object, ...]
    drop_after: tuple[str, ...]
    drop_before: tuple[str, ...]

    @property
    def carried(self) -> tuple[Object, ...]:
        """The objects that are created with SQL."""
        return self.before + self.after


def make(shadows: ShadowDatabases, source: Engine, wanted: Schema, *, plain: bool = False) -> Draft:
    """Decide what Alembic writes and what is executed as SQL.

    Args:
        source: the database with the schema `wanted`.
        plain: execute everything as SQL, as a last resort.
    """
    with source.connect() as connection:
        metadata = reflection.reflect(connection, wanted)
        known = catalog.read(connection)
    default = source.dialect.default_schema_name
    tables = {
        one.name if one.schema in ("", default) else f"{one.schema}.{one.name}": one.table
        for one in wanted.objects
        if one.table
    }
    skip = set(tables) if plain else reflection.unwritable(metadata)
    first = wanted.objects[: wanted.first]
    for attempt in range(ATTEMPTS + 1):
        if attempt == ATTEMPTS:
            skip = set(tables)
        with shadows.empty() as engine, engine.connect() as connection:
            _execute(connection, statements(first))
            early = shadows.schema(engine)
            skip |= _unlike(connection, metadata, known)
            script, context = _autogenerate(connection, metadata, skip)
            assert script.upgrade_ops is not None
            failed: set[str] = set()
            _invoke(context, script.upgrade_ops, failed)
            if failed:  # reflection returned too little or too much
                connection.rollback()
                skip |= failed
                continue
            connection.commit()
            made = shadows.schema(engine)
        wrong = schema_objects.wrong(wanted, made)
        if not wrong:
            break
        skip |= {
            name for name, table in tables.items() if any(one.concerns(table) for one in wrong)
        }
    carried = schema_objects.missing(wanted, made)
    if skip >= set(tables):  # Alembic writes nothing: keep the order of the dump
        return Draft((*first, *carried), script, context, (), (), wanted.drops)
    skipped = [tables[name] for name in skip if name in tables]
    structure = [
        one
        for one in carried
        if one.kind == "SEQUENCE"
        or (one.kind in STRUCTURE and any(one.concerns(table) for table in skipped))
    ]
    after = [one for one in carried if one not in structure]
    drop_after, drop_before = _drops(wanted, made, early, carried, skipped)
    return Draft((*first, *structure), script, context, tuple(after), drop_after, drop_before)


def _autogenerate(
    connection: Connection, metadata: MetaData, skip: Collection[str]
) -> tuple[ops.MigrationScript, MigrationContext]:
    def include(item: Any, _name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
        return kind != "table" or (not reflected and item.fullname not in skip)

    context = MigrationContext.configure(
        connection,
        opts={
            "target_metadata": metadata,
            "include_schemas": True,
            "include_object": include,
            "render_item": column_types.render_item,
            "sqlalchemy_module_prefix": "sa.",
            "alembic_module_prefix": "op.",
            "user_module_prefix": None,
            "render_as_batch": False,
        },
    )
    with warnings.catch_warnings(), _only_alembics():
        # About cycles between tables, which fail below if they matter.
        warnings.simplefilter("ignore")
        return produce_migrations(context, metadata), context


@contextmanager
def _only_alembics() -> Iterator[None]:
    """Leave out the comparisons that other packages have added, as alembic_utils does.

    They know what the project describes besides tables, and would drop all else: here that is
    carried as SQL.
    """
    before = compare.comparators
    compare.comparators = PriorityDispatcher()
    try:
        yield
    finally:
        compare.comparators = before


def _invoke(context: MigrationContext, container: ops.OpContainer, failed: set[str]) -> None:
    """Run operations; add the tables of those that fail to `failed`."""
    operations = Operations(context)
    assert context.connection is not None
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            _invoke(context, operation, failed)
            continue
        try:
            with context.connection.begin_nested(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about what SQLAlchemy reflects and does not take
                operations.invoke(operation)
        except SQLAlchemyError:
            schema = getattr(operation, "schema", None) or getattr(operation, "source_schema", None)
            table = getattr(operation, "table_name", None) or getattr(operation, "source_table", "")
            failed.add(f"{schema}.{table}" if schema else str(table))


def _unlike(connection: Connection, metadata: MetaData, known: catalog.Schema) -> set[str]:
    """Return the tables that Alembic would make otherwise: a type, a default; and parents.

    A table that inherits from another one is created before Alembic's.
    """
    if connection.dialect.name != "postgresql":
        return set()
    serial = serials_and_sequences.serials(metadata, known, connection.dialect.default_schema_name)
    columns = [column for table in metadata.tables.values() for column in table.columns]
    numbered = [
        column
        for column in columns
        if column not in serial
        and "nextval(" in getattr(getattr(column.server_default, "arg", None), "text", "")
    ]
    wrong = [*model_types.unlike(connection, metadata, known), *numbered]
    parents = (sql.identifiers(one) for each in known.objects.values() for one in _inherits(each))
    default = connection.dialect.default_schema_name
    names = {name if schema == default else f"{schema}.{name}" for schema, name in parents}
    return names | {column.table.fullname for column in wrong}


def _inherits(properties: Mapping[str, Any]) -> Iterator[str]:
    if "partition_bound" not in properties:
        yield from properties.get("inherits", ())


def _execute(connection: Connection, sql: Iterable[str]) -> None:
    if connection.dialect.name == "postgresql":
        # A function may name a table that is created later.
        connection.execute(text("SET LOCAL check_function_bodies = off"))
    for statement in sql:
        connection.execute(text(escape(statement)))
    connection.commit()


def escape(statement: str) -> str:
    """Escape colons for `op.execute`, where `:name` would be a parameter."""
    return for_text(statement)


def _drops(
    wanted: Schema, made: Schema, early: Schema, carried: list[Object], skipped: list[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split the DROP statements into those before and those after Alembic's operations."""
    by_alembic = set(made.drops) - set(early.drops)
    lines = [line for line in wanted.drops if line not in by_alembic]
    if not by_alembic:
        return (), tuple(lines)
    foreign = [one.name.split(" ")[-1] for one in carried if one.kind == "FK CONSTRAINT"]
    names = [*skipped, *(f"SEQUENCE {name}" for one in carried for name in _sequences(one))]
    late = set(early.drops)
    for line in lines:
        table = any(line.startswith(f"DROP TABLE {name}") for name in skipped)
        part = line.startswith("ALTER TABLE ") and any(name in line for name in skipped)
        if table or line.removeprefix("DROP ") in names or part:
            late.add(line)
        if line.split(" ")[-1] in foreign:
            late.discard(line)
    return (
        tuple(line for line in lines if line not in late),
        tuple(line for line in lines if line in late),
    )


def _sequences(one: Object) -> list[str]:
    return [s.split()[2] for s in one.statements if s.startswith("CREATE SEQUENCE ")]


def statements(objects: Iterable[Object]) -> tuple[str, ...]:
    """Return the statements that create the objects, in their order."""
    return tuple(statement for one in objects for statement in one.statements)
