"""Apply a history to an empty database, and find the revisions that write permanent rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from sqlalchemy import Connection, Engine, text

from migrator import shadow
from migrator.errors import MigratorError, one_line
from migrator.history import sqlite
from migrator.history.shadow_databases import ShadowDatabases

FILLED = """
SELECT c.oid::text, format('%I.%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND pg_relation_size(c.oid) > 0
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                  AND d.objid = c.oid AND d.deptype = 'e')
"""
TABLES = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
)


@dataclass
class Rows:
    """The tables with rows, by their names as SQL writes them.

    Args:
        counts: the number of rows in each table.
        writers: the revisions that wrote to each table.
    """

    counts: dict[str, int] = field(default_factory=dict)
    writers: dict[str, list[str]] = field(default_factory=dict)


def run(shadows: ShadowDatabases, engine: Engine, scripts: Sequence[Script]) -> Rows:
    """Apply `scripts` (oldest first) to the empty database of `engine`.

    The name of Alembic's version table is stored in `shadows.ignored`.

    Raises:
        MigratorError: a revision fails.
    """
    watch = _Watch(shadows)
    with shadows.fenced(engine) as copy:
        try:
            shadow.upgrade(copy, scripts[-1].revision, watch.follow)
        except shadow.ShadowError:
            raise
        except Exception as error:  # a revision may raise anything
            failed = next((s for s in scripts if s.revision not in watch.applied), scripts[-1])
            reason = one_line(error).removesuffix(".")
            raise MigratorError(
                f"Revision {failed.revision} ({failed.doc}) fails on an empty database, so a"
                f" squash cannot be verified: {reason}. Nothing was changed; fix the revision,"
                " or squash up to the one before it."
            ) from error
    return watch.rows()


class _Watch:
    """A callback for Alembic: inspects the tables after each revision."""

    def __init__(self, shadows: ShadowDatabases) -> None:
        self.shadows = shadows
        self.applied: list[str] = []
        self.fingerprints: dict[str, tuple[str, int, Any]] = {}
        self.writers: dict[str, list[str]] = {}

    def follow(self, migration: MigrationContext) -> None:
        """Be called after each revision, whatever env.py configures."""
        migration.on_version_apply_callbacks = (*migration.on_version_apply_callbacks, self)

    def __call__(self, *, ctx: Any, step: Any, **_: Any) -> None:
        schema = ctx.version_table_schema
        self.shadows.ignored = ".".join(filter(None, (schema, ctx.version_table)))
        self.applied += step.up_revision_ids
        fingerprints = dict(_fingerprints(ctx.connection, ctx.version_table))
        for key, (_name, count, mark) in fingerprints.items():
            if count and (count, mark) != self.fingerprints.get(key, ("", 0, None))[1:]:
                self.writers.setdefault(key, []).extend(step.up_revision_ids)
        self.fingerprints = fingerprints

    def rows(self) -> Rows:
        filled = {key: found for key, found in self.fingerprints.items() if found[1]}
        return Rows(
            {name: count for name, count, _ in filled.values()},
            {name: self.writers[key] for key, (name, _, _) in filled.items()},
        )


def _fingerprints(connection: Connection, own: str) -> Any:
    """Yield table, name, number of rows, and a value that changes when a row is written."""
    if connection.dialect.name == "postgresql":
        for key, name in connection.execute(text(FILLED)).all():
            if name.rpartition(".")[2] != own:
                # xmin is the transaction that wrote a row; adding a column does not change it.
                query = f"SELECT count(*), sum(xmin::text::numeric) FROM ONLY {name}"
                count, mark = connection.exec_driver_sql(query.replace("%", "%%")).one()
                yield key, (name, count, mark)
        return
    for (name,) in connection.exec_driver_sql(TABLES).all():
        if name != own:
            table = sqlite.quoted(name)
            found = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            yield name, (table, len(found), sorted(map(repr, found)))
