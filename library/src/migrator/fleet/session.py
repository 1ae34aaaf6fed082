"""One connection that serves many tenants of a database, inside env.py, which runs once for all."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.sql import Literal
from sqlalchemy import Connection

from migrator import database
from migrator.config.context import Context
from migrator.config.ending import contained
from migrator.errors import MigratorError
from migrator.fleet.tenant import path
from migrator.postgres import durability
from migrator.postgres.session_state import LEFT, RESET, SessionState
from migrator.revisions.deploy_lock_postgres import KEY

Applied = Callable[..., None]


class Session:
    """The session; in no transaction when one of its methods is called.

    Args:
        connection: whose state now is that which each tenant begins with.
        migration: Alembic's context, which env.py has configured.
        extra: further schemas of the search path.
    """

    def __init__(
        self, connection: Connection, migration: MigrationContext, extra: Sequence[str]
    ) -> None:
        self.connection = connection
        self.migration = migration
        self.extra = extra
        self.on_applied: Applied = lambda **_: None
        # Each tenant has one, as its position says; Alembic would ask the catalog for each.
        migration._has_version_table = lambda: True  # type: ignore[method-assign]
        state = SessionState.of(connection)
        connection.commit()
        names = ("search_path", "application_name")
        self.settings = [pair for pair in state.settings if pair[0] not in names]

    def enter(self, schema: str) -> bool:
        """Go to a tenant, as if newly connected, and take its deploy lock.

        Returns:
            Whether it was free.
        """
        raw: Any = self.connection.connection.dbapi_connection
        raw.autocommit = True
        try:
            statement = f"{LEFT}; {self._settings(schema)}; SELECT pg_try_advisory_lock({KEY})"
            cursor = raw.execute(statement)
            while cursor.nextset():
                pass
            return bool(cursor.fetchone()[0])
        finally:
            if not raw.closed:
                raw.autocommit = False

    def settle(self, schema: str) -> None:
        """Set what a revision has changed back, in the transaction that is open."""
        options = {"no_parameters": True, "repeatable": True}
        self.connection.exec_driver_sql(self._settings(schema), execution_options=options)

    def leave(self) -> None:
        """Release the deploy lock of the tenant."""
        self.connection.rollback()
        raw: Any = self.connection.connection.dbapi_connection
        raw.autocommit = True
        raw.execute("SELECT pg_advisory_unlock_all()")
        raw.autocommit = False

    def _settings(self, schema: str) -> str:
        wanted = [
            *self.settings,
            ("search_path", path(schema, self.extra)),
            ("application_name", f"migrate:{schema}"),
        ]
        each = (f"set_config({_literal(name)}, {_literal(value)}, false)" for name, value in wanted)
        return "; ".join((*RESET, f"SELECT {', '.join(each)}"))


def _literal(text: str) -> str:
    return Literal(text).as_string(None)


@contextmanager
def connected(context: Context) -> Iterator[Connection]:
    """Yield the connection for a session, whose commits wait for no standby.

    Raises:
        MigratorError: the database cannot be reached.
    """
    with database.connect(context) as connection:
        durability.commit_locally(connection)
        yield connection


def inside(
    context: Context,
    revisions: ScriptDirectory,
    connection: Connection,
    extra: Sequence[str],
    work: Callable[[Session], None],
) -> None:
    """Run env.py with `connection`, and call `work` where it would run revisions.

    Raises:
        MigratorError: env.py has not run them there.
    """
    made: list[Session] = []

    def applied(**values: Any) -> None:
        made[0].on_applied(**values)

    def steps(_: Any, migration: MigrationContext) -> Iterator[Any]:
        connection.rollback()
        if migration.connection is not None and not made:
            made.append(Session(connection, migration, extra))
            work(made[0])
        return iter(())

    attributes = context.config.attributes
    attributes.update(connection=connection, on_version_apply=applied)
    try:
        environment = EnvironmentContext(
            context.config, revisions, fn=steps, destination_rev="heads"
        )
        with environment, contained():
            revisions.run_env()
    finally:
        for name in ("connection", "on_version_apply"):
            attributes.pop(name, None)
    if not made:
        raise MigratorError(
            "env.py runs no revisions on the connection that it is given, so that nothing was"
            ' changed. Let it use config.attributes["connection"] and call'
            " context.run_migrations()."
        )
