"""Whether the disk has room for the copy of the data, and for a table that is written anew."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from migrator.console import quantities
from migrator.errors import RefusedError

# Every database has the system catalogs, and every server writes its log.
FLOOR = 50_000_000
# A compressed dump takes a fifth to a twentieth of its database: see backup.dump.
DUMP_RATIO = 10
# The largest table may be written anew while its old files are still there.
REWRITE = 2


@dataclass(frozen=True)
class Disk:
    """Bytes that are needed, and that are free; `free` is None if it cannot be seen from here."""

    needed: int
    free: int | None

    @property
    def sentence(self) -> str:
        """Both in words."""
        about = f"The rehearsal needs about {quantities.size(self.needed)} of disk"
        if self.free is None:
            return f"{about}; how much the server has free cannot be seen from here."
        return f"{about}, and {quantities.size(self.free)} are free."


def of_dump(dump: Path, size: int | None, data: Path | None) -> Disk:
    """Return what a dump will need in a server whose files are in `data`.

    Args:
        size: of its database, in bytes; None if only the dump is known.
    """
    needed = FLOOR + (size or dump.stat().st_size * DUMP_RATIO) * REWRITE
    return Disk(needed, shutil.disk_usage(data).free if data else None)


def of_file(file: Path, folder: Path) -> Disk:
    """Return what the copy of an SQLite file will need in `folder`."""
    # A rebuilt table is there twice, and its transaction's journal is as large.
    return Disk(file.stat().st_size * 3, shutil.disk_usage(folder).free)


def require(disk: Disk) -> None:
    """Refuse a rehearsal that would fill the disk.

    Raises:
        RefusedError: there is less than it needs.
    """
    if disk.free is not None and disk.free < disk.needed:
        raise RefusedError(
            f"{disk.sentence} A full disk stops everything else on it, so nothing was restored."
            " Free some space, or set MIGRATOR_REHEARSAL_SERVER to a server with a larger disk."
        )
