"""The options of `context.configure`."""

from typing import Any

from alembic.config import Config
from alembic.util import to_tuple
from sqlalchemy import Connection

from migrator.config import models, version_table
from migrator.config.context import Context
from migrator.environment import command, guards
from migrator.environment.revision_naming import RevisionMetaData

# In PostgreSQL each revision has a transaction of its own, in SQLite too: sqlite/engine.py sees
# to that.
TRANSACTIONS = {"transactional_ddl": True, "transaction_per_migration": True}


def offline(config: Config) -> dict[str, Any]:
    """Return the options for writing SQL (`--sql`): no database, only its kind is needed."""
    return {
        "dialect_name": Context.of(config).target.dialect,
        "target_metadata": RevisionMetaData(models.metadata(config)),
        "literal_binds": True,
        **version_table.options(),
        "dialect_opts": {"paramstyle": "named"},
        **TRANSACTIONS,
    }


def online(config: Config, connection: Connection) -> dict[str, Any]:
    """Return the options for running against `connection`, on which nothing is executed.

    A statement ahead of `context.configure()` would open a transaction that Alembic then leaves
    to be rolled back. Models are imported only for commands that compare, and what compares and
    writes revisions only for those that do.

    Raises:
        UsageError: a revision would be written with the ini file of production, or a model cannot
            be imported.
        RefusedError: a command that writes was typed with the ini file of development, and the
            server is not for development.
    """
    context, runs = Context.of(config), command.running(config)
    guards.refuse_in_production(context, runs)
    guards.refuse_elsewhere(config, runs, connection)
    metadata = models.metadata(config)
    options: dict[str, Any] = {
        "connection": connection,
        "target_metadata": metadata if runs.compares or runs.writes else RevisionMetaData(metadata),
        "on_version_apply": config.attributes.get("on_version_apply", ()),
        **version_table.options(),
        **TRANSACTIONS,
    }
    if runs.compares or runs.writes:
        from migrator import autogenerate

        options |= autogenerate.options(
            connection,
            runs.typed,
            only_compares=not runs.writes,
            production=context.settings.production,
        )
    if runs.compares:
        models.import_models(config)
    if connection.dialect.name == "sqlite":
        from migrator.environment.rebuild_guard import RebuildGuard

        options["on_version_apply"] = (
            RebuildGuard.of(connection).check,
            *to_tuple(options["on_version_apply"], ()),
        )
    return options
