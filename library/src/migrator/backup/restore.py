"""Restore a backup into an empty database."""

from collections.abc import Callable
from pathlib import Path

from migrator.backup.storage import Restored
from migrator.config.context import Context
from migrator.database import admit


def run(
    context: Context,
    file: Path,
    into: str | None,
    confirm: Callable[[str], None],
    *,
    owners: bool = True,
) -> Restored:
    """Restore the backup `file` into an empty database, completely or not at all.

    Args:
        into: another database on the same server, which is created if it does not exist; for
            SQLite another file. By default the database of `context`.
        confirm: called with the name of the database after all checks and before anything is
            changed; it raises an error to cancel the restore.
        owners: whether to restore owners and privileges too; their roles have to exist.

    Raises:
        RefusedError: the database is not empty.
        UsageError: `file` is not a backup of this kind of database.
        MigratorError: the restore failed; the database is still empty.
    """
    if context.target.dialect == "sqlite":
        from migrator.backup import sqlite

        admit(context, None, context.target.url.set(database=into or context.target.url.database))
        return sqlite.restore(context, file, into, confirm)
    from migrator.backup import restore_dump  # needs psycopg

    return restore_dump.restore(context, file, into, confirm, owners=owners)
