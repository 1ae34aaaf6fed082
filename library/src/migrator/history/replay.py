"""Run a history on an empty database, and see which revisions write rows that stay."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from alembic import command
from alembic.script import Script
from sqlalchemy import Connection, Engine, text

from migrator.errors import MigratorError
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
    """Which tables have rows, how many, and which revisions wrote them.

    Args:
        counts: by the table's name as SQL writes it.
        writers: the revisions that wrote to each of these tables.
    """

    counts: dict[str, int] = field(default_factory=dict)
    writers: dict[str, list[str]] = field(default_factory=dict)


def run(shadows: ShadowDatabases, engine: Engine, scripts: Sequence[Script]) -> Rows:
    """Apply `scripts` (oldest first) to the empty database of `engine`.

    Also tells `shadows` what Alembic's own table is called here.

    Raises:
        MigratorError: one of them fails.
    """
    watch = _Watch(shadows)
    with shadows.configured(engine) as copy:
        copy.config.attributes["on_version_apply"] = watch
        try:
            command.upgrade(copy.config, scripts[-1].revision)
        except Exception as error:  # a revision is somebody's Python
            failed = next((s for s in scripts if s.revision not in watch.applied), scripts[-1])
            reason = " ".join(str(getattr(error, "orig", None) or error).split()).removesuffix(".")
            raise MigratorError(
                f"Revision {failed.revision} ({failed.doc}) does not run on an empty database, so"
                f" there is nothing to compare with: {reason}. Nothing was changed; mend it, or"
                " squash up to the one before it."
            ) from error
    return watch.rows()


class _Watch:
    """Alembic's on_version_apply: looks at the tables after each revision."""

    def __init__(self, shadows: ShadowDatabases) -> None:
        self.shadows = shadows
        self.applied: list[str] = []
        self.prints: dict[str, tuple[str, int, Any]] = {}
        self.writers: dict[str, list[str]] = {}

    def __call__(self, *, ctx: Any, step: Any, **_: Any) -> None:
        schema = ctx.version_table_schema
        self.shadows.ignored = ".".join(filter(None, (schema, ctx.version_table)))
        self.applied += step.up_revision_ids
        prints = dict(_prints(ctx.connection, ctx.version_table))
        for key, (_name, count, mark) in prints.items():
            if count and (count, mark) != self.prints.get(key, ("", 0, None))[1:]:
                self.writers.setdefault(key, []).extend(step.up_revision_ids)
        self.prints = prints

    def rows(self) -> Rows:
        filled = {key: found for key, found in self.prints.items() if found[1]}
        return Rows(
            {name: count for name, count, _ in filled.values()},
            {name: self.writers[key] for key, (name, _, _) in filled.items()},
        )


def _prints(connection: Connection, own: str) -> Any:
    """Yield table, name, number of rows, and a mark that changes when a row is written."""
    if connection.dialect.name == "postgresql":
        for key, name in connection.execute(text(FILLED)).all():
            if name.rpartition(".")[2] != own:
                # xmin is the transaction that wrote a row; new columns do not change it.
                query = f"SELECT count(*), sum(xmin::text::numeric) FROM ONLY {name}"
                count, mark = connection.exec_driver_sql(query.replace("%", "%%")).one()
                yield key, (name, count, mark)
        return
    for (name,) in connection.exec_driver_sql(TABLES).all():
        if name != own:
            quoted = '"' + name.replace('"', '""') + '"'
            found = connection.exec_driver_sql(f"SELECT * FROM {quoted}").all()
            yield name, (quoted, len(found), sorted(map(repr, found)))
