"""Run revisions on a shadow database whose tables have rows, one after the other."""

from collections.abc import Sequence
from dataclasses import replace
from traceback import extract_tb
from typing import Any

from alembic.script import Script
from sqlalchemy import Connection
from sqlalchemy.engine import URL

from migrator import shadow
from migrator.config.context import Context
from migrator.errors import MigratorError
from migrator.revisions import graph
from migrator.trace import names, unfit_rows
from migrator.trace.catalog import Schemas
from migrator.trace.database import Database
from migrator.trace.place import Place
from migrator.trace.recorder import Recorder
from migrator.trace.substitutes import Substitutes
from migrator.trace.traced_statement import Known, Step, Traced
from migrator.trace.unfit_rows import Rows, RowsDoNotFit


class Run:
    """One shadow database at `url`, which `context` names; `rows` says what goes into it."""

    def __init__(self, context: Context, url: URL, rows: Rows) -> None:
        self.context, self.rows = context, rows
        self.database = Database(url)
        self.substitutes = Substitutes(str(url.database))
        self.recorder = Recorder(self.database.observer, self.substitutes)
        self._revisions = graph.load(context)
        self._applied: set[str] = set()
        self._known = Known({}, {}, {})
        self._old: frozenset[int] | None = None
        self._schemas = Schemas()

    def close(self) -> None:
        """Close the sessions."""
        self.database.close()

    def all(self, revisions: Sequence[Script], together: bool, traced: list[Traced]) -> None:
        """Add to `traced` what each revision did that is not there yet.

        Raises:
            RowsDoNotFit: one fails because of the rows, and has committed something before.
            MigratorError: one fails before these.
        """
        with self.database.engine.connect() as connection, self.recorder.watching():
            self.context.config.attributes["connection"] = connection
            for script in revisions[len(traced) :]:
                if failed := next((each.script.revision for each in traced if each.failure), ""):
                    why = f"not tried, because {failed} fails"
                    traced.append(Traced(script, failure=why))
                    continue
                for parent in script._versioned_down_revisions:
                    if parent not in self._applied:
                        self._prepare(connection, parent)
                traced.append(self._fitting(script, together))
                self._applied.add(script.revision)

    def _prepare(self, connection: Connection, revision: str) -> None:
        try:
            shadow.upgrade(self.context, revision, revisions=self._revisions)
        except Exception as error:  # a revision is Python: anything may be raised
            frames = {frame.filename for frame in extract_tb(error.__traceback__)}
            scripts = self._revisions.walk_revisions()
            failed = next((s for s in scripts if s.module.__file__ in frames), None)
            if failed is None and isinstance(error, MigratorError):
                raise
            raise MigratorError(
                f"Revision {failed.revision if failed else revision} fails on the shadow database,"
                " before those that were to be checked; it would fail on every new database, too"
                f" ({type(error).__name__}: {_reason(error)}). Fix it so that it needs neither"
                " rows nor settings of another database."
            ) from error
        connection.rollback()  # reading where it is began a transaction
        self._applied.add(revision)
        self._schemas = self.database.schemas()

    def _fitting(self, script: Script, together: bool) -> Traced:
        """Run a revision, and again with other rows if these do not fit and it left nothing."""
        alone = self._old is None or not together
        while True:
            problems = []
            if alone:
                problems = self.database.seed(self.rows)
                schemas = self._schemas
                self._old = frozenset(schemas.tables.values())
                many, rows = self.database.many(), self.database.rows()
                self._known = Known(schemas.used, many, rows)
            try:
                traced = self._one(script)
            except RowsDoNotFit as error:
                if not (alone and self.recorder.rolled_back):
                    raise
                self.rows.change(error)
                self.database.clear(error.table)
                continue
            break
        traced.notes += [*problems, *self.substitutes.notes()]
        traced.without_rows += self.rows.without()
        if not together:  # the next one is tried with rows again
            self.rows.empty.clear()
        self.database.changed(traced.steps)
        after = self._schemas.used
        kept = {key: after[key] for key in self._known.names if key in after}
        self._known = replace(self._known, names=kept)
        return traced

    def _one(self, script: Script) -> Traced:
        known = self._known
        confirmed = self.database.log.works
        traced = Traced(script, old=self._old or frozenset(), confirmed=confirmed)
        path = str(script.module.__file__)
        self.database.log.forget()
        self.database.statistics.forget(self._session())
        with self.recorder.following(path, known) as traced.steps:
            try:
                shadow.upgrade(self.context, script.revision, self.recorder.attach, self._revisions)
            except shadow.ShadowError:
                raise
            except Exception as error:
                traced.failure = _reason(error)
                step = self.recorder.failed(error, traced.failure)
                self.context.config.attributes["connection"].rollback()
                table, always = unfit_rows.refused(error, self.rows, known.names)
                if table:
                    failed = step if always else None
                    raise RowsDoNotFit(script.revision, table, failed) from None
                if step is None:
                    lost = {**traced.steps[-1].lost} if traced.steps else {}
                    traced.steps.append(replace(_of_python(error, path), lost=lost))
        self._schemas = self.database.schemas()
        end = names.lost(known.names, self._schemas.used)
        if traced.failure:  # it was rolled back
            end = traced.steps[-1].lost
        names.settle([step.lost for step in traced.steps], end)
        self.rows.remind(script.revision, traced.steps)
        traced.steps += self._elsewhere(script, traced.steps)
        return traced

    def _session(self) -> Any:
        return self.context.config.attributes["connection"].connection.driver_connection.pgconn

    def _elsewhere(self, script: Script, steps: Sequence[Step]) -> list[Step]:
        """Return what the server has seen, and none of the steps explains."""
        place = Place(script.module.upgrade.__code__.co_firstlineno, False)
        written = self.database.statistics.unexplained(steps, self._session(), self.recorder.table)
        found = [*self.database.log.unexplained(), *written]
        return [Step(each, place, watched=False, elsewhere=True) for each in found]


def _of_python(error: Exception, path: str) -> Step:
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == path]
    place = Place((lines or [1])[-1] or 1, False)
    return Step(type(error).__name__, place, error=_reason(error), of_python=True)


def _reason(error: BaseException) -> str:
    return " ".join(str(getattr(error, "orig", error)).split()) or type(error).__name__
