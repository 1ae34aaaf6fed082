"""Back up and restore an SQLite file with SQLite's backup API, which copies a consistent state."""

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from migrator import database
from migrator.backup import storage
from migrator.backup.storage import Restored
from migrator.config.context import Context
from migrator.errors import LockTimeout, MigratorError, RefusedError, UsageError
from migrator.revisions import position

TABLES = r"""
SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
"""


def dump(context: Context, at: str, output: Path | None) -> tuple[Path, int, storage.Storage]:
    """Make and verify a copy; see `backup.take`.

    Returns:
        The path of the copy, the number of tables in it, and where backups of this database are
        kept.
    """
    source_path = Path(context.target.url.database or "").absolute()
    own = kept(context)
    if output is None:
        own.remove_abandoned()
    try:
        with (
            database.connect_autocommit(context, anywhere=True) as connected,
            storage.new_file([output] if output else own.new(at)) as (part, path),
        ):
            source = connected.connection.driver_connection
            assert isinstance(source, sqlite3.Connection)
            # If another process holds a lock, BEGIN fails after the busy timeout, while backup()
            # would wait forever. After it nobody can write, so that both counts see one state.
            source.execute("BEGIN")
            expected, size = _count(source), _size(source)
            own.require_space(size, part.parent)
            _copy(source, part)
            with _open(part) as copy:
                tables = _check(copy)
            source.execute("ROLLBACK")
            if tables != expected:
                raise storage.failed(
                    f"the copy has {tables} tables and the database has {expected}"
                )
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise LockTimeout(
                f"No backup was made: another process has locked {source_path}; nothing was"
                " changed. Run this again when that process has ended."
            ) from None
        raise storage.failed(f"SQLite reported {str(error)!r} for {source_path}") from None
    return path, tables, own


def kept(context: Context) -> storage.Storage:
    """Return where the backups of the database are kept."""
    source_path = Path(context.target.url.database or "").absolute()
    folder = hashlib.sha256(os.fsencode(source_path.parent)).hexdigest()[:8]
    return storage.of_database(context, source_path.stem, folder, ".db")


def restore(
    context: Context, file: Path, into: str | None, confirm: Callable[[str], None]
) -> Restored:
    """Restore `file`; see `migrator.backup.restore.run`."""
    target = Path(into or context.target.url.database or "")
    try:
        with _open(file) as source:
            tables = _check(source)
            _refuse_content(target)
            confirm(str(target))
            started = time.monotonic()
            existed = target.exists()
            try:
                _copy(source, target)
            except BaseException:
                if not existed:
                    target.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}.") from None
    except sqlite3.Error as error:
        raise MigratorError(
            f"{file} was not restored into {target}: SQLite reported {str(error)!r}; nothing was"
            " changed."
        ) from None
    with _open(target) as restored:
        if _check(restored) != tables:
            raise MigratorError(
                f"{target} does not have the {tables} tables of {file}: do not use it."
            )
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(target), poolclass=NullPool)
    with engine.connect() as connection:
        at = ", ".join(position.current_heads(connection)) or "base"
    return Restored(str(target), tables, at, time.monotonic() - started)


def _copy(source: sqlite3.Connection, to: Path) -> None:
    with closing(sqlite3.connect(to)) as target:
        deadline = time.monotonic() + 10

        def refuse_after_deadline(status: int, _remaining: int, _total: int) -> None:
            if (
                status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                and time.monotonic() > deadline
            ):
                raise sqlite3.OperationalError("database is locked")

        source.backup(target, progress=refuse_after_deadline)


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    path.open("rb").close()  # its error names the cause, which SQLite's does not
    # Immutable: nobody writes to it, and reading leaves no write-ahead log files beside it.
    address = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        yield connection


def _check(connection: sqlite3.Connection) -> int:
    """Check every page, and return the number of tables."""
    found = connection.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)
    return _count(connection)


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute(TABLES).fetchone()[0])


def _size(connection: sqlite3.Connection) -> int:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    return int(pages * connection.execute("PRAGMA page_size").fetchone()[0])


def _refuse_content(target: Path) -> None:
    if not target.exists():
        return
    with closing(sqlite3.connect(target)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
    if names:
        raise RefusedError(
            f"{target} is not empty: it has {len(names)} tables and indexes"
            f" ({', '.join(sorted(names)[:3])}{', ...' if len(names) > 3 else ''}). A backup is"
            " restored only into a new or empty file, and nothing was changed. Name a new file"
            " with into=NEW_FILE (--into NEW_FILE)."
        )
