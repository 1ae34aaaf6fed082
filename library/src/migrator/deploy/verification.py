"""After a deploy: is the database what it should be now?"""

from collections.abc import Sequence
from typing import Any

from alembic.autogenerate.api import RevisionContext
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from migrator.config.context import Context
from migrator.deploy.report import Report
from migrator.errors import MigratorError
from migrator.postgres import unfinished
from migrator.revisions import plan


class NotVerifiedError(MigratorError):
    """What was applied stands, and is not as it should be; the message names all that is wrong."""


def check(
    context: Context,
    connection: Connection,
    to: str,
    revisions: ScriptDirectory,
    unfinished_before: Sequence[str],
    report: Report,
) -> None:
    """Check that the target is reached, and that nothing is half done.

    Args:
        unfinished_before: what `health.unfinished` said before the deploy.

    Raises:
        NotVerifiedError: something is not as it should be.
        MigratorError: the database cannot be asked.
    """
    limits = context.settings
    after = plan.make(context, connection, to, revisions)
    if after.pending:
        raise NotVerifiedError(
            f"the deploy ended at {after.at} instead of {after.target}, without an error;"
            " look at the revisions after it for a commit or rollback of their own"
        )
    new = [name for name in unfinished.find(connection) if name not in unfinished_before]
    wrong = [f"the deploy left something unfinished: {name}" for name in new]
    checked = ["the target is reached"]
    if connection.dialect.name == "postgresql" and not new:
        checked.append("no new INVALID index or NOT VALID constraint")
    if limits.drift and to in ("head", "heads"):
        wrong += _drift(context, connection, revisions)
        checked.append("models and database agree")
    if limits.smoke_sql:
        wrong += _smoke(connection, limits.smoke_sql)
        checked.append("smoke_sql succeeds")
    if wrong:
        raise NotVerifiedError("; ".join(wrong))
    report.done("verify", ", ".join(checked))


def _drift(context: Context, connection: Connection, revisions: ScriptDirectory) -> list[str]:
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


def _smoke(connection: Connection, statement: str) -> list[str]:
    try:
        result = connection.execute(text(statement.replace(":", r"\:")))
        row = result.first() if result.returns_rows else None
    except DBAPIError as error:
        return [f"smoke_sql failed: {' '.join(str(error.orig).split())}"]
    finally:
        connection.rollback()
    failed = row is not None and row[0] is not None and not row[0]
    return [f"smoke_sql gave {row[0]!r}"] if failed and row is not None else []
