"""The indexes and constraints of the models, by the names that they have in the database."""

from collections.abc import Iterator
from itertools import chain

import sqlalchemy as sa

from migrator.errors import MigratorError
from migrator.operations import names

Described = sa.Index | sa.Constraint


def by_name(table: sa.Table) -> dict[str, Described]:
    """Return the indexes and constraints that have a name, by the one in the database."""
    return {name: item for item in _items(table) if (name := names.final_name(item))}


def refuse_equal_names(metadata: sa.MetaData) -> None:
    """Refuse names that PostgreSQL cannot tell apart, because it keeps 63 bytes of each.

    Raises:
        MigratorError: with the names of the first two.
    """
    found: dict[tuple[str | None, str, str], str] = {}
    for table in metadata.tables.values():
        for item in _items(table):
            whole = str(names.uncut_name(item))
            # Indexes share the names of a schema, other constraints those of their table.
            has_index = not isinstance(item, sa.CheckConstraint | sa.ForeignKeyConstraint)
            key = (table.schema, "" if has_index else table.name, names.final_name(item))
            if key[-1] and found.setdefault(key, whole) != whole:
                raise MigratorError(
                    f"{found[key]} and {whole} of table {table.name} are the same name to"
                    f" PostgreSQL, which keeps {names.NAME_LENGTH} bytes of a name: {key[-1]}. Give"
                    " one of them a shorter name."
                )


def _items(table: sa.Table) -> Iterator[Described]:
    of_columns = chain.from_iterable(column.constraints for column in table.columns)
    yield from chain(table.indexes, table.constraints, of_columns)
