"""How an operation's statements run: outside a transaction, or into the SQL of `--sql`.

Each statement is committed when it has run, so an operation that is cut off is half done.
Therefore each looks at the catalog first and does what is still missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from migrator.config.context import Context
from migrator.config.settings import Settings
from migrator.errors import MigratorError, UsageError
from migrator.postgres import durability

# `repeatable` tells a deploy that it may run the revision again from its start. A percent sign
# is one only without parameters.
OPTIONS = {"no_parameters": True, "repeatable": True}
LOOKS = {**OPTIONS, "looks": True}  # to a deploy: the statement leaves nothing in the database
IDLE = 0  # of libpq's states of a transaction: there is none


class Session:
    """The database as an operation sees it; `offline` when there is none (`--sql`)."""

    def __init__(self, context: MigrationContext) -> None:
        self.context = context
        self.offline = context.as_sql
        self._expected: list[tuple[str, str]] = []

    @cached_property
    def config(self) -> Settings:
        """The settings of the ini file."""
        config = self.context.config
        return Context.of(config).settings if config else Settings()

    @property
    def lock_deadline(self) -> float:
        """Seconds that a statement which blocks nobody may wait for others; 0: for ever."""
        return self.config.lock_deadline

    def rows(self, query: str, *, looks: bool = False) -> list[Any]:
        """Run a query or a statement in the database, which has to be there.

        Args:
            looks: it leaves nothing there, although it is no query.
        """
        assert self.context.connection is not None
        options = LOOKS if looks else OPTIONS
        result = self.context.connection.exec_driver_sql(query, execution_options=options)
        return list(result.all()) if result.returns_rows else []

    def ask(self, query: str, parameters: Sequence[str]) -> list[Any]:
        """Run a query with parameters, each a `%s` in it."""
        assert self.context.connection is not None
        options = {"repeatable": True}
        return list(
            self.context.connection.exec_driver_sql(
                query, tuple(parameters), execution_options=options
            )
        )

    def scalar(self, query: str) -> Any:
        """Return the first value, None if there is no row."""
        found = self.rows(query)
        return found[0][0] if found else None

    def run(self, statement: str) -> None:
        """Run one statement, or write it."""
        if self.offline:
            self.context.impl.static_output(f"{statement};")
        else:
            self.rows(statement)

    def holds(self, condition: str) -> bool:
        """Ask the catalog whether `condition`, an expression in SQL, is true."""
        return bool(self.scalar(f"SELECT {condition} FROM pg_catalog.pg_class LIMIT 1"))

    def run_if(self, condition: str, statement: str) -> None:
        """Run a statement if `condition` holds; offline, the server looks by itself."""
        if self.offline:
            self.run(block(f"IF {condition} THEN\n    {statement};\n  END IF;"))
        elif self.holds(condition):
            self.run(statement)

    def run_unless(self, condition: str, statement: str) -> None:
        """Run a statement unless `condition` holds."""
        self.run_if(f"NOT {condition}", statement)

    def run_together(self, statements: Sequence[tuple[str, str]], ready: str = "true") -> None:
        """Run the statements whose conditions hold, in one transaction.

        Args:
            statements: each behind its condition, which is asked before the first one runs.
            ready: a condition for all of them, which written SQL asks: what went before may have
                failed.
        """
        if self.offline:
            inner = " ".join(
                f"IF {condition} THEN {statement}; END IF;" for condition, statement in statements
            )
            self.run(block(f"IF {ready} THEN\n    {inner}\n  END IF;"))
        elif chosen := [each for condition, each in statements if self.holds(condition)]:
            # Several statements that are sent together are one transaction.
            self.run("; ".join(chosen))

    def expect(self, condition: str, otherwise: str) -> None:
        """Let written SQL stop if `condition` does not hold in the end, saying `otherwise`.

        A statement outside a transaction that fails stops nothing: psql goes on with the next
        statement, and would mark the revision as applied.
        """
        if self.offline:
            self._expected.append((condition, otherwise))

    def stop_unless_done(self) -> None:
        """Write what `expect` has collected, inside the transaction that marks the revision."""
        for condition, otherwise in self._expected:
            message = "'" + otherwise.replace("'", "''").replace("%", "%%") + "'"
            self.run(block(f"IF NOT {condition} THEN\n    RAISE EXCEPTION {message};\n  END IF;"))

    @contextmanager
    def settings(self, **values: str) -> Iterator[None]:
        """Set what PostgreSQL has, by its names, for a while."""
        asked = ", ".join(f"current_setting('{name}')" for name in values)
        ((*before,),) = self.rows(f"SELECT {asked}")
        self._set(values)
        try:
            yield
        finally:
            with suppress(DBAPIError):  # a broken connection says so by itself
                self._set(dict(zip(values, before, strict=True)))

    def _set(self, values: Mapping[str, str]) -> None:
        each = (f"set_config('{name}', '{value}', false)" for name, value in values.items())
        self.rows(f"SELECT {', '.join(each)}")

    @contextmanager
    def limits(self, **seconds: float) -> Iterator[None]:
        """Set timeouts, by PostgreSQL's names, for what takes long and blocks nobody; 0 is none."""
        if self.offline:
            yield
            return
        with self.settings(**{name: f"{round(value * 1000)}" for name, value in seconds.items()}):
            yield

    @contextmanager
    def committing_locally(self, what: str) -> Iterator[None]:
        """Commit many times without waiting for a standby, and wait for it in the end.

        Raises:
            MigratorError: no standby confirms it.
        """
        connection, level = self.context.connection, self.scalar("SHOW synchronous_commit")
        assert connection is not None
        if level in durability.ALONE:
            yield
            return
        with self.settings(synchronous_commit="local"):
            yield
        if why := durability.unconfirmed(connection, self.config.standby_timeout, level):
            raise MigratorError(f"{what}: {why}")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Set the limits for a statement that reads a whole table and blocks nobody.

        It may take any time. A session without a lock_timeout, as in development, gets one.
        """
        bounded = self.offline or self.scalar("SHOW lock_timeout") != "0"
        with self.limits(
            statement_timeout=0, **({} if bounded else {"lock_timeout": self.lock_deadline})
        ):
            yield


@contextmanager
def outside_transaction(operations: Operations, name: str) -> Iterator[Session]:
    """Yield a session outside the revision's transaction.

    Args:
        name: the operation's, for the messages.

    Raises:
        MigratorError: something was changed in the transaction, which would have to be committed
            here although the rest of the revision may still fail.
        UsageError: the transaction is not Alembic's own.
    """
    context = operations.migration_context
    session = Session(context)
    if not session.offline:
        assert context.connection is not None
        driver: Any = context.connection.connection.dbapi_connection
        # SQLAlchemy would ask the server, in a transaction that it begins for it.
        if driver.autocommit:
            yield session
            return
        if context._in_external_transaction:
            raise UsageError(
                f"op.{name} cannot run inside a transaction, and the connection that was given to"
                " Alembic is in one. Commit before, or give Alembic an Engine."
            )
        info = getattr(driver, "info", None)
        is_idle = info is not None and info.transaction_status == IDLE
        if not is_idle and session.holds("txid_current_if_assigned() IS NOT NULL"):
            raise MigratorError(
                f"op.{name} would commit what this revision has changed before it, so a failure"
                " after it would leave half a revision. Put it first, or into a revision of its own"
                " (transactional = False)."
            )
    with context.autocommit_block():
        yield session
    session.stop_unless_done()


def block(body: str, variables: str = "") -> str:
    """Return a DO block, quoted so that the body may hold any text.

    Args:
        variables: their declarations.
    """
    tag = "$do$"
    while tag in body:
        tag = f"$do{len(tag)}$"
    declared = f"DECLARE {variables}\n" if variables else ""
    return f"DO {tag} {declared}BEGIN\n  {body}\nEND {tag}"


def state_of(error: DBAPIError) -> str:
    """Return PostgreSQL's five-letter code of an error."""
    return getattr(error.orig, "sqlstate", None) or ""
