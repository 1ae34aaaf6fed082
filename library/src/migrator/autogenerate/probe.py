"""A probe that asks PostgreSQL which changes rewrite a table, instead of knowing all of its rules.

The change is made to an empty temporary table like the real one, and rolled back: a table that
was rewritten has another file afterwards.
"""

from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateColumn

from migrator.operations import names

NAME = "migrator_probe"
FILE = f"SELECT pg_relation_filenode('pg_temp.{NAME}')"


def rewrites_table(context: MigrationContext, op: ops.MigrateOperation) -> bool:
    """Whether a type change rewrites its table, or a new column that is computed, or of a domain.

    A default that differs from row to row does so too, but there is another way to it.
    """
    if isinstance(op, ops.AlterColumnOp) and op.modify_type is not None:
        kind = op.modify_type.compile(dialect=context.dialect)
        column = names.column(op.column_name)
        change = f"ALTER TABLE {NAME} ALTER COLUMN {column} TYPE {kind}"
        # The old default may not fit the new type; PostgreSQL will say so.
        drop = f"ALTER TABLE {NAME} ALTER COLUMN {column} DROP DEFAULT"
        return _rewritten(context, op, drop, change) is not False
    if isinstance(op, ops.AddColumnOp):
        made = op.column.computed or op.column.identity
        return bool(_rewritten(context, op, _add(op.column) if made else _add_bare(op.column)))
    return False


def rewrites_for_default(context: MigrationContext, op: ops.AddColumnOp) -> bool:
    """Whether the default of a new column differs from row to row, so each has to be written."""
    if op.column.server_default is None:
        return False
    return bool(_rewritten(context, op, _add(op.column)))


def _add(column: sa.Column[Any]) -> str:
    description = str(CreateColumn(column).compile(dialect=names.DIALECT))
    return f"ALTER TABLE {NAME} ADD COLUMN {description}"


def _add_bare(column: sa.Column[Any]) -> str:
    """Return SQL for a column that nothing fills: a domain may check that, row by row."""
    kind = column.type.compile(dialect=names.DIALECT)
    return f"ALTER TABLE {NAME} ADD COLUMN {names.column(column.name)} {kind}"


def _rewritten(
    context: MigrationContext, op: ops.AlterColumnOp | ops.AddColumnOp, *changes: str
) -> bool | None:
    """Return None where it cannot be tried: a type that this revision makes, a missing cast."""
    connection = context.connection
    assert connection is not None
    like = names.quoted(op.table_name, op.schema)
    options = {"no_parameters": True}

    def run(statement: str) -> Any:
        return connection.exec_driver_sql(statement, execution_options=options)

    savepoint = connection.begin_nested()
    try:
        # In UTC, and only there, a timestamp becomes one with a time zone as it is.
        run("SET LOCAL TIME ZONE 1")
        run(f"CREATE TEMPORARY TABLE {NAME} (LIKE {like})")
        before = run(FILE).scalar()
        for change in changes:
            run(change)
        return bool(run(FILE).scalar() != before)
    except DBAPIError:
        return None
    finally:
        savepoint.rollback()
