"""Where backups lie, what they are called, and which of them go."""

import fcntl
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
from migrator.errors import MigratorError

ABANDONED = 3600  # seconds after which the unfinished file of a killed backup goes
GROWTH = 1.25  # the next backup may be so much larger than the last


@dataclass(frozen=True)
class Backup:
    """A backup that was read back: `size` in bytes, and how many `tables` are in it.

    `storage` is where it lies with older ones of the same database; None in a file of its own.
    """

    path: Path
    size: int
    seconds: float
    tables: int
    storage: "Storage | None" = None


@dataclass(frozen=True)
class Restored:
    """What came out of a backup: how many `tables` the database has, and `at` which revision."""

    database: str
    tables: int
    at: str
    seconds: float


@dataclass(frozen=True)
class Storage:
    """The backups of one database: `name` tells it from every other one that lies here too."""

    folder: Path
    name: str
    suffix: str

    def new(self, at: str) -> Iterator[Path]:
        """Yield names for a backup of now, until one of them is free."""
        revision = quote(at.replace(", ", "+"), safe="+").replace("-", "_")[:32]
        while True:
            now = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"[:-3]
            yield self.folder / f"{self.name}-{now}Z-{revision}{self.suffix}"
            time.sleep(0.001)

    def backups(self, ending: str = "") -> list[Path]:
        """Return those that are here, the oldest first; nothing that is called otherwise."""
        # A revision has no dash, so no other database's backup looks like one of this.
        ours = (
            re.escape(self.name) + r"-\d{8}T\d{6}\.\d{3}Z-[^-]*" + re.escape(self.suffix + ending)
        )
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted(p for p in found if re.fullmatch(ours, p.name) and p.is_file())

    def require_space(self, estimate: int, folder: Path | None = None) -> None:
        """Refuse to begin what would fill the disk, on which others may have to write.

        Args:
            estimate: bytes, for when there is no earlier backup that tells better.
            folder: where the backup goes, if not here.
        """
        earlier = self.backups()
        need = round(earlier[-1].stat().st_size * GROWTH) if earlier else estimate
        free = shutil.disk_usage(folder or self.folder).free
        if free < need:
            raise failed(
                f"{folder or self.folder} has {amount(free)} free and the backup needs about"
                f" {amount(need)}; make room, or set backup_folder to another disk"
            )

    def prune(self, keep: int) -> None:
        """Remove all but the newest `keep`, of which there is always one."""
        _remove(self.backups()[: -max(keep, 1)])

    def remove_dead(self) -> None:
        """Remove the beginnings of backups whose processes were killed."""
        _remove([path for path in self.backups(".part") if _abandoned(path)])


def of_database(context: Context, database: str, server: str, suffix: str) -> Storage:
    """Return where the backups of `database` on `server` go, which need not exist yet.

    Both are in the name, because `app` of staging and `app` of production may share a folder.
    """
    name = quote(f"{database}@{server}", safe="@").replace("-", "%2D")
    if len(name) > 180:  # with all the rest, a file's name may have 255
        name = f"{name[:160]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return Storage(_folder(context), name, suffix)


@contextmanager
def new_file(targets: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """Yield a new file that only we can read, and the name that it gets if all goes well.

    Args:
        targets: names to try; the first that is free is used, and the folder made if need be.
    """
    part, target, descriptor = _create(targets)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # while it is held, this is not a dead beginning
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
    """Return the error for a backup that there is not."""
    return MigratorError(f"There is no backup: {reason}; nothing was changed.")


def unwritable(context: Context, error: OSError) -> str:
    """Return in words that the operating system refused a file."""
    where = error.filename or _folder(context)
    return (
        f"{where} cannot be written ({error.strerror}); set backup_folder in the ini file, or"
        " MIGRATOR_BACKUP_FOLDER, to a folder that can"
    )


def amount(size: int) -> str:
    """Return a number of bytes for people."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


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
    raise failed(f"{target} is there already; name a new file")


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            console.note(f"The old backup {path} cannot be removed: {error.strerror}.")


def _abandoned(part: Path) -> bool:
    with suppress(OSError), part.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return time.time() - part.stat().st_mtime > ABANDONED
    return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
