"""Follow each statement of a revision, and see what it does, and how long it takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, event

from migrator import shadow
from migrator.postgres import sql
from migrator.trace import catalog, names
from migrator.trace.database import SESSION
from migrator.trace.place import here
from migrator.trace.traced_statement import Known, Step


class Recorder:
    """Writes down the statements that `connection` runs while a revision is followed."""

    def __init__(self, connection: Connection) -> None:
        self._listen(connection)
        self._path = ""
        self._known = Known({}, {})
        self._steps: list[Step] = []
        self._transaction = 0
        self._before = catalog.State()
        self._started = 0.0
        self._ours = False
        self._broken: tuple[Step, BaseException] | None = None

    def attach(self, migration: MigrationContext) -> None:
        """Follow the connection that Alembic runs on, if env.py has opened one of its own.

        Raises:
            ShadowError: its driver cannot be followed.
        """
        connection = migration.connection
        if connection is None or connection is self._connection:
            return
        raw = connection.connection.driver_connection
        if not isinstance(raw, psycopg.Connection):
            raise shadow.ShadowError(
                "The statements of the revisions cannot be seen, because env.py runs them with"
                f" {type(raw).__module__.partition('.')[0]}, asynchronously or as another driver."
                ' Nothing was changed. Let it use config.attributes["connection"] if there is one.'
            )
        for name, value in SESSION.items():
            raw.execute("SELECT set_config(%s, %s, false)", [name, str(value)])
        self._listen(connection)

    def _listen(self, connection: Connection) -> None:
        self._connection = connection
        event.listen(connection.engine, "handle_error", self._error)
        event.listen(connection, "before_cursor_execute", self._begin)
        event.listen(connection, "after_cursor_execute", self._end)
        for name in ("commit", "rollback"):
            event.listen(connection, name, self._next_transaction)

    @contextmanager
    def following(self, path: str, known: Known) -> Iterator[list[Step]]:
        """Yield the steps of the revision in the file `path`, which grow while it runs."""
        self._path, self._known, self._steps, self._broken = path, known, [], None
        try:
            yield self._steps
        finally:
            self._path = ""
            self._next_transaction()

    def failed(self, error: BaseException, reason: str) -> Step | None:
        """Say that the revision ended with an error; return the statement that is the cause."""
        if self._broken is None:
            return None
        step, cause = self._broken
        seen: BaseException | None = error
        while seen and seen is not cause:
            seen = seen.__cause__ or seen.__context__
        if seen is None:  # it had expected that one
            return None
        step.error = reason
        return step

    def _raw(self) -> Any:
        return self._connection.connection.driver_connection

    def _begin(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self._started = 0.0
        if not self._path or not (place := here(self._path)):
            return
        raw = self._raw()
        if raw.info.transaction_status.name == "INERROR":  # ROLLBACK TO SAVEPOINT
            return
        if raw.autocommit:
            self._next_transaction()
        step = Step(statement.replace("%%", "%"), place, self._transaction)
        self._ours = raw.autocommit and not sql.runs_alone(statement)
        if self._ours:  # it would commit by itself, and its locks were gone
            raw.execute("BEGIN")
        step.watched = not raw.autocommit or self._ours
        self._before = catalog.look(raw)
        self._steps.append(step)
        self._started = time.perf_counter()

    def _end(self, *_: Any) -> None:
        if not self._started:
            return
        step, before, raw = self._steps[-1], self._before, self._raw()
        step.milliseconds = (time.perf_counter() - self._started) * 1000
        self._started = 0.0
        after = catalog.look(raw)
        step.names = before.names | after.names
        step.rewritten = frozenset(catalog.rewritten(before, after))
        step.lost = names.lost(self._known.names, names.look(raw))
        if step.watched:
            tables = before.tables | after.tables
            gained = after.locks - before.locks
            # Locks on indexes come with those on their tables.
            step.locks = frozenset(lock for lock in gained if tables.get(lock[0]) == lock[0])
            step.held = frozenset(catalog.locked_tables(before, catalog.STOPS_WRITES))
            scanned = catalog.grown(before, after, 0).keys()
            step.scanned = frozenset(scanned | catalog.validated(before, after))
            step.inserted = catalog.grown(before, after, 1)
            step.rows = catalog.grown(before, after, 2)
            many = self._known.many
            step.bulk = frozenset(
                oid for oid, count in step.rows.items() if count >= many.get(oid, count + 1)
            )
        if self._ours:
            raw.execute("COMMIT")
            self._next_transaction()
        self._ours = False
        step.kept = -time.perf_counter()

    def _error(self, context: Any) -> None:
        """Revisions may expect an error and go on; then it was none."""
        if not self._started:
            return
        *before, step = self._steps
        self._broken, self._started = (step, context.original_exception), 0.0
        step.lost = {**before[-1].lost} if before else {}
        if self._ours:
            self._raw().execute("ROLLBACK")
            self._ours = False

    def _next_transaction(self, *_: Any) -> None:
        """How long locks were kept is known only when their transaction ends."""
        for step in self._steps:
            if step.kept < 0:
                step.kept = (step.kept + time.perf_counter()) * 1000 + step.milliseconds
        self._transaction += 1
