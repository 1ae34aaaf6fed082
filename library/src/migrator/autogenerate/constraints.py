"""Indexes and constraints of tables that are in the database and in the models.

What differs is taken from the catalogs, in place of Alembic's comparisons, which see some of the
properties only, and others that are none: how PostgreSQL writes an expression, for example.
"""

import sys

import sqlalchemy as sa
from alembic import context as alembic_context
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.runtime.plugins import Plugin
from alembic.util import DispatchPriority, PriorityDispatchResult

from migrator.autogenerate import comparison
from migrator.autogenerate.indexes_and_constraints import Table
from migrator.catalog import Key
from migrator.config.context import Context

NAME = "migrator.constraints"
PLUGINS = ("alembic.autogenerate.*", "alembic.ext.checkconstraint_byname", NAME)
ALEMBICS = ("indexes", "foreignkeys", "checkconstraints")
KINDS = ("constraint", "index")  # a new foreign key needs the new key that it refers to
FOUND = "migrator_constraints"  # in the options of Alembic's context
Differing = dict[Key, set[str]]  # the properties of each object; "" is the whole


def setup(plugin: Plugin) -> None:
    """Register the comparison with Alembic, ahead of those that it replaces."""
    for element in ALEMBICS:
        plugin.add_autogenerate_comparator(
            _compare if element == ALEMBICS[0] else _leave_out,
            "table",
            element,
            qualifier="postgresql",
            priority=DispatchPriority.FIRST,
        )


def _is_ours(in_database: sa.Table | None, in_models: sa.Table | None) -> bool:
    # A database in production is no place to build the models' schema in.
    production = Context.of(alembic_context.config).settings.production
    return in_database is not None and in_models is not None and not production


def _leave_out(
    _context: AutogenContext,
    _modify: ops.ModifyTableOps,
    _schema: str | None,
    _name: str,
    in_database: sa.Table | None,
    in_models: sa.Table | None,
) -> PriorityDispatchResult:
    ours = _is_ours(in_database, in_models)
    return PriorityDispatchResult.STOP if ours else PriorityDispatchResult.CONTINUE


def _compare(
    context: AutogenContext,
    modify: ops.ModifyTableOps,
    schema: str | None,
    name: str,
    in_database: sa.Table | None,
    in_models: sa.Table | None,
) -> PriorityDispatchResult:
    """Propose what leads from the indexes and constraints of a table to those of its model."""
    if not _is_ours(in_database, in_models):
        return PriorityDispatchResult.CONTINUE
    assert in_database is not None and in_models is not None and context.dialect is not None
    full = (schema or str(context.dialect.default_schema_name), str(name))
    if differing := _differing(context).get(full):
        compared = comparison.of(context.migration_context)
        table = Table(context, compared, schema, in_database, in_models)
        modify.ops.extend(table.operations(differing))
    return PriorityDispatchResult.STOP


def _differing(context: AutogenContext) -> dict[tuple[str, ...], Differing]:
    """Return by table which of its objects differ, and in which properties."""
    options = context.migration_context.opts
    if FOUND not in options:
        found: dict[tuple[str, ...], Differing] = {}
        for each in comparison.of(context.migration_context).differences:
            if each.key.kind in KINDS:
                own = found.setdefault(each.key.name[:-1], {})
                own.setdefault(each.key, set()).add(each.property)
        options[FOUND] = found
    by_table: dict[tuple[str, ...], Differing] = options[FOUND]
    return by_table


Plugin.setup_plugin_from_module(sys.modules[__name__], NAME)
