"""New indexes and constraints that old code cannot violate.

They are on columns that the same change adds. PostgreSQL is asked: the new columns get the index or
the constraint in an empty temporary table, and two rows as the old code would write them.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import AddConstraint, CreateIndex, ExecutableDDLElement

from migrator.operations import names


def is_unnoticed(
    context: MigrationContext,
    op: ops.CreateIndexOp | ops.AddConstraintOp,
    added: Sequence[sa.Column[Any]],
) -> bool:
    """Whether code that knows none of the columns `added` cannot violate it.

    Args:
        added: the new columns of the table, as the expand phase adds them.
    """
    if isinstance(op, ops.CreateIndexOp):
        index = op.to_index()
        return not op.unique or _accepts(context, added, index.table, CreateIndex(index))
    constraint = op.to_constraint()
    if isinstance(constraint, sa.ForeignKeyConstraint):
        empty = {column.name for column in added if column.nullable and not _is_filled(column)}
        return empty.issuperset(constraint.column_keys)
    return _accepts(context, added, constraint.table, AddConstraint(constraint))


def _accepts(
    context: MigrationContext,
    added: Sequence[sa.Column[Any]],
    table: sa.Table | None,
    ddl: ExecutableDDLElement,
) -> bool:
    if not added or table is None:
        return False
    connection = context.connection
    assert connection is not None
    table.schema = None  # so that its name is that of the temporary table
    columns = ", ".join(names.column_definition(each, context.dialect) for each in added)
    name = names.quoted(table.name)
    row = f"INSERT INTO {name} DEFAULT VALUES"
    savepoint = connection.begin_nested()
    try:
        for statement in (
            f"CREATE TEMPORARY TABLE {name} ({columns})",
            names.compiled(ddl),
            row,
            row,
        ):
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        return True
    except (DBAPIError, KeyError):  # also if it is about a column that was there before
        return False
    finally:
        savepoint.rollback()


def _is_filled(column: sa.Column[Any]) -> bool:
    made = column.computed or column.identity or column.server_default
    return made is not None or column.autoincrement is True
