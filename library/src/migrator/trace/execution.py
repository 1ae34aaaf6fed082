"""Run revisions on a shadow database whose tables have rows, one after the other."""

from collections.abc import Sequence
from dataclasses import replace
from traceback import extract_tb

from alembic.script import Script
from sqlalchemy import Connection
from sqlalchemy.engine import URL

from migrator import shadow
from migrator.config.context import Context
from migrator.errors import MigratorError
from migrator.revisions import graph
from migrator.trace import names, unfit_rows
from migrator.trace.database import Database
from migrator.trace.place import Place
from migrator.trace.recorder import Recorder
from migrator.trace.traced_statement import Known, Step, Traced
from migrator.trace.unfit_rows import Rows


class Run:
    """One shadow database at `url`, which `context` names; `rows` says what goes into it."""

    def __init__(self, context: Context, url: URL, rows: Rows) -> None:
        self.context, self.rows = context, rows
        self.database = Database(url)

    def all(self, revisions: Sequence[Script], together: bool) -> list[Traced]:
        """Return what each revision did.

        Raises:
            RowsDoNotFit: one fails because of the rows.
            MigratorError: one fails before these.
        """
        traced: list[Traced] = []
        old: frozenset[int] | None = None
        known = Known({}, {})
        with self.database.engine.connect() as connection:
            recorder = Recorder(connection)
            self.context.config.attributes["connection"] = connection
            for script in revisions:
                if failed := next((each.script.revision for each in traced if each.failure), ""):
                    why = f"not tried, because {failed} fails"
                    traced.append(Traced(script, failure=why))
                    continue
                for parent in script._versioned_down_revisions:
                    self._prepare(connection, parent)
                notes: list[str] = []
                left: list[str] = []
                if old is None or not together:
                    many, notes, left = self.database.seed(self.rows.full, self.rows.empty)
                    old, known = self.database.tables(), Known(self.database.names(), many)
                traced.append(self._one(script, recorder, old, known))
                traced[-1].notes += notes
                traced[-1].without_rows += left
                after = self.database.names()
                known = Known({key: after[key] for key in known.names if key in after}, known.many)
        return traced

    def _prepare(self, connection: Connection, revision: str) -> None:
        try:
            shadow.upgrade(self.context, revision)
        except Exception as error:  # a revision is Python: anything may be raised
            frames = {frame.filename for frame in extract_tb(error.__traceback__)}
            scripts = graph.load(self.context).walk_revisions()
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

    def _one(self, script: Script, recorder: Recorder, old: frozenset[int], known: Known) -> Traced:
        traced = Traced(script, old=old)
        path = str(script.module.__file__)
        columns = self.database.columns()
        with recorder.following(path, known) as traced.steps:
            try:
                shadow.upgrade(self.context, script.revision, recorder.attach)
            except shadow.ShadowError:
                raise
            except Exception as error:
                traced.failure = _reason(error)
                step = recorder.failed(error, traced.failure)
                self.context.config.attributes["connection"].rollback()
                table, always = unfit_rows.refused(error, self.rows, columns)
                if table:
                    failed = step if always else None
                    raise unfit_rows.RowsDoNotFit(script.revision, table, failed) from None
                if step is None:
                    lost = {**traced.steps[-1].lost} if traced.steps else {}
                    traced.steps.append(replace(_of_python(error, path), lost=lost))
        end = names.lost(known.names, self.database.names())
        if traced.failure:  # it was rolled back
            end = traced.steps[-1].lost
        names.settle([step.lost for step in traced.steps], end)
        self.rows.remind(script.revision, traced.steps)
        return traced


def _of_python(error: Exception, path: str) -> Step:
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == path]
    place = Place((lines or [1])[-1] or 1, False)
    return Step(type(error).__name__, place, 0, error=_reason(error), of_python=True)


def _reason(error: BaseException) -> str:
    return " ".join(str(getattr(error, "orig", error)).split()) or type(error).__name__
