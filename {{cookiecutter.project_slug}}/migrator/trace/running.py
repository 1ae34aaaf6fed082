"""Run revisions on a scratch database whose tables have rows, one after the other."""

from collections.abc import Sequence
from traceback import extract_tb
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import Script
from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from migrator.trace import catalog, judging, seeding
from migrator.trace.judging import Traced
from migrator.trace.recorder import Recorder, Step
from migrator.trace.where import Place

# Errors that depend on the rows, which are ours and not those of production.
OF_ROWS = ("22", "23")
NOT_NULL = "23502"
KNOWN = "SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns"
PATIENCE = 60  # seconds for one statement, which has three rows to work on


class RowsDoNotFit(Exception):
    """A revision fails because of the rows of `table`; `*` if the server does not say which."""

    def __init__(self, table: str) -> None:
        self.table = table


class Run:
    """One scratch database at `url`, which `config` names.

    `full` are tables (schema.name) to be filled without NULL, `empty` those to be left without
    rows; `*` is all of them.
    """

    def __init__(self, config: Config, url: URL, full: set[str], empty: set[str]) -> None:
        self.config, self.full, self.empty = config, full, empty
        # With three rows the planner would read every table from end to end.
        plans = "-c enable_seqscan=off -c enable_indexonlyscan=off"
        options = f"-c statement_timeout={PATIENCE * 1000} {plans}"
        self.engine = create_engine(url, poolclass=NullPool, connect_args={"options": options})

    def all(self, revisions: Sequence[Script], together: bool) -> list[Traced]:
        """Return what each revision did.

        Raises:
            RowsDoNotFit: one fails because of the rows.
        """
        traced: list[Traced] = []
        old: frozenset[int] | None = None
        with self.engine.connect() as connection:
            recorder = Recorder(connection)
            self.config.attributes["connection"] = connection
            for script in revisions:
                if traced and traced[-1].failure:
                    before = traced[-1].script.revision
                    traced.append(Traced(script, failure=f"not tried, because {before} fails"))
                    continue
                for parent in script._versioned_down_revisions:
                    command.upgrade(self.config, parent)
                    connection.rollback()  # reading where it is began a transaction
                notes: list[str] = []
                if old is None or not together:
                    notes = self._seed()
                    old = self._tables()
                traced.append(self._one(script, recorder, old))
                traced[-1].notes += notes
        return traced

    def _one(self, script: Script, recorder: Recorder, old: frozenset[int]) -> Traced:
        traced = Traced(script, old=old)
        path = str(script.module.__file__)
        columns = self._columns()
        with recorder.following(path) as traced.steps:
            try:
                command.upgrade(self.config, script.revision)
            except Exception as error:
                traced.failure = " ".join(str(getattr(error, "orig", error)).split())
                known = recorder.failed(traced.failure)
                self.config.attributes["connection"].rollback()
                self._refuse_rows(error, columns)
                if not known:
                    lines = [
                        f.lineno for f in extract_tb(error.__traceback__) if f.filename == path
                    ]
                    place = Place((lines or [1])[-1] or 1, False)
                    name = type(error).__name__
                    traced.steps.append(Step(name, place, 0, error=traced.failure))
        traced.problems = list(judging.judge(traced.steps, old))
        return traced

    def _refuse_rows(
        self, error: BaseException | None, columns: frozenset[tuple[str, str]]
    ) -> None:
        """Ask for other rows, if it may be they that do not fit.

        A column that this revision adds, and that is NULL where it must not be, is no such case.
        """
        while error and not isinstance(error, psycopg.Error):
            error = error.__cause__  # our operations and SQLAlchemy say it in their own words
        state = error.sqlstate if isinstance(error, psycopg.Error) else None
        if not isinstance(error, psycopg.Error) or not (state or "").startswith(OF_ROWS):
            return
        table = f"{error.diag.schema_name}.{error.diag.table_name}"
        if not error.diag.table_name:
            table = "*"
        if state == NOT_NULL and (table, error.diag.column_name) not in columns:
            return
        if table not in self.empty:
            raise RowsDoNotFit(table)

    def _seed(self) -> list[str]:
        with self._raw() as raw:
            names = {f"{schema}.{name}" for _, schema, name in raw.execute(seeding.TABLES)}
            empty = names if "*" in self.empty else self.empty
            full = names if "*" in self.full else self.full
            problems = seeding.seed(raw, full, empty)
        left = (f"{name.removeprefix('public.')} was tried without rows." for name in sorted(empty))
        return [*problems, *left]

    def _tables(self) -> frozenset[int]:
        with self._raw() as raw:
            return frozenset(catalog.look(raw).tables.values())

    def _columns(self) -> frozenset[tuple[str, str]]:
        with self._raw() as raw:
            return frozenset(raw.execute(KNOWN).fetchall())

    def _raw(self) -> Any:
        url = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(url, autocommit=True)
