"""Tables that autogenerate does not see: those of extensions, partitions, and accepted ones."""

from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context as alembic_context

from migrator.catalog import Difference, Key
from migrator.config import histories
from migrator.config.context import Context
from migrator.revisions import accepted_drift, log_table
from migrator.revisions.accepted_drift import AcceptedDrift

NameType = Literal[
    "schema",
    "table",
    "column",
    "index",
    "unique_constraint",
    "foreign_key_constraint",
    "check_constraint",
]
HIDDEN = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relispartition
   OR EXISTS (SELECT FROM pg_depend d
              WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
"""
# Programs such as pg_partman make tables in the schema of their extension.
OF_EXTENSIONS = """
SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
"""
Parents = MutableMapping[Literal["schema_name", "table_name", "schema_qualified_table_name"], Any]


def visible(connection: sa.Connection) -> Callable[[str | None, NameType, Parents], bool]:
    """Return a filter that hides what models do not describe: tables of an extension or in its
    schema, the partitions of a table, and what accepted_drift.toml names (unless they have models).

    A database of production may belong to others, too: there schemas without models are hidden. In
    a shadow database revisions have made everything.

    The catalog is asked at the first table, not before: a statement ahead of
    `context.configure()` would open a transaction that Alembic then leaves to be rolled back.
    """
    hidden: set[tuple[str, str]] | None = None
    accepted: AcceptedDrift | None = None

    def filter_name(name: str | None, type_: NameType, parents: Parents) -> bool:
        nonlocal hidden, accepted
        models = alembic_context.get_context().opts["target_metadata"].tables
        if type_ == "schema" and not histories.owns(name):
            return False
        if type_ == "schema":
            if name is None or name in {table.schema for table in models.values()}:
                return True
            return _may_be_ours(connection) and name not in _of_extensions(connection)
        if type_ == "table" and name == log_table.TABLE.name:
            return False
        if type_ != "table" or parents.get("schema_qualified_table_name") in models:
            return True
        if accepted is None:
            accepted = accepted_drift.read(Path(alembic_context.script.dir), "models")
        schema = parents.get("schema_name") or connection.dialect.default_schema_name
        names = (str(name),) if connection.dialect.name == "sqlite" else (str(schema), str(name))
        if not accepted.others([Difference(Key("table", names), "", {}, None)]):
            return False
        if connection.dialect.name != "postgresql":
            return True
        if hidden is None:
            hidden = {(schema, table) for schema, table in connection.execute(sa.text(HIDDEN))}
        return (schema, name) not in hidden

    return filter_name


def _may_be_ours(connection: sa.Connection) -> bool:
    production = Context.of(alembic_context.config).settings.production
    return connection.dialect.name == "postgresql" and not production


def _of_extensions(connection: sa.Connection) -> set[str]:
    return set(connection.scalars(sa.text(OF_EXTENSIONS)))
