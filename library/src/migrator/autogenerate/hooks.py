"""What env.py gives to Alembic, so that autogenerate sees what it should and writes no more."""

from collections.abc import Callable, MutableMapping
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context as alembic_context
from alembic.config import Config
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from migrator import console
from migrator.autogenerate import column_types, consent, enums, phases, schemas
from migrator.autogenerate.check_constraints import PLUGINS
from migrator.errors import UsageError
from migrator.revisions import log

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
Parents = MutableMapping[Literal["schema_name", "table_name", "schema_qualified_table_name"], Any]


def options(connection: sa.Connection, typed: str | None, *, only_compares: bool) -> dict[str, Any]:
    """Return the options of `context.configure` for commands that compare or write.

    Args:
        typed: the `alembic` command that was typed, if one was.
        only_compares: it writes nothing.
    """

    def directives(
        context: MigrationContext, _revision: Any, scripts: list[ops.MigrationScript]
    ) -> None:
        process(context, scripts, typed, only_compares=only_compares)

    return {
        "include_schemas": True,
        "include_name": include_name(connection),
        "autogenerate_plugins": PLUGINS,
        "process_revision_directives": directives,
        "render_item": column_types.render_item,
        "compare_server_default": True,
    }


def include_name(connection: sa.Connection) -> Callable[[str | None, NameType, Parents], bool]:
    """Return a filter that hides what models do not describe: schemas without models, tables of an
    extension, and the partitions of a table (unless they have models).

    The catalog is asked at the first table, not before: a statement ahead of
    `context.configure()` would open a transaction that Alembic then leaves to be rolled back.
    """
    hidden: set[tuple[str, str]] | None = None

    def filter_name(name: str | None, type_: NameType, parents: Parents) -> bool:
        nonlocal hidden
        models = alembic_context.get_context().opts["target_metadata"].tables
        if type_ == "schema":  # those that no model is in are somebody else's
            return name is None or name in {table.schema for table in models.values()}
        if type_ == "table" and name == log.TABLE.name:
            return False
        if type_ != "table" or connection.dialect.name != "postgresql":
            return True
        if hidden is None:
            hidden = {(schema, table) for schema, table in connection.execute(sa.text(HIDDEN))}
        if parents.get("schema_qualified_table_name") in models:
            return True
        schema = parents.get("schema_name") or connection.dialect.default_schema_name
        return (schema, name) not in hidden

    return filter_name


def process(
    context: MigrationContext,
    scripts: list[ops.MigrationScript],
    typed: str | None,
    *,
    only_compares: bool,
) -> None:
    """Guard and complete what autogenerate found.

    Args:
        typed: the `alembic` command that was typed, if one was.
        only_compares: nothing is written, so nothing is asked for and nothing split.

    Raises:
        RefusedError: a table or column would be dropped, or a table rewritten, without having
            been named.
        UsageError: something was named that would not be, or `lock_safe` is neither true nor false.
    """
    script = scripts[0]
    revision = context.opts.get("revision_context")
    if script.upgrade_ops is None or not (revision and revision.command_args["autogenerate"]):
        return
    config = alembic_context.config
    safe = _lock_safe(config) and context.dialect.name == "postgresql"
    if not only_compares:
        consent.ask(context, script.upgrade_ops, lock_safe=safe)
    enums.complete(context, script)
    schemas.complete(context, script)
    if typed == "revision" and script.upgrade_ops.is_empty():
        scripts.clear()
        console.say("The models and the database agree: no revision is needed, none was written.")
    elif not only_compares:
        scripts[:] = phases.split(context, script, lock_safe=safe)
        config.attributes["phases"] = {each.rev_id: phases.of(each) for each in scripts}


def _lock_safe(config: Config) -> bool:
    value = config.get_main_option("lock_safe", "true")
    if value not in ("true", "false"):
        raise UsageError(f"lock_safe in the ini is true or false, not {value!r}.")
    return value == "true"
