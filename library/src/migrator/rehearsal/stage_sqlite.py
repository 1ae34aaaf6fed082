"""The copy of an SQLite file, in a folder that is removed."""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from migrator import shadow
from migrator.backup import restore
from migrator.config.context import Context
from migrator.console import note
from migrator.errors import MigratorError, one_line
from migrator.postgres import sql
from migrator.rehearsal import disk
from migrator.rehearsal.result import Result
from migrator.rehearsal.source import Source
from migrator.rehearsal.stage import Stage, Totals, as_deployed
from migrator.rehearsal.statement import Lock, Statement
from migrator.trace.place import here

FILE = "copy.db"
WHOLE = "the whole file"
WRITES = "ExclusiveLock"  # it lets others read until the commit
SETTINGS = ("PRAGMA", "BEGIN", "SAVEPOINT", "RELEASE")


class SqliteStage(Stage):
    """The file at `path`."""

    def __init__(self, context: Context, result: Result, path: Path) -> None:
        super().__init__(context, result)
        self.path = path

    def restore(self, data: Path) -> None:
        """Copy the file."""
        restore.run(self.context, data, None, lambda _: None)

    def execute(self, file: Path) -> None:
        """Run a file of SQL."""
        with closing(sqlite3.connect(self.path)) as connection:
            try:
                connection.executescript(file.read_text(encoding="utf-8"))
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise MigratorError(
                    f"{file} failed after the restore, so nothing was rehearsed and the copy is"
                    f" removed: {one_line(error)}"
                ) from None

    def settle(self) -> None:
        """Do nothing: its statistics are in the file."""

    def size(self) -> int:
        """Return the size of the file."""
        return self.path.stat().st_size if self.path.exists() else 0

    def totals(self) -> Totals:
        """Return the size alone: a rollback journal is removed with each commit."""
        return Totals(0, self.size(), 0)

    def take_peak(self) -> int:
        """Return the size of the file."""
        return self.size()

    @contextmanager
    def following(self, paths: Mapping[str, str]) -> Iterator[list[Statement]]:
        """Follow what passes SQLAlchemy."""
        recorder = _Recorder(paths)
        for name, listener in recorder.listeners.items():
            event.listen(Engine, name, listener)
        try:
            yield recorder.statements
        finally:
            for name, listener in recorder.listeners.items():
                event.remove(Engine, name, listener)


@contextmanager
def stage(context: Context, data: Source, folder: Path) -> Iterator[Stage]:
    """Yield an empty copy; see `migrator.rehearsal.stage.stage`."""
    room = disk.of_file(data.path, folder)
    note(room.sentence)
    disk.require(room)
    version = {"version": sqlite3.sqlite_version, "settings": {}}
    result = Result(data.as_dict(""), version, room)
    path = folder / FILE
    with shadow.fenced(context, context.target.url.set(database=str(path))) as own:
        yield SqliteStage(as_deployed(own), result, path)


class _Recorder:
    """Makes `statements` of what the revisions run."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        self.statements: list[Statement] = []
        self._paths = paths
        self._open: list[tuple[Statement, float]] = []
        self.listeners = {
            "before_cursor_execute": self._before,
            "after_cursor_execute": self._after,
            "commit": self._released,
            "rollback": self._released,
        }

    def _before(self, _connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if sql.first_word(statement) in SETTINGS:
            return
        for revision, path in self._paths.items():
            if place := here(path):
                step = Statement(statement, revision, place.line)
                self.statements.append(step)
                self._open.append((step, time.perf_counter()))
                return

    def _after(self, _connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if not self._open or self._open[-1][0].sql != statement:
            return
        step, began = self._open[-1]
        step.seconds = time.perf_counter() - began
        if not sql.only_reads(statement):
            step.locks = [Lock(WRITES, WHOLE)]

    def _released(self, *_: Any) -> None:
        now = time.perf_counter()
        for step, began in self._open:
            for lock in step.locks:
                lock.seconds = now - began
        self._open.clear()
