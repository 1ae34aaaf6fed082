"""Which of the relationships that sqlacodegen finds are right, and which keys make a cycle."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from sqlacodegen.models import ModelClass, RelationshipAttribute
from sqlacodegen.utils import get_constraint_sort_key
from sqlalchemy import ForeignKeyConstraint, MetaData, Table
from sqlalchemy.schema import sort_tables_and_constraints


def first_side(association: Table) -> Table:
    """Return the table that sqlacodegen takes for the first one of a many-to-many relationship."""
    constraints = sorted(association.foreign_key_constraints, key=get_constraint_sort_key)
    return constraints[0].referred_table


def wrong(source: ModelClass) -> Iterator[RelationshipAttribute]:
    """Yield relationships from `source` that would write a column that another one writes.

    Of a foreign key to a tenant, and composite ones with the tenant's column, the first stays.
    What the others point to is corrected: sqlacodegen takes the primary key, always.
    """
    written: set[str] = set()
    for each in sorted(_own(source), key=lambda one: len(_columns(one))):
        columns = _columns(each)
        constraint = each.constraint
        assert constraint is not None
        referred = [element.column.name for element in constraint.elements]
        itself = each.source is each.target
        if written & columns or (itself and columns & {*referred}):
            yield each
        elif itself:
            each.remote_side = [source.get_column_attribute(name) for name in referred]
        written |= columns


def remove(relationship: RelationshipAttribute) -> None:
    """Take a relationship away, with its other side."""
    gone = [relationship, relationship.backref]
    for model in (relationship.source, relationship.target):
        model.relationships[:] = [
            each for each in model.relationships if not any(each is one for one in gone)
        ]


def _own(source: ModelClass) -> list[RelationshipAttribute]:
    """Return one relationship for each foreign key of `source`."""
    found: dict[ForeignKeyConstraint, RelationshipAttribute] = {}
    for each in source.relationships:
        constraint = each.constraint
        if constraint is not None and constraint.table is source.table:
            found.setdefault(constraint, each)  # not of an association, which is another table
    return list(found.values())


def _columns(relationship: RelationshipAttribute) -> set[str]:
    assert relationship.constraint is not None
    return {column.name for column in relationship.constraint.columns}


def remove_keys_to_partitions(
    metadata: MetaData, known: Collection[tuple[str | None, str]], default: str | None
) -> None:
    """Remove tables that are not known from reflected ones, and the foreign keys to them.

    A foreign key to a partitioned table has one to each partition, which is PostgreSQL's own.
    """
    for table in list(metadata.tables.values()):
        for constraint in table.foreign_key_constraints:
            referred = constraint.referred_table
            if (referred.schema or default, referred.name) not in known:
                table.constraints.discard(constraint)
                for key in constraint.elements:
                    table.foreign_keys.discard(key)
                    key.parent.foreign_keys.discard(key)
    for table in list(metadata.tables.values()):
        if (table.schema or default, table.name) not in known:
            metadata.remove(table)


@contextmanager
def without_outside(table: Table, metadata: MetaData) -> Iterator[None]:
    """Leave out the foreign keys to tables that have models already, which sqlacodegen misses."""
    outside = {
        key
        for key in table.foreign_keys
        if key.constraint is not None and not _has(metadata, key.constraint.referred_table)
    }
    table.foreign_keys.difference_update(outside)
    try:
        yield
    finally:
        table.foreign_keys.update(outside)


def joins(association: Table, source: Table, metadata: MetaData) -> bool:
    """Return whether a many-to-many relationship of `source` goes through this table."""
    keys = association.foreign_key_constraints
    return first_side(association) is source and all(
        _has(metadata, each.referred_table) for each in keys
    )


def _has(metadata: MetaData, table: Table) -> bool:
    return metadata.tables.get(table.key) is table


def cycles(metadata: MetaData) -> Iterator[ForeignKeyConstraint]:
    """Yield the foreign keys that can be created only after all tables."""
    parts = sort_tables_and_constraints(metadata.tables.values())  # type: ignore[no-untyped-call]
    for table, constraints in parts:
        if table is None:
            yield from constraints
