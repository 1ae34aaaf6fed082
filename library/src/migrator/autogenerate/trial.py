"""A table on which a change is tried, in a savepoint that is rolled back.

What the same revision makes before is there: types, sequences, and other new columns of the table.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from alembic.operations import MigrateOperation, Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from migrator.autogenerate import column_comparison, comparison, models_schema
from migrator.catalog import Key
from migrator.errors import one_line
from migrator.operations import names

RAW = {"no_parameters": True}
# Of the table, and of its partitions, since a partitioned table has no file.
FILES = """
SELECT array_agg(coalesce(pg_relation_filenode(each), 0)::text ORDER BY each) FROM (
  SELECT {0}::regclass UNION SELECT relid FROM pg_catalog.pg_partition_tree({0}::regclass)
) tree (each)
"""


class Trial:
    """The table, as the revision finds it."""

    def __init__(self, context: MigrationContext, target: str) -> None:
        assert context.connection is not None
        self.context = context
        self.connection = context.connection
        self.target = target

    def files(self) -> list[str]:
        """Return the numbers of the table's files; a table that was rewritten has others."""
        query = FILES.format(names.literal(self.target))
        found: list[str] = self.connection.exec_driver_sql(
            query, execution_options=RAW
        ).scalar_one()
        return found

    def attempt(self, operations: Sequence[MigrateOperation]) -> str:
        """Run operations, all or none of them; return the error if there was one."""
        savepoint = self.connection.begin_nested()
        try:
            for each in operations:
                Operations(self.context).invoke(each)
        except SQLAlchemyError as error:
            savepoint.rollback()
            return one_line(getattr(error, "orig", None) or error).removesuffix(".")
        savepoint.commit()
        return ""

    def prepare(self, statement: str) -> None:
        """Run what may fail without harm."""
        savepoint = self.connection.begin_nested()
        try:
            self.connection.exec_driver_sql(statement, execution_options=RAW)
        except DBAPIError:
            savepoint.rollback()
        else:
            savepoint.commit()


@contextmanager
def of(context: MigrationContext, table: str, schema: str | None, column: str) -> Iterator[Trial]:
    """Yield the table for a change of one column; all that was done is rolled back."""
    trial = Trial(context, names.quoted(table, schema))
    savepoint = trial.connection.begin_nested()
    try:
        # In UTC, and only there, a timestamp becomes one with a time zone as it is.
        trial.prepare("SET LOCAL TIME ZONE 1")
        trial.prepare(f"TRUNCATE {trial.target} CASCADE")
        _make_types(trial)
        for each in _new_columns(context, table, schema):
            if each.name != column and each.computed is None:
                kind = each.type.compile(dialect=names.DIALECT)
                trial.prepare(
                    f"ALTER TABLE {trial.target} ADD COLUMN {names.column(each.name)} {kind}"
                )
        yield trial
    finally:
        savepoint.rollback()


def _make_types(trial: Trial) -> None:
    """Make the types and sequences of the models that are not there, or not with all values."""
    context = trial.context
    existing = comparison.of(context).existing.objects
    metadata: sa.MetaData = context.opts["target_metadata"]
    for kind in models_schema.named_types(metadata, context.dialect):
        schema = kind.schema or context.dialect.default_schema_name
        name = names.quoted(str(kind.name), kind.schema)
        enum = existing.get(Key("enum", (str(schema), str(kind.name))))
        if isinstance(kind, sa.Enum) and enum and set(enum["values"]) != set(kind.enums):
            # A value that was added in this transaction could not be used in it.
            trial.prepare(f"ALTER TYPE {name} RENAME TO migrator_{kind.name}")
        if kind.schema:
            trial.prepare(f"CREATE SCHEMA IF NOT EXISTS {names.column(kind.schema)}")
        savepoint = trial.connection.begin_nested()
        try:
            kind.create(trial.connection, checkfirst=True)
        except SQLAlchemyError:
            savepoint.rollback()
        else:
            savepoint.commit()
    for sequence in metadata._sequences.values():
        trial.prepare(
            f"CREATE SEQUENCE IF NOT EXISTS {names.quoted(sequence.name, sequence.schema)}"
        )


def _new_columns(
    context: MigrationContext, table: str, schema: str | None
) -> Iterator[sa.Column[object]]:
    existing = column_comparison.of(context).existing
    wanted = column_comparison.full_name(context, schema, table)
    for each in context.opts["target_metadata"].tables.values():
        if column_comparison.full_name(context, each.schema, each.name) == wanted:
            yield from (column for column in each.columns if (*wanted, column.name) not in existing)
