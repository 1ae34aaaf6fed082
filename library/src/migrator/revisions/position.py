"""Where the database is, and what to say if this code does not have that revision."""

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from migrator.config import version_table
from migrator.config.context import Context
from migrator.config.invocation import option
from migrator.errors import RefusedError
from migrator.revisions import graph, log, missing, missing_error, squashed


def current_heads(connection: Connection) -> tuple[str, ...]:
    """Return the revisions that the database is at, and end the transaction that reading began.

    Left open, it would be taken for the caller's by Alembic, which then commits nothing.
    """
    heads = MigrationContext.configure(connection, opts=version_table.options()).get_current_heads()
    connection.rollback()
    return heads


def refuse_missing(context: Context, connection: Connection) -> None:
    """Refuse a database at a revision that this code does not have.

    Raises:
        MigratorError: it is at one; the message says where the file is.
    """
    script = graph.load(context)
    current = current_heads(connection)
    for revision in current:
        if error := squashed.error(script, revision):
            raise error
    if found := missing.find_all(context, script, current):
        raise missing_error.of(context, found, current)


def refuse_unknown(
    context: Context, connection: Connection, script: ScriptDirectory, current: tuple[str, ...]
) -> None:
    """Tell a database that is ahead of this code from one that is on another path.

    The migration log knows which revisions lie behind the one that this code does not have:
    when all heads of this code are among them, newer code has been here.
    """
    for revision in current:
        if error := squashed.error(script, revision):
            raise error
    behind = {name for revision in current for name in log.ancestors(connection, revision)}
    connection.rollback()
    ahead = set(script.get_heads()) <= behind
    if ahead and context.settings.allow_ahead:
        return
    found = missing.find_all(context, script, current)
    if not ahead:
        raise missing_error.of(context, found, current)
    names = ", ".join(current)
    if where := "; ".join(each.where for each in found if each.source):
        names += f" ({where})"
    refused = RefusedError(
        f"The database is ahead of this code: newer code has brought it to {names}, and the newest"
        f" revision here is {', '.join(script.get_heads())}. Nothing was changed. Deploy the newer"
        f" code; or, if this code works with that schema, say so with {option('--allow-ahead')}."
    )
    refused.data = missing_error.as_json(found)
    raise refused
