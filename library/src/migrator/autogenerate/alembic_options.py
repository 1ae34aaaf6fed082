"""The options of `context.configure` with which Alembic compares and writes revisions."""

import warnings
from typing import Any

import sqlalchemy as sa
from alembic import context as alembic_context
from alembic.config import Config
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import SAWarning

from migrator import console
from migrator.autogenerate import (
    changed_columns,
    column_comparison,
    column_types,
    comparison,
    consent,
    removed_enum_values,
    replaced_types,
    schema_objects,
    split,
    whole_tables,
)
from migrator.autogenerate.constraints import PLUGINS
from migrator.autogenerate.hidden_tables import visible
from migrator.autogenerate.sqlite import comparator as sqlite
from migrator.config import histories
from migrator.config.context import Context
from migrator.errors import UsageError


def options(
    connection: sa.Connection, typed: str | None, *, only_compares: bool, production: bool
) -> dict[str, Any]:
    """Return the options of `context.configure` for commands that compare or write.

    Args:
        typed: the `alembic` command that was typed, if one was.
        only_compares: it writes nothing.
        production: nothing may be built in the database, so columns are compared as Alembic does.
    """

    def directives(
        context: MigrationContext, _revision: Any, scripts: list[ops.MigrationScript]
    ) -> None:
        process(context, scripts, typed, only_compares=only_compares)

    # Alembic sorts tables before we do; foreign keys of a cycle are no fault of the models.
    warnings.filterwarnings("ignore", "Cannot correctly sort tables", SAWarning)
    # The catalog knows them.
    warnings.filterwarnings("ignore", "Did not recognize type", SAWarning)
    # SQLAlchemy reads NOT VALID of a CHECK constraint, and does not know what to do with it.
    warnings.filterwarnings("ignore", "Can't validate argument 'dialect_options'", SAWarning)
    return {
        "include_schemas": True,
        "include_name": visible(connection),
        "include_object": _is_own,
        "autogenerate_plugins": _plugins(connection.dialect.name, production),
        "process_revision_directives": directives,
        "render_item": column_types.render_item,
        # Alembic asks PostgreSQL for `SELECT a = b`, which not every type can.
        "compare_server_default": connection.dialect.name != "postgresql",
    }


def _is_own(item: Any, _name: Any, kind: str, *_: Any) -> bool:
    """Leave out the tables of another history."""
    return kind != "table" or histories.owns(item.schema)


def _plugins(dialect: str, production: bool) -> tuple[str, ...]:
    """Return what compares; Alembic's own comparators where nothing may be built."""
    if dialect == "sqlite":
        return sqlite.PLUGINS
    return PLUGINS if production else (*PLUGINS, column_comparison.NAME)


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
    complete(context, script, lock_safe=safe, only_compares=only_compares)
    if typed == "revision" and script.upgrade_ops.is_empty():
        scripts.clear()
        console.say("The models and the database agree: no revision is needed, none was written.")
    elif not only_compares:
        if context.dialect.name == "postgresql" and not safe:
            changed_columns.complete(context, script)
        scripts[:] = split.split(context, script, lock_safe=safe)
        if typed == "revision":
            for each in scripts:
                console.say(f"Revision {each.rev_id}: {split.of(each).whole}")
        # For script.py.mako.
        config.attributes["phases"] = {each.rev_id: split.of(each).phase for each in scripts}
        config.attributes["transactional"] = {
            each.rev_id: split.of(each).transactional for each in scripts
        }


def complete(
    context: MigrationContext, script: ops.MigrationScript, *, lock_safe: bool, only_compares: bool
) -> None:
    """Ask for what is dangerous, and complete `script` from the catalogs.

    Nothing is built, and so nothing completed, in a database of production.
    """
    assert script.upgrade_ops is not None
    production = Context.of(alembic_context.config).settings.production
    if context.dialect.name != "postgresql" or production:
        if not only_compares:
            consent.ask(context, script.upgrade_ops, lock_safe=lock_safe)
        return
    compared = comparison.of(context)
    named = consent.asked("rewrite")
    changes = schema_objects.changes(context, named)
    first = [op for each in changes if not each.late for op in each.upgrade]
    whole_tables.complete(context, script, compared, first)
    if not only_compares:
        unasked = schema_objects.unasked(compared)
        also = [consent.Subject(key.kind, ".".join(key.name)) for key in unasked]
        types = [
            consent.Subject("enum", name, ["its values are others, or in another order"])
            for each in removed_enum_values.of(compared)
            if (name := removed_enum_values.called(each.key)) in named
            or removed_enum_values.is_reordered(each)
        ]
        for each in replaced_types.domains(compared):
            detail = f"it is made of {each.after['type']} then, and so are the columns"
            types.append(consent.Subject("domain", removed_enum_values.called(each.key), [detail]))
        for each in schema_objects.unlogged(compared):
            detail = f"it becomes {each.after or 'logged'}"
            types.append(consent.Subject("table", removed_enum_values.called(each.key), [detail]))
        consent.ask(context, script.upgrade_ops, lock_safe=lock_safe, also=also, types=types)
    schema_objects.complete(script, changes)


def _lock_safe(config: Config) -> bool:
    value = config.get_main_option("lock_safe", "true")
    if value not in ("true", "false"):
        raise UsageError(f"lock_safe in the ini is true or false, not {value!r}.")
    return value == "true"
