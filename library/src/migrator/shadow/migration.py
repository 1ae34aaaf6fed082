"""Alembic's commands on a shadow database, with the proof that they ran there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import URL

from migrator import database
from migrator.config.context import Context
from migrator.console import withheld
from migrator.shadow.database import configured
from migrator.shadow.fence import ShadowError, fence

Connected = Callable[[MigrationContext], None]


@contextmanager
def fenced(context: Context, url: URL) -> Iterator[Context]:
    """Yield a copy of `context` for the commands here, on the shadow database `url`.

    Raises:
        ShadowError: as for `fence`.
    """
    with configured(context, url) as own, fence(url):
        yield own


def upgrade(
    own: Context,
    revision: str,
    connected: Connected = lambda _: None,
    revisions: ScriptDirectory | None = None,
) -> None:
    """Upgrade the shadow database of `own`, which comes from `fenced`.

    Args:
        connected: called with Alembic's context before the first revision.
        revisions: those of `own`, if they have been read already, which takes its time.

    Raises:
        ShadowError: env.py did not run the revisions there.
    """
    revisions = revisions or ScriptDirectory.from_config(own.config)
    _run(own, revision, revisions, ScriptDirectory._upgrade_revs, connected)


def downgrade(own: Context, revision: str, connected: Connected = lambda _: None) -> None:
    """Downgrade the shadow database of `own`; see `upgrade`."""
    revisions = ScriptDirectory.from_config(own.config)
    _run(own, revision, revisions, ScriptDirectory._downgrade_revs, connected)


def check(own: Context) -> None:
    """Run `alembic check` on the shadow database of `own`, which comes from `fenced`.

    Raises:
        CommandError: there are differences.
    """
    with _handed_over(own):
        command.check(own.config)


def _run(
    own: Context,
    revision: str,
    revisions: ScriptDirectory,
    find: Callable[..., Any],
    connected: Connected,
) -> None:
    def steps(heads: Any, migration: MigrationContext) -> Any:
        connected(migration)
        yield from find(revisions, revision, heads)
        commit_rest(migration)

    run(own, revisions, revision, steps, lambda heads: not [*find(revisions, revision, heads)])


def run(
    own: Context,
    revisions: ScriptDirectory,
    revision: str,
    steps: Callable[[Any, MigrationContext], Any],
    reached: Callable[[tuple[str, ...]], bool],
) -> None:
    """Run env.py once on the shadow database of `own`, which comes from `fenced`.

    Args:
        revisions: those of `own`.
        revision: where `steps`, which yields Alembic's, leads.
        reached: whether the heads that are in the database afterwards are the right ones.

    Raises:
        ShadowError: env.py did not run the steps there.
    """
    seen: list[MigrationContext] = []

    def seeing(heads: Any, migration: MigrationContext) -> Any:
        seen.append(migration)
        yield from steps(heads, migration)

    environment = EnvironmentContext(own.config, revisions, fn=seeing, destination_rev=revision)
    with _handed_over(own) as connection:
        with environment, withheld.prints():
            revisions.run_env()
        if seen:
            names = {
                "version_table": seen[0].version_table,
                "version_table_schema": seen[0].version_table_schema,
            }
            there = MigrationContext.configure(connection, opts=names).get_current_heads()
            connection.rollback()
            if reached(there):
                return
    raise not_there()


def commit_rest(migration: MigrationContext) -> None:
    """Commit what a revision leaves open that has ended its transaction by itself.

    Its version is in a transaction that began by itself. Alembic commits it with the next revision,
    and here there may be none.
    """
    own, connection = migration._transaction, migration.connection
    if connection is None or migration._in_external_transaction or (own and own.is_active):
        return
    if (left := connection.get_transaction()) is not None:
        left.commit()


def not_there() -> ShadowError:
    """Return the error for an env.py after which the shadow database is not at the revision."""
    return ShadowError(
        "env.py did not run the revisions on the shadow database that this command works on, so"
        " nothing can be said about them, and nothing was changed. Let it use"
        ' config.attributes["connection"] if there is one, call context.run_migrations() and'
        " commit."
    )


@contextmanager
def _handed_over(own: Context) -> Iterator[Connection]:
    """Hand a connection to env.py, unless the caller has handed over one of its own."""
    attributes = own.config.attributes
    if "connection" in attributes:
        yield attributes["connection"]
        return
    with database.connect(own, anywhere=True) as connection:
        attributes["connection"] = connection
        try:
            yield connection
        finally:
            del attributes["connection"]
