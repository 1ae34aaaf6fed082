"""The trials of revisions on one shadow database: what is there before each, and what it did."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from traceback import extract_tb
from typing import Any

from alembic.script import Script
from sqlalchemy import Connection
from sqlalchemy.engine import URL

from migrator.trace import names, rejected_rows
from migrator.trace.database import Database
from migrator.trace.place import Place
from migrator.trace.recorder import Recorder
from migrator.trace.rejected_rows import Rows, RowsDoNotFit
from migrator.trace.schemas import Schemas
from migrator.trace.substitutes import Substitutes
from migrator.trace.traced_statement import Known, Step, Traced


class Trials:
    """The database at `url`; `rows` says what goes into it. One revision runs at a time.

    With `together`, what one revision creates is new for the next.

    Call `begin` before a revision, and `end` after it; `fail` before that if it has failed.
    """

    def __init__(self, url: URL, rows: Rows, *, together: bool) -> None:
        self.rows, self._together = rows, together
        self.database = Database(url)
        self.substitutes = Substitutes(str(url.database))
        self.recorder = Recorder(self.database.observer, self.substitutes)
        self._known = Known({}, {}, {})
        self._old: frozenset[int] | None = None
        self._schemas = Schemas()
        self._connection: Connection | None = None
        self._running: Traced | None = None
        self._alone = False
        self._problems: list[str] = []

    def close(self) -> None:
        """Close the sessions."""
        self.database.close()

    @contextmanager
    def watching(self) -> Iterator[Connection]:
        """Yield a connection for Alembic, and watch all statements."""
        with self.database.engine.connect() as self._connection, self.recorder.watching():
            yield self._connection

    @property
    def running(self) -> bool:
        """Whether a revision has begun and not ended."""
        return self._running is not None

    def prepared(self) -> None:
        """Look at what revisions have left that were not tried."""
        self.database.statistics.forget()
        self._schemas = self.database.schemas()

    def begin(self, script: Script) -> None:
        """Put rows into tables, and follow the revision."""
        if self._old is None:
            self.prepared()
        self._alone = not self._together or self._old is None
        if self._alone:
            self._problems = self.database.seed(self.rows, self._schemas.tables)
            self._old = frozenset(self._schemas.tables)
            many, rows = self.database.many(), self.database.rows()
            self._known = Known(self._schemas.used, many, rows)
        self.database.begin(self._session())
        traced = Traced(script, old=self._old or frozenset(), confirmed=self.database.log.works)
        traced.steps = self.recorder.follow(str(script.module.__file__), self._known)
        self._running = traced

    def fail(self, error: Exception) -> bool:
        """Say that the revision has failed; return whether that counts.

        It does not if other rows are there now, with which it can begin again.

        Raises:
            RowsDoNotFit: it needs others, too, but has left something in the database.
        """
        traced, known = self._traced, self._known
        traced.failure = reason(error)
        step = self.recorder.failed(error, traced.failure)
        traced.failure = step.error if step else traced.failure
        if self._connection is not None:
            self._connection.rollback()
        path = str(traced.script.module.__file__)
        table, always = rejected_rows.refused(error, self.rows, known.names)
        if (
            not table
            and step is None
            and rejected_rows.is_about_rows(error, traced.steps, self.rows)
        ):
            step, table, always = _of_python(error, path), rejected_rows.EVERY, True
        if table:
            self.recorder.leave()
            self._running = None
            unfit = RowsDoNotFit(traced.script.revision, table, step if always else None)
            if not (self._alone and self.recorder.rolled_back):
                raise unfit from None
            self.rows.change(unfit)
            self.database.clear(table, self.rows)
            self._old = None  # it begins again
            return False
        if step is None:
            lost = {**traced.steps[-1].lost} if traced.steps else {}
            traced.steps.append(replace(_of_python(error, path), lost=lost))
        return True

    def end(self) -> Traced:
        """Return what the revision did."""
        traced, known = self._traced, self._known
        self._running = None
        self.recorder.leave()
        self._schemas = self.database.schemas()
        after = self._schemas.used
        end = names.lost(known.names, after)
        if traced.failure:  # it was rolled back
            end = traced.steps[-1].lost
        names.settle([step.lost for step in traced.steps], end)
        self.rows.remind(traced.script.revision, traced.steps)
        traced.steps += self._elsewhere(traced.script, traced.steps)
        traced.notes += [*self._problems, *self.substitutes.notes()]
        self._problems = []
        traced.without_rows += self.rows.without()
        if not self._together:  # the next one is tried with rows again
            self.rows.empty.clear()
        self.database.changed(traced.steps)
        if self._together:
            self._known = replace(known, names=names.still(known.names, after))
        return traced

    @property
    def _traced(self) -> Traced:
        if self._running is None:
            raise AssertionError("no revision has begun")
        return self._running

    def _session(self) -> Any:
        if self._connection is None:
            raise AssertionError("nothing is watched")
        driver_connection: Any = self._connection.connection.driver_connection
        return driver_connection.pgconn

    def _elsewhere(self, script: Script, steps: Sequence[Step]) -> list[Step]:
        """Return what the server has seen, and none of the steps explains."""
        place = Place(script.module.upgrade.__code__.co_firstlineno, False)
        found = self.database.elsewhere(steps, self._session(), self.recorder.table)
        return [Step(each, place, watched=False, elsewhere=True) for each in found]


def _of_python(error: Exception, path: str) -> Step:
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == path]
    place = Place((lines or [1])[-1] or 1, False)
    return Step(type(error).__name__, place, error=reason(error), of_python=True)


def reason(error: BaseException) -> str:
    """Return what went wrong, in one line."""
    return " ".join(str(getattr(error, "orig", error)).split()) or type(error).__name__
