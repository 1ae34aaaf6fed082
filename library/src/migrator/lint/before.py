"""The schema before revisions: as their database has it, or as the SQL of all earlier ones says."""

from collections.abc import Callable, Sequence

from alembic.script import Script, ScriptDirectory
from sqlalchemy.exc import DBAPIError

from migrator import database
from migrator.config.context import Context
from migrator.errors import MigratorError, UnreachableError
from migrator.lint import known_catalog, placed_actions
from migrator.lint.history import History, learned
from migrator.lint.known_schema import Schema
from migrator.lint.rendering import Rendered
from migrator.lint.statements.nodes import PUBLIC

# A view's definition needs a lock on what it reads, which somebody may have locked for a moment.
# Who waits for that keeps nobody waiting.
PATIENCE = "SET LOCAL lock_timeout = '5s'"


def in_database(context: Context, revisions: Sequence[Rendered]) -> History | None:
    """Return the schema of the database that `context` names, where the revisions are next.

    It is None if the catalog cannot be read.
    """
    actions = [one.action for each in revisions for one in placed_actions.of(each)]
    says_public = any(PUBLIC in one.sql for each in revisions for one in each.statements)
    try:
        with database.connect(context) as connection:
            try:
                connection.exec_driver_sql(PATIENCE)
                schema, visible = known_catalog.of_database(
                    connection, actions, says_public=says_public
                )
            finally:
                connection.rollback()
    except UnreachableError:
        raise
    except (MigratorError, DBAPIError):
        return None
    return History(lambda: schema, visible)


def in_revisions(
    directory: ScriptDirectory,
    revisions: Sequence[Script],
    render: Callable[[Sequence[Script]], list[Rendered]],
) -> History:
    """Return the schema that earlier revisions build, which are rendered if somebody asks."""

    def schema() -> Schema:
        left = ancestors(directory, revisions)
        found = render(left) if left else []
        actions = (one.action for each in found for one in placed_actions.of(each))
        return learned(actions, sure=not any(each.failure for each in found))

    return History(schema)


def ancestors(directory: ScriptDirectory, revisions: Sequence[Script]) -> list[Script]:
    """Return what was applied before the first of the revisions, oldest first."""
    looked: set[str] = {each.revision for each in revisions}
    left = [name for each in revisions for name in each._all_down_revisions]
    found: set[str] = set()
    while left:
        script = directory.get_revision(left.pop())
        if script and script.revision not in looked:
            looked.add(script.revision)
            found.add(script.revision)
            left += script._all_down_revisions
    return [each for each in directory.walk_revisions() if each.revision in found][::-1]
