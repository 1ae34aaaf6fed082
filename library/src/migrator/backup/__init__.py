"""Back up the database before it is changed, and restore it.

`storage` decides where backups are kept and how they are named, `programs` runs PostgreSQL's client
programs, `dump` and `sqlite` make a backup and verify it. `restore` restores one: `restore_dump`
prepares a PostgreSQL database for it, and `pg_restore` loads the dump.
"""

import time
from pathlib import Path

from migrator.backup import storage
from migrator.backup.storage import Backup, Restored
from migrator.config.context import Context
from migrator.config.invocation import command
from migrator.errors import Interrupted

__all__ = ["Backup", "Restored", "newest", "prune", "restore_command", "take"]


def take(context: Context, at: str, output: Path | None = None, schema: str = "") -> Backup:
    """Back up the database of `context` to a file, and verify the file.

    Args:
        at: the revision that the database is at, for the name of the file.
        output: the file; by default a new one in `backup_folder`. Older backups are kept: see
            `prune`.
        schema: only this schema of a PostgreSQL database; by default all of it.

    Raises:
        MigratorError: the backup failed, and its file was removed; the message gives the reason,
            and says that nothing was changed.
        LockTimeout: another session held a conflicting lock for `deploy_lock_timeout`, or for
            SQLite's busy timeout.
        Interrupted: Ctrl-C or SIGTERM.
    """
    started = time.monotonic()
    try:
        if context.target.dialect == "sqlite":
            from migrator.backup import sqlite

            path, tables, kept = sqlite.dump(context, at, output)
            name = str(context.target.url.database)
        else:
            from migrator.backup import dump

            path, tables, kept, name = dump.dump(context, at, output, schema)
    except KeyboardInterrupt:
        raise Interrupted("Interrupted during the backup; nothing was changed.") from None
    except OSError as error:
        raise storage.failed(storage.unwritable(context, error)) from None
    if not output:
        kept.make_newest(path)
    size, seconds = path.stat().st_size, time.monotonic() - started
    return Backup(path, size, seconds, tables, name, None if output else kept)


def newest(context: Context) -> Path | None:
    """Return the newest backup of the database of `context`, without a connection to it."""
    if context.target.dialect == "sqlite":
        from migrator.backup import sqlite

        kept = sqlite.kept(context)
    else:
        from migrator.backup import dump, libpq_database

        named = libpq_database.database(context).parameters
        kept = dump.kept(
            context, named.get("dbname", ""), named.get("host", ""), named.get("port", "5432")
        )
    return next(reversed(kept.backups()), None)


def prune(backup: Backup, context: Context) -> None:
    """Remove the backups of the same database beyond the newest `backup_keep`.

    Call it only when they are no longer needed: each attempt of a failing deploy adds a backup,
    and the first of them is the one with all the data.
    """
    if backup.storage:
        backup.storage.prune(context.settings.backup_keep, backup.path)


def restore_command(backup: Backup, context: Context) -> str:
    """Return the command that restores `backup` into a new database beside the original."""
    database, path = backup.database, Path(backup.database)
    sqlite = context.target.dialect == "sqlite"
    into = str(path.with_stem(f"{path.stem}_restored")) if sqlite else f"{database}_restored"
    return command(context, "restore", str(backup.path), into=into)
