"""Compares the catalogs of SQLite, and proposes what leads from one to the other."""

import logging
import sys
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, ops
from alembic.runtime.migration import MigrationContext
from alembic.runtime.plugins import Plugin
from alembic.util import PriorityDispatchResult
from sqlalchemy.pool import StaticPool

from migrator.autogenerate import affected_rows, comparison
from migrator.autogenerate.sqlite import proposals
from migrator.autogenerate.sqlite.change import Change, StatementOp
from migrator.autogenerate.sqlite.proposals import Operations, Side
from migrator.autogenerate.sqlite.replica import Replica, replica, statements
from migrator.catalog import Difference

log = logging.getLogger("alembic.autogenerate.sqlite")
NAME = "migrator.sqlite"
PLUGINS = (NAME,)
Statements = Mapping[tuple[str, str], tuple[str, str]]


def setup(plugin: Plugin) -> None:
    """Register the comparison with Alembic."""
    plugin.add_autogenerate_comparator(_compare, "autogenerate", qualifier="sqlite")


def _compare(context: AutogenContext, upgrade: ops.UpgradeOps) -> PriorityDispatchResult:
    """Add what changes each table that differs."""
    found = comparison.of(context.migration_context)
    tables = {each.key.name[0] for each in found.differences}
    for each in found.differences:
        log.info("Detected %s", _words(each))
    if tables:
        assert context.connection is not None
        metadata: sa.MetaData = context.migration_context.opts["target_metadata"]
        before = proposals.sides(found.existing, statements(context.connection), {})
        after = proposals.sides(found.models, _built(metadata), metadata.tables)
        with replica(context.migration_context) as copy:
            misfits = dict(_misfits(context.migration_context, found.differences))
            changes = _Changes(copy, before, after, _lossy(context), misfits)
            upgrade.ops.extend(changes.of(_visible(context, metadata, tables)))
    return PriorityDispatchResult.CONTINUE


def _words(difference: Difference) -> str:
    """Return a difference as Alembic logs one: `added column 'teams.motto'`."""
    word = "changed" if difference.property else "added" if difference.before is None else "removed"
    key = difference.key
    name = key.name[-1] if key.kind in ("index", "constraint") else ".".join(key.name)
    on = f" on '{key.name[0]}'" if key.kind in ("index", "constraint") else ""
    return f"{word} {key.kind} '{name}'{on}"


class _Changes:
    """The operations for each table, tried on a replica."""

    def __init__(
        self,
        copy: Replica,
        before: Mapping[str, Side],
        after: Mapping[str, Side],
        lossy: Collection[str],
        misfits: Mapping[str, str],
    ) -> None:
        self.copy, self.before, self.after = copy, before, after
        self.lossy, self.misfits = lossy, misfits

    def of(self, tables: Iterable[str]) -> Iterator[MigrateOperation]:
        named = list(tables)
        new = [table for table in named if table not in self.before]
        yield from self._created(new)
        for table in named:
            if table not in self.after:
                before = self.before[table]
                back = [StatementOp(before.statement(*key)) for key in before.statements]
                yield Change(table, [ops.DropTableOp(table)], back)
            elif table not in new:
                yield self._changed(table)

    def _created(self, tables: list[str]) -> Iterator[Change]:
        """Try all at once, since reading a catalog takes its time."""
        ways = {table: list(proposals.create(self.after[table])) for table in tables}
        left = dict.fromkeys(tables, 0)
        while untried := [table for table in left if left[table] < len(ways[table]) - 1]:
            with self.copy.trying():
                ran = {table for table in untried if self.copy.run(ways[table][left[table]])}
                made = self._made()
            for table in untried:
                if table in ran and made[table].same_as(self.after[table]):
                    ways[table] = ways[table][left[table] :][:1]
                    left[table] = 0
                else:
                    left[table] += 1
        for table in tables:
            yield Change(table, ways[table][left[table]], [ops.DropTableOp(table)])

    def _changed(self, table: str) -> Change:
        before, after = self.before[table], self.after[table]
        with self.copy.trying():
            forward = self._first(before, after, self.misfits)
            self.copy.run(forward)
            return Change(table, forward, self._first(after, before))

    def _first(
        self, before: Side, after: Side, misfits: Mapping[str, str] = MappingProxyType({})
    ) -> Operations:
        """Return the first way that leads exactly there; else the last one, whose proof fails."""
        way: Operations = []
        for way in proposals.change(before, after, self.lossy, misfits):
            with self.copy.trying():
                if self.copy.run(way) and self._made()[after.table].same_as(after):
                    break
        return way

    def _made(self) -> dict[str, Side]:
        return proposals.sides(self.copy.schema(), {}, {})


def _misfits(
    context: MigrationContext, differences: Iterable[Difference]
) -> Iterator[tuple[str, str]]:
    """Yield the columns with values that do not fit their new type, and how many those are."""
    for each in differences:
        if (each.key.kind, each.property) == ("column", "type"):
            table, column = each.key.name
            if number := affected_rows.count_misfits(context, table, column, str(each.after)):
                yield (
                    f"{table}.{column}",
                    f"{number} values in the development database would change, or would be none"
                    f" of type {each.after}",
                )


def _lossy(context: AutogenContext) -> set[str]:
    """Return the columns that were named with `lose=`: their values may change."""
    config = context.migration_context.config
    arguments = getattr(config.cmd_opts, "x", None) or () if config else ()
    named = (each.removeprefix("lose=") for each in arguments if each.startswith("lose="))
    return {name.strip() for each in named for name in each.split(",")}


def _visible(context: AutogenContext, metadata: sa.MetaData, tables: set[str]) -> Iterator[str]:
    """Yield the tables that the filters of env.py let through, referred ones first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)  # cycles: their order does not matter
        order = [each.name for each in metadata.sorted_tables if each.name in tables]
    for table in order:
        if context.run_object_filters(metadata.tables[table], table, "table", False, None):
            yield table
    for table in sorted(tables - set(order)):
        if context.run_name_filters(table, "table", {"schema_name": None}):
            yield table


def _built(metadata: sa.MetaData) -> Statements:
    """Return the statements that create_all runs, as SQLite keeps them."""
    with sa.create_engine("sqlite://", poolclass=StaticPool).begin() as alone:
        metadata.create_all(alone)
        return statements(alone)


Plugin.setup_plugin_from_module(sys.modules[__name__], NAME)
