"""CHECK constraints that came, went, or have another condition.

Alembic compares them by name, with a plugin that has to be asked for. Their conditions are
compared here, on PostgreSQL, which writes a condition its own way (`IN` becomes
`= ANY (ARRAY...)`): the models' conditions are put on an empty table like the real one, and read
back.
"""

import sys
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.runtime.plugins import Plugin
from alembic.util import PriorityDispatchResult
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import conv

from migrator.operations import conditions, names

NAME = "migrator.conditions"
PLUGINS = ("alembic.autogenerate.*", "alembic.ext.checkconstraint_byname", NAME)
COPY = "migrator_conditions"
# What a dump has restored was written out and read again, which may add casts; then it settles.
READINGS = 3
CONDITIONS = (
    "SELECT conname AS name, pg_get_expr(conbin, conrelid) AS condition"
    " FROM pg_catalog.pg_constraint"
    " WHERE contype = 'c' AND conrelid = {}"
)


def setup(plugin: Plugin) -> None:
    """Register the comparison with Alembic."""
    plugin.add_autogenerate_comparator(_compare, "table", "conditions", qualifier="postgresql")


def _compare(
    context: AutogenContext,
    modify: ops.ModifyTableOps,
    schema: str | None,
    name: str,
    in_database: sa.Table | None,
    in_models: sa.Table | None,
) -> PriorityDispatchResult:
    """Replace the CHECK constraints of a table whose conditions differ."""
    if in_database is not None and in_models is not None:
        ours = {found: check for check in _checks(in_models) if (found := _name(check))}
        differing = _differing(context, names.quoted(name, schema), ours) if ours else {}
        for each, condition in differing.items():
            theirs = sa.CheckConstraint(sa.literal_column(condition), conv(each), table=in_database)
            modify.ops.append(ops.DropConstraintOp.from_constraint(theirs))
            modify.ops.append(ops.AddConstraintOp.from_constraint(ours[each]))
    return PriorityDispatchResult.CONTINUE


def _checks(table: sa.Table) -> Iterable[sa.CheckConstraint]:
    every = chain(table.constraints, *(column.constraints for column in table.columns))
    return (each for each in every if isinstance(each, sa.CheckConstraint))


def _name(check: sa.CheckConstraint) -> str:
    return names.final_name(check) if names.PREPARER.format_constraint(check) else ""


def _differing(
    context: AutogenContext, target: str, ours: Mapping[str, sa.CheckConstraint]
) -> dict[str, str]:
    """Return the database's conditions by name, where they are other ones."""
    connection = context.connection
    assert connection is not None
    theirs = _conditions(connection, target)
    both = sorted(ours.keys() & theirs.keys())
    if not both:
        return {}
    savepoint = connection.begin_nested()
    try:
        _run(connection, f"CREATE TEMPORARY TABLE {COPY} (LIKE {target})")
        return {
            name: theirs[name]
            for name in both
            if theirs[name] not in _readings(connection, ours[name])
        }
    except DBAPIError:  # may be forbidden here; names agree, which is all that Alembic asks
        return {}
    finally:
        savepoint.rollback()


def _readings(connection: sa.Connection, check: sa.CheckConstraint) -> list[str]:
    """Return how PostgreSQL writes a condition; none if it is about what is not there yet."""
    condition = _sql(check.sqltext)
    found: list[str] = []
    savepoint = connection.begin_nested()
    try:
        for number in range(READINGS):
            name = f"reading_{number}"
            _run(connection, f"ALTER TABLE {COPY} ADD CONSTRAINT {name} CHECK ({condition})")
            condition = _conditions(connection, f"pg_temp.{COPY}")[name]
            found.append(condition)
    except DBAPIError:
        return []
    finally:
        savepoint.rollback()
    return found


def _conditions(connection: sa.Connection, target: str) -> dict[str, str]:
    found = _run(connection, CONDITIONS.format(conditions.regclass(target)))
    return {row["name"]: row["condition"] for row in found.mappings()}


def _sql(condition: sa.ColumnElement[bool]) -> str:
    how = {"literal_binds": True, "include_table": False}
    return str(condition.compile(dialect=names.DIALECT, compile_kwargs=how))


def _run(connection: sa.Connection, statement: str) -> sa.CursorResult[Any]:
    return connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


Plugin.setup_plugin_from_module(sys.modules[__name__], NAME)
