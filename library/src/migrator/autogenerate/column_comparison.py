"""Columns of existing tables that differ, by the catalogs: what Alembic proposes for them.

It replaces Alembic's own comparison of types, defaults, NULL and comments on PostgreSQL, which
compares texts, and defaults by `SELECT a = b`, which not every type can.
"""

import logging
import sys
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.runtime.plugins import Plugin
from alembic.util import DispatchPriority, PriorityDispatchResult

from migrator.autogenerate import column_types, comparison
from migrator.autogenerate.column_state import ColumnState, states
from migrator.catalog import Key
from migrator.operations import names
from migrator.postgres import sql

NAME = "migrator.columns"
# The first one proposes everything; each ends Alembic's own comparison of that name.
SUBGROUPS = ("types", "server_default", "nullable", "comments")
KEY = "migrator_columns"  # in the options of Alembic's context
log = logging.getLogger("alembic.autogenerate.columns")

Name = tuple[str | None, str, str]  # schema, table and column, as Alembic has them


@dataclass(frozen=True)
class Side:
    """One column, in the database or in the models: by the catalog, and for SQLAlchemy."""

    state: ColumnState
    column: sa.Column[Any]

    @property
    def name(self) -> str:
        """The name of the column."""
        return str(self.column.name)

    @property
    def default(self) -> Any:
        """What a revision sets as the default; None where there is none."""
        found = self.column.server_default
        if self.state.default is None or not isinstance(found, sa.DefaultClause):
            return self.state.default and sa.DefaultClause(sa.text(self.state.default))
        return found


@dataclass(frozen=True)
class Change:
    """A column that differs: what is in the database, and what the models have.

    `beside` are the changes of its table, this one among them.
    """

    before: Side
    after: Side
    beside: list["Change"] = field(default_factory=list, repr=False, compare=False)

    @property
    def retypes(self) -> bool:
        """Whether the type differs, or the collation."""
        old, new = self.before.state, self.after.state
        return (old.type, old.collation) != (new.type, new.collation)

    def reversed(self) -> "Change":
        """Return the way back."""
        return Change(self.after, self.before, self.beside)

    @property
    def is_derived_anew(self) -> bool:
        """Whether a generated column is made of another one whose type differs."""
        expression = self.after.state.generated or ""
        return any(
            each.retypes and sql.mentions(expression, names.column(each.after.name))
            for each in self.beside
        )


@dataclass(frozen=True)
class Columns:
    """The columns of both catalogs, and the changes that were proposed, also by table."""

    existing: dict[tuple[str, ...], ColumnState]
    models: dict[tuple[str, ...], ColumnState]
    changes: dict[Name, Change] = field(default_factory=dict)
    beside: dict[tuple[str | None, str], list[Change]] = field(default_factory=dict)


def of(context: MigrationContext) -> Columns:
    """Return the columns for a run of autogenerate."""
    if KEY not in context.opts:
        found = comparison.of(context)
        existing = states(found.existing)
        context.opts[KEY] = Columns(existing, _with_owned(existing, found))
    columns: Columns = context.opts[KEY]
    return columns


def _with_owned(
    existing: dict[tuple[str, ...], ColumnState], found: comparison.Comparison
) -> dict[tuple[str, ...], ColumnState]:
    """Return the columns of the models, numbered as in the database where the default is the same.

    A model cannot say that a column owns the sequence in its default, unless SERIAL made both.
    """
    models = states(found.models)
    for name, new in models.items():
        old = existing.get(name)
        if old and old.numbering and old.numbering.is_serial and new.numbering is None:
            said = found.existing.objects[Key("column", name)]
            if said.get("default") == new.default:
                models[name] = replace(new, default=None, numbering=old.numbering)
    return models


def change(context: MigrationContext, op: ops.AlterColumnOp) -> Change:
    """Return what an operation that was proposed here stands for."""
    return of(context).changes[(op.schema, op.table_name, op.column_name)]


def full_name(context: MigrationContext, *name: str | None) -> tuple[str, ...]:
    """Return a name, which may have no schema, as a catalog has it."""
    schema, *parts = name
    return (schema or str(context.dialect.default_schema_name), *map(str, parts))


def setup(plugin: Plugin) -> None:
    """Register the comparison with Alembic."""
    for number, subgroup in enumerate(SUBGROUPS):
        plugin.add_autogenerate_comparator(
            _stop if number else _compare,
            "column",
            subgroup,
            qualifier="postgresql",
            priority=DispatchPriority.FIRST,
        )


def _stop(*_: Any) -> PriorityDispatchResult:
    return PriorityDispatchResult.STOP


def _compare(
    context: AutogenContext,
    op: ops.AlterColumnOp,
    schema: str | None,
    table: str,
    name: str,
    in_database: sa.Column[Any],
    in_models: sa.Column[Any],
) -> PriorityDispatchResult:
    """Propose what makes the column that of the models."""
    columns = of(context.migration_context)
    key = full_name(context.migration_context, schema, table, name)
    old, new = columns.existing.get(key), columns.models.get(key)
    if old is None or new is None or old == new:
        return PriorityDispatchResult.STOP
    differing = old.differing(new)
    log.info("Detected changed column '%s.%s': %s", table, name, ", ".join(differing))
    kind = column_types.of_database(context.connection, in_database, old.type, old.collation)
    before = in_database._copy()
    before.type = kind
    beside = columns.beside.setdefault((schema, table), [])
    found = Change(Side(old, before), Side(new, in_models), beside)
    beside.append(found)
    columns.changes[(schema, table, name)] = found
    op.existing_type = kind
    op.existing_nullable = not old.not_null
    op.existing_server_default = in_database.server_default
    op.existing_comment = old.comment
    if found.retypes:
        op.modify_type = in_models.type
    if old.not_null != new.not_null:
        op.modify_nullable = not new.not_null
    if {"default", "generated", "stored", "numbering"} & set(differing):
        op.modify_server_default = in_models.server_default
    if old.comment != new.comment:
        op.modify_comment = new.comment
    return PriorityDispatchResult.STOP


Plugin.setup_plugin_from_module(sys.modules[__name__], NAME)
