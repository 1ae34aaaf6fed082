"""The data of a rehearsal: a backup, or the database as it is now."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from migrator import backup, database
from migrator.config.context import Context
from migrator.console import remark
from migrator.errors import UsageError
from migrator.revisions import position

NOW = "database"  # as --from: not a backup, but the database itself
SIZE = text("SELECT pg_database_size(current_database())")
TAKEN = re.compile(r"-(\d{8}T\d{6}\.\d{3})Z-")  # in the names of backups


@dataclass(frozen=True)
class Source:
    """What is restored. `kind` is backup, file or database; `taken` when it was what it is.

    `name` is the file, or of which database it is a copy; `path` where the data is. `size` is that
    of the database in bytes, if it is known.
    """

    kind: str
    name: str
    path: Path
    taken: datetime
    size: int | None = None

    @property
    def described(self) -> str:
        """It in words."""
        what = {"backup": "the backup", "file": "the file", "database": "the database"}[self.kind]
        return f"{what} of {self.taken:%Y-%m-%d %H:%M}"

    def as_dict(self, version: str) -> dict[str, str]:
        """Return it for JSON, with the version of the server that it is from."""
        return {
            "kind": self.kind,
            "name": self.name,
            "taken_at": self.taken.isoformat(timespec="seconds"),
            "described": self.described,
            "server_version": version,
        }


def choose(context: Context, given: str | None, workspace: Path) -> Source:
    """Return the newest backup of the database, a file, or a copy of the database made now.

    Args:
        given: a file, or "database"; None for the newest backup, if there is one.
        workspace: where the copy goes.

    Raises:
        UsageError: there is no such file.
        MigratorError: the database cannot be copied.
    """
    if given and given != NOW:
        path = Path(given)
        if not path.is_file():
            raise UsageError(
                f"There is no file {given} to rehearse on. Name a backup with --from (make: from=),"
                f" or --from {NOW} to copy the database as it is now."
            )
        return Source("file", str(path), path, taken(path))
    if given is None and (newest := backup.newest(context)):
        return Source("backup", str(newest), newest, taken(newest))
    url = context.target.url
    name = str(url.database).rpartition("/")[2]
    remark(f"Copying the database {name} as it is now.")
    with database.connect(context, anywhere=True) as connection:
        at = ", ".join(position.current_heads(connection)) or "base"
        size = connection.scalar(SIZE) if connection.dialect.name == "postgresql" else None
    moment = datetime.now(UTC)
    made = backup.take(context, at, workspace / "data")
    return Source("database", name, made.path, moment, size)


def taken(backup: Path) -> datetime:
    """Return when a backup was made: its name says it, or else the file's date."""
    if found := TAKEN.search(backup.name):
        return datetime.strptime(f"{found[1]}+0000", "%Y%m%dT%H%M%S.%f%z")
    return datetime.fromtimestamp(backup.stat().st_mtime, UTC)
