"""Follow each statement of a revision, and see what it does, and how long it takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from alembic.runtime.migration import MigrationContext
from psycopg.pq import TransactionStatus
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import ObjectNotExecutableError

from migrator import shadow
from migrator.postgres import sql
from migrator.trace import bare_strings, cursors, effects, transaction_state
from migrator.trace.event_log import STEP
from migrator.trace.observer import Observer
from migrator.trace.place import Place, here
from migrator.trace.row_totals import RowTotals
from migrator.trace.substitutes import Substitutes
from migrator.trace.traced_statement import Known, Step

# They take no lock, and some of them must be the first of their transaction.
SETTINGS = ("SET", "RESET", "SHOW")
MAKES = ("CREATE", "ALTER", "DROP")


class Recorder:
    """Writes down the statements of a revision.

    Args:
        substitutes: what is done for some statements.
        observer: reads what is in the database.

    `table` is the one in which Alembic keeps the version.
    """

    def __init__(self, observer: Observer, substitutes: Substitutes) -> None:
        self._observer, self._substitutes = observer, substitutes
        self.table = ""
        self._path = ""
        self._busy = False
        self._known = Known({}, {}, {})
        self._totals = RowTotals(self._known)
        self._steps: list[Step] = []
        self._broken: tuple[Step, BaseException] | None = None

    def attach(self, migration: MigrationContext) -> None:
        """Look at the connection that Alembic runs on, if env.py has opened one of its own.

        Raises:
            ShadowError: its driver cannot be followed.
        """
        self.table = migration.version_table
        if migration.connection is None:
            return
        raw = migration.connection.connection.driver_connection
        if not isinstance(raw, psycopg.Connection):
            raise shadow.ShadowError(
                "The statements of the revisions cannot be seen, because env.py runs them with"
                f" {type(raw).__module__.partition('.')[0]}, asynchronously or as another driver."
                ' Nothing was changed. Let it use config.attributes["connection"] if there is one.'
            )

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch all statements, those outside a revision that is followed only as far as needed."""
        for name in ("commit", "rollback"):
            event.listen(Engine, name, self._end_of_transaction)
        try:
            with (
                cursors.watched(self._statement, self._observer.changed),
                bare_strings.accepted(self._bare_string),
            ):
                yield
        finally:
            for name in ("commit", "rollback"):
                event.remove(Engine, name, self._end_of_transaction)

    def follow(self, path: str, known: Known) -> list[Step]:
        """Return the steps of the revision in the file `path`, which grow while it runs."""
        self._path, self._known, self._steps, self._broken = path, known, [], None
        self._totals = RowTotals(known)
        return self._steps

    def leave(self) -> None:
        """The revision has ended."""
        self._path = ""
        self._end_of_transaction()

    @property
    def rolled_back(self) -> bool:
        """Whether nothing is left of a revision that has failed: it was one transaction."""
        transactions = {step.transaction for step in self._steps} - {""}
        return len(transactions) <= 1 and all(
            step.watched and not step.committed for step in self._steps
        )

    def failed(self, error: BaseException, reason: str) -> Step | None:
        """Say that the revision ended with an error; return the statement that is the cause."""
        if self._broken is None:
            return None
        step, cause = self._broken
        seen: BaseException | None = error
        while seen and seen is not cause:
            if isinstance(seen, psycopg.errors.InFailedSqlTransaction):
                reason = " ".join(str(cause).split())  # which the revision has not rolled back
                break
            seen = seen.__cause__ or seen.__context__
        if seen is None:  # it had expected that one
            return None
        step.error = reason
        return step

    def _bare_string(self) -> bool:
        """Note that SQLAlchemy 2 refuses what a revision gives it; return that it is run."""
        place = here(self._path) if self._path else None
        if place is None:
            self._substitutes.say(bare_strings.OF_EARLIER)
            return True
        lost = {**self._steps[-1].lost} if self._steps else {}
        name = ObjectNotExecutableError.__name__
        self._steps.append(Step(name, place, lost=lost, error=bare_strings.REFUSED, of_python=True))
        return True

    @contextmanager
    def _statement(self, connection: psycopg.Connection, text: str) -> Iterator[bool]:
        in_error = connection.pgconn.transaction_status == TransactionStatus.INERROR
        if self._busy or in_error:  # ROLLBACK TO SAVEPOINT
            if in_error:
                self._observer.changed()
            yield True
            return
        place = here(self._path) if self._path else None
        self._busy = True
        try:
            if self._substitutes.refuses(connection.pgconn, text):
                yield False
            elif place is None:
                self._observer.changed()
                with self._unplaced(connection, text):
                    yield True
            else:
                with self._step(connection, text, place):
                    yield True
        finally:
            self._busy = False

    @contextmanager
    def _unplaced(self, connection: psycopg.Connection, text: str) -> Iterator[None]:
        """Let a statement of Alembic, or of an earlier revision, run unobserved."""
        session = connection.pgconn
        # That Alembic makes its own table is no other session's doing.
        ours = self._observer.log and sql.first_word(text) in MAKES
        if ours:
            session.exec_(f"SET {STEP} = 'alembic'".encode())
        with self._substitutes.tolerating(connection, text):
            yield
            self._substitutes.made(session, text)
        if ours:
            session.exec_(f"SET {STEP} = ''".encode())

    @contextmanager
    def _step(self, connection: psycopg.Connection, text: str, place: Place) -> Iterator[None]:
        session = connection.pgconn
        if sql.first_word(text) in SETTINGS and len(sql.split(text)) == 1:
            self._steps.append(Step(text, place))
            yield
            return
        idle = session.transaction_status == TransactionStatus.IDLE
        alone = connection.autocommit and idle
        ours = alone and not sql.runs_alone(text)
        if idle:
            self._observer.changed()
        first = ""
        if ours or (idle and not alone and _is_plain(connection)):
            first = "BEGIN; "  # the transaction that its locks and counters are of
        elif idle and not alone:
            connection.execute("SELECT 1")
        before = self._observer.before(session, str(len(self._steps) + 1), first)
        step = Step(text, place, before.transaction, watched=not alone or ours, committed=alone)
        self._steps.append(step)
        started = time.perf_counter()
        try:
            with self._substitutes.tolerating(connection, text, step):
                yield
        except BaseException as error:  # revisions may expect it and go on; then it was none
            self._broken = step, error
            self._observer.changed()
            step.lost = {**self._steps[-2].lost} if len(self._steps) > 1 else {}
            if ours:
                session.exec_(b"ROLLBACK")
            raise
        step.milliseconds = (time.perf_counter() - started) * 1000
        self._see(session, step, before)
        if self._observer.last.roles > before.roles or sql.first_word(text) == "CREATE":
            self._substitutes.made(session, text)
        step.kept = -time.perf_counter()
        if ours:
            session.exec_(b"COMMIT")
            self._end_of_transaction()

    def _see(
        self, session: psycopg.pq.abc.PGconn, step: Step, before: transaction_state.State
    ) -> None:
        after = self._observer.look(session, after=step.sql)
        effects.note(step, before, after, self._known)
        if not step.watched:
            return
        if not step.inserted and not step.rows:
            step.locked_rows = transaction_state.locked_rows(session, after, step.read)
            if any((oid, transaction_state.ROW_LOCKS) in after.locks for oid in step.read):
                self._observer.changed()  # that has read them, too
        step.bulk = self._totals.bulk(step)

    def _end_of_transaction(self, *_: object) -> None:
        """How long locks were kept is known only when their transaction ends."""
        for step in self._steps:
            if step.kept < 0:
                step.kept = (step.kept + time.perf_counter()) * 1000 + step.milliseconds


def _is_plain(connection: psycopg.Connection) -> bool:
    """Return whether a transaction of this connection begins like any other."""
    qualities = (connection.isolation_level, connection.read_only, connection.deferrable)
    return qualities == (None, None, None)
