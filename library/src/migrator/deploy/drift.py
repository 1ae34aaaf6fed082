"""Drift: how the database differs from the models, as a deploy says it."""

from typing import Any

from alembic.autogenerate.api import RevisionContext
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from migrator.config.context import Context


def found(context: Context, connection: Connection, revisions: ScriptDirectory) -> list[str]:
    """Compare the models with the database as `alembic check` does, through env.py."""
    arguments = {"autogenerate": True, "sql": False, "head": "head"}
    unused = ("message", "splice", "branch_label", "version_path", "rev_id", "depends_on")
    comparison = RevisionContext(
        context.config,
        revisions,
        dict.fromkeys(unused) | arguments,
    )

    def compare(heads: Any, migration: MigrationContext) -> list[Any]:
        comparison.run_autogenerate(heads, migration)
        return []

    context.config.attributes["connection"] = connection
    try:
        with EnvironmentContext(
            context.config,
            revisions,
            fn=compare,
            as_sql=False,
            template_args=comparison.template_args,
            revision_context=comparison,
            only_compares=True,
        ):
            revisions.run_env()
    finally:
        del context.config.attributes["connection"]
        connection.rollback()
    found = comparison.generated_revisions[-1].upgrade_ops_list
    changes = [_words(diff) for each in found for diff in each.as_diffs()]
    if not changes:
        return []
    more = f" and {len(changes) - 5} more" if len(changes) > 5 else ""
    return [f"models and database differ: {', '.join(changes[:5])}{more}"]


def _words(diff: object) -> str:
    first = diff[0] if isinstance(diff, list | tuple) and diff else diff
    if isinstance(first, tuple):  # several changes of one column
        diff, first = first, first[0]
    parts = diff[1:] if isinstance(diff, tuple) else ()
    names = [str(getattr(part, "name", part)) for part in parts if part is not None]
    return " ".join([str(first).replace("_", " "), ".".join(names[:3])])
