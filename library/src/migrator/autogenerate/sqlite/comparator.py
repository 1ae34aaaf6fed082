"""Compares the catalogs of SQLite, and proposes what leads from one to the other."""

import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, ops
from alembic.runtime.plugins import Plugin
from alembic.util import PriorityDispatchResult
from sqlalchemy.pool import StaticPool

from migrator.autogenerate import comparison
from migrator.autogenerate.sqlite import proposals
from migrator.autogenerate.sqlite.change import Change, StatementOp
from migrator.autogenerate.sqlite.proposals import Operations, Side
from migrator.autogenerate.sqlite.replica import Replica, replica, statements
from migrator.catalog import Key
from migrator.errors import MigratorError

NAME = "migrator.sqlite"
PLUGINS = (NAME,)
Statements = Mapping[tuple[str, str], tuple[str, str]]


def setup(plugin: Plugin) -> None:
    """Register the comparison with Alembic."""
    plugin.add_autogenerate_comparator(_compare, "autogenerate", qualifier="sqlite")


def _compare(context: AutogenContext, upgrade: ops.UpgradeOps) -> PriorityDispatchResult:
    """Add what changes each table that differs.

    Raises:
        MigratorError: nothing leads to a table.
    """
    found = comparison.of(context.migration_context)
    tables = {each.key.name[0] for each in found.differences}
    if tables:
        assert context.connection is not None
        metadata: sa.MetaData = context.migration_context.opts["target_metadata"]
        existing = statements(context.connection)
        sides = _Sides(found, existing, _built(metadata), metadata)
        with replica(context.migration_context) as copy:
            changes = _Changes(copy, sides)
            upgrade.ops.extend(changes.of(_visible(context, sides, tables)))
    return PriorityDispatchResult.CONTINUE


class _Sides:
    """Both states of each table."""

    def __init__(
        self,
        found: comparison.Comparison,
        existing: Statements,
        built: Statements,
        metadata: sa.MetaData,
    ) -> None:
        self.found, self.metadata = found, metadata
        self._existing, self._built = existing, built

    def before(self, table: str) -> Side:
        return Side.of(table, self.found.existing, self._existing, None)

    def after(self, table: str) -> Side:
        return Side.of(table, self.found.models, self._built, self.metadata.tables[table])

    def in_database(self, table: str) -> bool:
        return Key("table", (table,)) in self.found.existing.objects

    def in_models(self, table: str) -> bool:
        return Key("table", (table,)) in self.found.models.objects


class _Changes:
    """The operations for each table, tried on a replica."""

    def __init__(self, copy: Replica, sides: _Sides) -> None:
        self.copy, self.sides = copy, sides

    def of(self, tables: Iterable[str]) -> Iterator[MigrateOperation]:
        named = list(tables)
        new = [table for table in named if not self.sides.in_database(table)]
        yield from self._created(new)
        for table in named:
            if not self.sides.in_models(table):
                before = self.sides.before(table)
                back = [StatementOp(before.statement(*key)) for key in before.statements]
                yield Change(table, [ops.DropTableOp(table)], back)
            elif table not in new:
                yield self._changed(table)

    def _created(self, tables: list[str]) -> Iterator[Change]:
        """Try all at once, since reading a catalog takes its time."""
        ways = {table: list(proposals.create(self.sides.after(table))) for table in tables}
        left = dict.fromkeys(tables, 0)
        while untried := [table for table in left if left[table] < len(ways[table]) - 1]:
            with self.copy.trying():
                ran = {table for table in untried if self.copy.run(ways[table][left[table]])}
                made = self.copy.schema()
            for table in untried:
                reached = Side.of(table, made, {}, None).same_as(self.sides.after(table))
                if table in ran and reached:
                    ways[table] = ways[table][left[table] :][:1]
                    left[table] = 0
                else:
                    left[table] += 1
        for table in tables:
            yield Change(table, ways[table][left[table]], [ops.DropTableOp(table)])

    def _changed(self, table: str) -> Change:
        before, after = self.sides.before(table), self.sides.after(table)
        with self.copy.trying():
            forward = self._first(before, after)
            self.copy.run(forward)
            return Change(table, forward, self._first(after, before))

    def _first(self, before: Side, after: Side) -> Operations:
        """Return the first way that leads exactly there."""
        for way in proposals.change(before, after):
            with self.copy.trying():
                if self.copy.run(way):
                    made = Side.of(after.table, self.copy.schema(), {}, None)
                    if made.same_as(after):
                        return way
        raise MigratorError(
            f"No operation leads to the table {after.table} of the models. No revision was written."
        )


def _visible(context: AutogenContext, sides: _Sides, tables: set[str]) -> Iterator[str]:
    """Yield the tables that the filters of env.py let through, referred ones first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)  # cycles: their order does not matter
        order = [each.name for each in sides.metadata.sorted_tables]
    for table in [*order, *sorted(tables - set(order))]:
        if table not in tables:
            continue
        if sides.in_models(table):
            model = sides.metadata.tables[table]
            if context.run_object_filters(model, table, "table", False, None):
                yield table
        elif context.run_name_filters(table, "table", {"schema_name": None}):
            yield table


def _built(metadata: sa.MetaData) -> Statements:
    """Return the statements that create_all runs, as SQLite keeps them."""
    with sa.create_engine("sqlite://", poolclass=StaticPool).begin() as alone:
        metadata.create_all(alone)
        return statements(alone)


Plugin.setup_plugin_from_module(sys.modules[__name__], NAME)
