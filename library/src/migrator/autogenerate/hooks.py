"""What env.py gives to Alembic, so that autogenerate sees what it should and writes no more."""

from collections.abc import Callable, MutableMapping
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context as alembic_context
from alembic.config import Config
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from migrator import console
from migrator.autogenerate import consent, enums, phases, schemas, writing  # noqa: F401 - it registers itself
from migrator.config import settings
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


def needs_models(context: MigrationContext) -> bool:
    """Whether this run compares models with the database (revision --autogenerate, check)."""
    revision = context.opts.get("revision_context")
    return revision is not None and bool(revision.command_args["autogenerate"])


def refuse_in_production(config: Config, context: MigrationContext | None = None) -> None:
    """Refuse to write a revision with a configuration that is meant for deploys.

    Args:
        context: without it, before there is one, only what was typed is known; a program that
            calls Alembic shows what it wants when Alembic has configured it.

    Raises:
        UsageError: `production = true`, and the command would write a revision.
    """
    writes = _command(config) in ("revision", "merge") or (
        _command(config) is None and context is not None and "revision_context" in context.opts
    )
    if writes and settings.load(config).production:
        raise UsageError(
            f"{config.config_file_name} is for deploys: a revision is written against a"
            ' development database. Run `make revision m="..."`, or alembic without -c.'
        )


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


def process(context: MigrationContext, _revision: Any, scripts: list[ops.MigrationScript]) -> None:
    """Guard and complete what autogenerate found; Alembic's process_revision_directives hook.

    Raises:
        RefusedError: a table or column would be dropped, or a table rewritten, without having
            been named.
        UsageError: something was named that would not be, or `lock_safe` is neither true nor false.
    """
    script = scripts[0]
    if script.upgrade_ops is None or not needs_models(context):
        return
    config = alembic_context.config
    compares = _command(config) == "check"  # which writes nothing, and reports the differences
    safe = _lock_safe(config) and context.dialect.name == "postgresql"
    if not compares:
        consent.ask(context, script.upgrade_ops, lock_safe=safe)
    enums.complete(context, script)
    schemas.complete(context, script)
    if _command(config) == "revision" and script.upgrade_ops.is_empty():
        scripts.clear()
        console.say("The models and the database agree: no revision is needed, none was written.")
    elif not compares:
        scripts[:] = phases.split(context, script, lock_safe=safe)
        config.attributes["phases"] = {each.rev_id: phases.of(each) for each in scripts}


def _lock_safe(config: Config) -> bool:
    value = config.get_main_option("lock_safe", "true")
    if value not in ("true", "false"):
        raise UsageError(f"lock_safe in the ini is true or false, not {value!r}.")
    return value == "true"


def _command(config: Config) -> str | None:
    """Return the name of the alembic command that runs, None when none was typed."""
    if config.attributes.get("only_compares"):  # a deploy that verifies itself
        return "check"
    command = getattr(config.cmd_opts, "cmd", None)
    return command[0].__name__ if command else None
