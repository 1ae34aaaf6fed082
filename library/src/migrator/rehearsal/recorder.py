"""Follow each statement of the revisions that a deploy runs, and measure what it costs."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import wraps
from types import FrameType
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from migrator.errors import MigratorError, one_line
from migrator.postgres import lock_modes, sql
from migrator.rehearsal import moment
from migrator.rehearsal.moment import Moment, Relation
from migrator.rehearsal.sampler import Sampler, Seen
from migrator.rehearsal.statement import Amount, Lock, Statement
from migrator.trace import cursors
from migrator.trace.place import Place, here

# They take no lock, and some of them must be the first of their transaction.
SETTINGS = ("SET", "RESET", "SHOW")
TABLES = ("r", "p", "m")
ASKS = "migrator.deploy.non_transactional"


class Recorder:
    """Makes `statements` of what the revisions in `paths` (their files, by revision) run."""

    def __init__(self, paths: Mapping[str, str], sampler: Sampler) -> None:
        self.statements: list[Statement] = []
        self._paths = dict(paths)
        self._sampler = sampler
        self._revision = ""
        self._busy = False
        # Relations as they were before the statement, and the tables before the revision.
        self._known: dict[int, Relation] = {}
        self._old: frozenset[int] = frozenset()
        self._stale = True
        # Statements whose transaction is open, with when they began, and how long we have looked.
        self._open: list[tuple[Statement, float, float]] = []
        self._looked = 0.0

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow all statements while the block runs."""
        with ExitStack() as stack:
            stack.enter_context(cursors.watched(self._statement, self._forget))
            for name in ("commit", "rollback"):
                stack.enter_context(self._ends_transaction(name))
            yield
            self._released()

    def _forget(self) -> None:
        """A savepoint may be rolled back here, so what is known of relations may be wrong."""
        self._stale = True

    @contextmanager
    def _statement(self, connection: psycopg.Connection[Any], text: str) -> Iterator[bool]:
        place = None if self._busy else self._place()
        status = connection.pgconn.transaction_status
        if place is None or status == TransactionStatus.INERROR or self._is_setting(text):
            yield True
            return
        self._busy = True
        try:
            with self._measured(connection, text, place):
                yield True
        finally:
            self._busy = False

    @staticmethod
    def _is_setting(text: str) -> bool:
        return sql.first_word(text) in SETTINGS and len(sql.split(text)) == 1

    def _place(self) -> Place | None:
        if _asked_by_deploy():
            return None
        names = dict.fromkeys([self._revision, *self._paths]) if self._revision else self._paths
        for revision in names:
            if found := here(self._paths[revision]):
                if revision != self._revision:
                    self._revision, self._stale = revision, True
                return found
        return None

    @contextmanager
    def _measured(
        self, connection: psycopg.Connection[Any], text: str, place: Place
    ) -> Iterator[None]:
        session = connection.pgconn
        idle = session.transaction_status == TransactionStatus.IDLE
        alone = connection.autocommit and idle
        ours = alone and not sql.runs_alone(text)
        looking = time.perf_counter()
        if ours:  # it would commit by itself, and its locks were gone
            session.exec_(b"BEGIN")
        if self._stale:
            self._known, self._stale = moment.relations(session), False
            self._old = frozenset(self._known)
        before = moment.look(session)
        step = Statement(text, self._revision, place.line, transactional=not alone)
        self.statements.append(step)
        began = time.perf_counter()
        self._looked += began - looking
        self._open.append((step, began, self._looked))
        try:
            with self._sampler.watching(connection.info.backend_pid) as seen:
                yield
        except BaseException as error:
            step.seconds = time.perf_counter() - began
            step.error = one_line(error, details=False)
            if ours:
                session.exec_(b"ROLLBACK")
            self._stale = True
            self._released()
            raise
        looking = time.perf_counter()
        step.seconds = looking - began
        step.temporary = seen.temporary
        self._look_back(connection, step, before, seen, within=ours or not alone)
        self._looked += time.perf_counter() - looking
        if ours:
            session.exec_(b"COMMIT")
        if alone:
            self._released()

    def _look_back(
        self,
        connection: psycopg.Connection[Any],
        step: Statement,
        before: Moment,
        seen: Seen,
        *,
        within: bool,
    ) -> None:
        session = connection.pgconn
        if session.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.INTRANS):
            return  # in the middle of a pipeline
        try:
            after = moment.look(session)
            now = after.relations if within else moment.relations(session)
        except MigratorError:
            return
        step.wal = after.wal - before.wal
        taken = {(oid, mode) for oid, modes in after.locks.items()
                 for mode in modes - before.locks.get(oid, frozenset())}  # fmt: skip
        # Locks of a statement that ends its own transaction are seen only while it runs.
        step.locks = self._locks(taken | seen.locks if not within else taken)
        scans, read, changed = (after.grown(before, counter) for counter in range(3))
        for oid, relation in now.items():
            was = self._known.get(oid)
            new_file = was is None or (was.file != relation.file and relation.file)
            how = "created" if was is None else "rewritten"
            if new_file and relation.kind in ("r", "m", "i") and (was or relation.size):
                rows = was.rows if was else relation.rows or changed.get(oid, 0)
                step.amounts.append(Amount(relation.name, how, rows, relation.size))
            elif oid in scans and oid in self._old:
                # What transactions of its own have read has been sent to the statistics, in part.
                rows = read.get(oid, relation.rows) if within else relation.rows
                step.amounts.append(Amount(relation.name, "scanned", rows, relation.size))
        names = self._known | now
        step.changed = {names[oid].name: rows for oid, rows in changed.items() if oid in names}
        self._known |= now

    def _locks(self, taken: set[tuple[int, str]]) -> list[Lock]:
        strongest: dict[int, str] = {}
        for oid, mode in taken:
            known = self._known.get(oid)
            if oid not in self._old or known is None or known.kind not in TABLES:
                continue  # nobody waits for a new table, and an index is locked with its table
            if lock_modes.rank(mode) > lock_modes.rank(strongest.get(oid, "")):
                strongest[oid] = mode
        return [Lock(mode, self._known[oid].name) for oid, mode in strongest.items()]

    def _released(self) -> None:
        """Note how long the locks of the transaction were held, without the time of our looks."""
        now = time.perf_counter()
        for step, began, looked in self._open:
            held = max(now - began - (self._looked - looked), step.seconds)
            for lock in step.locks:
                lock.seconds = held
        self._open.clear()

    @contextmanager
    def _ends_transaction(self, name: str) -> Iterator[None]:
        original: Any = vars(psycopg.Connection)[name]

        @wraps(original)
        def ending(connection: Any, *arguments: Any, **options: Any) -> Any:
            ours = connection.pgconn.transaction_status != TransactionStatus.IDLE
            try:
                return original(connection, *arguments, **options)
            finally:
                if ours and self._open:
                    self._released()
                    self._stale = self._stale or name == "rollback"

        setattr(psycopg.Connection, name, ending)
        try:
            yield
        finally:
            setattr(psycopg.Connection, name, original)


def _asked_by_deploy() -> bool:
    """Return whether the deploy asks for something of its own while a revision runs."""
    frame: FrameType | None = sys._getframe(1)
    while frame and frame.f_globals.get("__name__") != ASKS:
        frame = frame.f_back
    return frame is not None
