"""The copy in a shadow database of a PostgreSQL server."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from migrator import shadow
from migrator.backup import dump, programs, restore
from migrator.config.context import Context
from migrator.console import note, quantities
from migrator.database import errors
from migrator.errors import MigratorError, one_line
from migrator.rehearsal import disk, server
from migrator.rehearsal.progress import every
from migrator.rehearsal.recorder import Recorder
from migrator.rehearsal.result import Result
from migrator.rehearsal.sampler import Sampler
from migrator.rehearsal.server import Server
from migrator.rehearsal.source import Source
from migrator.rehearsal.stage import Stage, Totals, as_deployed
from migrator.rehearsal.statement import Statement


class PostgresStage(Stage):
    """The database at `url`, which the `sampler` looks at."""

    def __init__(self, context: Context, result: Result, url: URL, sampler: Sampler) -> None:
        super().__init__(context, result)
        self.url, self.sampler = url, sampler

    def restore(self, data: Path) -> None:
        """Restore a dump; roles need not exist."""
        with every(lambda: f"Restoring: {quantities.size(self.size())} in the database"):
            restore.run(self.context, data, None, lambda _: None, owners=False)

    def execute(self, file: Path) -> None:
        """Run a file of SQL in one transaction."""
        with self._connect() as connection:
            try:
                connection.execute(file.read_text(encoding="utf-8"))
            except (psycopg.Error, UnicodeDecodeError) as error:
                raise MigratorError(
                    f"{file} failed after the restore, so nothing was rehearsed and the copy is"
                    f" removed: {one_line(error, details=False)}"
                ) from None

    def settle(self) -> None:
        """Collect statistics: a restored database has none."""
        with every(lambda: "Collecting statistics"), self._connect() as connection:
            connection.execute("VACUUM (ANALYZE)")

    def size(self) -> int:
        """Return the size of the database."""
        return self.totals().size

    def totals(self) -> Totals:
        """Ask the server."""
        return self.sampler.totals()

    def take_peak(self) -> int:
        """Return the most that the database and its temporary files took."""
        peak, self.sampler.peak = self.sampler.peak, 0
        return peak

    @contextmanager
    def following(self, paths: Mapping[str, str]) -> Iterator[list[Statement]]:
        """Follow what passes psycopg."""
        recorder = Recorder(paths, self.sampler)
        with recorder.following():
            yield recorder.statements

    def _connect(self) -> psycopg.Connection[Any]:
        own = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(own, autocommit=True)


@contextmanager
def stage(context: Context, data: Source, folder: Path) -> Iterator[Stage]:
    """Yield an empty copy; see `migrator.rehearsal.stage.stage`."""
    url = server.url(context)
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            server.refuse_production(context, connection)
            there = Server.of(connection)
    except DBAPIError as error:
        raise errors.error(url, error) from None
    of = _version(context, data.path, there.version)
    room = disk.of_dump(data.path, data.size, there.data)
    note(room.sentence)
    disk.require(room)
    result = Result(data.as_dict(of), there.as_dict(), room)
    result.notes += there.notes(of)
    for each in result.notes:
        note(each)
    with ExitStack() as stack:
        made = stack.enter_context(shadow.bare(context, url))
        own = as_deployed(stack.enter_context(shadow.fenced(context, made)))
        sampler = stack.enter_context(closing(Sampler(made)))
        yield PostgresStage(own, result, made, sampler)


def _version(context: Context, file: Path, near: int) -> str:
    """Return the version of the server that a dump is of; empty if it cannot be read."""
    for found in programs.find(context, near):
        if version := dump.version_of(found, file):
            return version
    return ""
