"""A copy of the database before it is changed, and the way back.

`files` is where backups lie and what they are called, `tools` runs PostgreSQL's programs, `dump`
and `sqlite` make a backup and read it back, `load` and `filling` bring a dump back into a database.
"""

import shlex
import time
from collections.abc import Callable
from pathlib import Path

from migrator.backup import storage
from migrator.backup.storage import Backup, Restored, amount
from migrator.config.context import Context
from migrator.errors import Interrupted

__all__ = ["Backup", "Restored", "amount", "prune", "restore", "restore_command", "take"]


def take(context: Context, at: str, output: Path | None = None) -> Backup:
    """Copy the database that `context` names into a file, and read the file back.

    Args:
        at: the revision that the database is at, in words; it is for the file's name.
        output: the file; by default a new one in `backup_folder`. Older ones stay: see `prune`.

    Raises:
        MigratorError: there is no good backup, and no file is left; the message says why, and
            that nothing was changed.
        LockTimeout: somebody kept a lock that no backup gets past, for `deploy_lock_timeout`, or
            SQLite's busy timeout.
        Interrupted: Ctrl-C or SIGTERM.
    """
    started = time.monotonic()
    try:
        if context.target.dialect == "sqlite":
            from migrator.backup import sqlite

            path, tables, place = sqlite.dump(context, at, output)
        else:
            from migrator.backup import dump

            path, tables, place = dump.dump(context, at, output)
    except KeyboardInterrupt:
        raise Interrupted("Stopped during the backup; nothing was changed.") from None
    except OSError as error:
        raise storage.failed(storage.unwritable(context, error)) from None
    size, seconds = path.stat().st_size, time.monotonic() - started
    return Backup(path, size, seconds, tables, None if output else place)


def prune(backup: Backup, context: Context) -> None:
    """Remove what lies beside `backup` and is older than the newest `backup_keep`.

    Only where nobody will want them back: each try of a deploy that fails makes one more, and the
    first of those is the one that has all the data.
    """
    if backup.storage:
        backup.storage.prune(context.settings.backup_keep)


def restore(
    context: Context,
    file: Path,
    into: str | None,
    confirm: Callable[[str], None],
    *,
    owners: bool = True,
) -> Restored:
    """Bring the backup `file` back into an empty database: all of it, or nothing.

    Args:
        into: another database of the same server, which is created if it is not there; for
            SQLite another file. By default the one that `context` names.
        confirm: called with the database's name when everything was looked at and before
            anything is changed; it raises to stop.
        owners: whether owners and privileges are restored too, whose roles have to exist.

    Raises:
        RefusedError: the database is not empty.
        UsageError: `file` is no backup of such a database.
        MigratorError: it failed; the database is as empty as it was.
    """
    if context.target.dialect == "sqlite":
        from migrator.backup import sqlite

        return sqlite.load(context, file, into, confirm)
    from migrator.backup import restore as postgresql

    return postgresql.load(context, file, into, confirm, owners=owners)


def restore_command(backup: Backup, context: Context) -> str:
    """Return the command that brings `backup` back, beside the database that it is of."""
    database = context.target.url.database or ""
    path = Path(database)
    sqlite = context.target.dialect == "sqlite"
    into = str(path.with_stem(f"{path.stem}_restored")) if sqlite else f"{database}_restored"
    words = ["python", "-m", "migrator", "-c", context.ini or "alembic.ini"]
    return shlex.join([*words, "restore", str(backup.path), "--into", into])
