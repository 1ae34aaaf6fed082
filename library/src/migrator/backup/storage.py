"""Where backups are kept, how they are named, and which of them are removed."""

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from migrator import console
from migrator.config.context import Context
from migrator.console import quantities
from migrator.database import file_lock
from migrator.errors import MigratorError

ABANDONED = 3600  # seconds after which the partial file of a killed backup is removed
GROWTH = 1.25  # how much larger than the last backup the next one may be


@dataclass(frozen=True)
class Backup:
    """A verified backup of `database`: its `size` in bytes, and the number of `tables` in it.

    `storage` holds it together with older backups of the same database; it is None for a backup to
    a file that the user named.
    """

    path: Path
    size: int
    seconds: float
    tables: int
    database: str
    storage: "Storage | None" = None


@dataclass(frozen=True)
class Restored:
    """A restored database: the number of its `tables`, and the revision that it is `at`."""

    database: str
    tables: int
    at: str
    seconds: float


@dataclass(frozen=True)
class Storage:
    """The backups of one database in `folder`; `name` distinguishes them from those of others."""

    folder: Path
    name: str
    suffix: str

    def new(self, at: str) -> Iterator[Path]:
        """Yield file names for a backup taken now; the caller takes the first that is free."""
        revision = quote(at.replace(", ", "+"), safe="+").replace("-", "_")[:32]
        while True:
            now = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"[:-3]
            yield self.folder / f"{self.name}-{now}Z-{revision}{self.suffix}"
            time.sleep(0.001)

    def backups(self, ending: str = "") -> list[Path]:
        """Return the backups, oldest first; files with other names are left out.

        What counts is when they were finished, and not the date in the name: the clock of another
        machine may have been wrong.
        """
        # The revision contains no dash, so a backup of another database never matches.
        ours = (
            re.escape(self.name) + r"-\d{8}T\d{6}\.\d{3}Z-[^-]*" + re.escape(self.suffix + ending)
        )
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        kept = [path for path in found if re.fullmatch(ours, path.name) and path.is_file()]
        return sorted(kept, key=lambda path: (path.stat().st_mtime_ns, path.name))

    def make_newest(self, backup: Path) -> None:
        """Let a backup that has just been made count as the newest, whatever the clocks say."""
        others = [path.stat().st_mtime_ns for path in self.backups() if path != backup]
        moment = max(others, default=0) + 1
        if backup.stat().st_mtime_ns < moment:
            os.utime(backup, ns=(moment, moment))

    def require_space(self, estimate: int, folder: Path | None = None) -> None:
        """Refuse a backup that would fill the disk, which other programs may have to write to.

        Args:
            estimate: the size in bytes to assume if there is no earlier backup.
            folder: the folder of the new backup, if it is another one.

        Raises:
            MigratorError: there is not enough space.
        """
        earlier = self.backups()
        need = round(earlier[-1].stat().st_size * GROWTH) if earlier else estimate
        free = shutil.disk_usage(folder or self.folder).free
        if free < need:
            raise failed(
                f"{folder or self.folder} has {quantities.size(free)} free, and the backup needs"
                f" about {quantities.size(need)}; free some space, or set backup_folder to a folder"
                " on another disk"
            )

    def prune(self, keep: int, current: Path) -> None:
        """Remove all but the newest `keep` backups; never `current`, the one of this run."""
        _remove([path for path in self.backups()[: -max(keep, 1)] if path != current])

    def remove(self, backups: Iterable[Path]) -> list[Path]:
        """Remove some of the backups, and return those that are gone."""
        chosen = list(backups)
        _remove(chosen)
        return [path for path in chosen if not path.exists()]

    def remove_abandoned(self) -> None:
        """Remove the partial files of backups whose processes were killed."""
        _remove([path for path in self.backups(".part") if _abandoned(path)])


def of_database(context: Context, database: str, server: str, suffix: str) -> Storage:
    """Return where the backups of `database` on `server` are kept; the folder need not exist yet.

    The names contain both, because `app` of staging and `app` of production may share a folder.
    """
    name = quote(f"{database}@{server}", safe="@").replace("-", "%2D")
    if len(name) > 180:  # a file name is limited to 255 bytes
        name = f"{name[:160]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return Storage(_folder(context), name, suffix)


@contextmanager
def new_file(targets: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """Yield a new partial file that only this user can read, and its final name.

    The file is renamed if the block succeeds, and removed if it fails.

    Args:
        targets: the names to try; the first that is free is used. Its folder is created if it
            does not exist.
    """
    part, target, descriptor = _create(targets)
    try:
        file_lock.lock(descriptor)  # a locked partial file is not abandoned
        yield part, target
        os.fsync(descriptor)
        part.rename(target)
        _sync_folder(target.parent)
    finally:
        os.close(descriptor)
        for ending in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                part.with_name(part.name + ending).unlink()


def failed(reason: str) -> MigratorError:
    """Return the error for a backup that failed."""
    return MigratorError(f"No backup was made: {reason}; nothing was changed.")


def unwritable(context: Context, error: OSError) -> str:
    """Return the reason why a backup cannot be written."""
    where = error.filename or _folder(context)
    return (
        f"{where} cannot be written ({error.strerror}); set backup_folder in the ini file, or"
        " MIGRATOR_BACKUP_FOLDER in the environment, to a writable folder"
    )


def _folder(context: Context) -> Path:
    return context.folder / context.settings.backup_folder


def _create(targets: Iterable[Path]) -> tuple[Path, Path, int]:
    for target in targets:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        try:
            descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        except FileExistsError:
            continue
        if not target.exists():
            return part, target, descriptor
        os.close(descriptor)
        part.unlink()
    raise failed(f"{target} already exists; name a new file")


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            console.note(f"Warning: the old backup {path} cannot be removed: {error.strerror}.")


def _abandoned(part: Path) -> bool:
    with suppress(OSError), part.open("rb") as file:
        file_lock.lock(file, wait=False)
        return time.time() - part.stat().st_mtime > ABANDONED
    return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
