"""PostgreSQL's client programs: where they are, and which versions."""

import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from migrator.backup import storage
from migrator.backup.processes import plain_environment, run
from migrator.config.context import Context
from migrator.errors import MigratorError

DEBIAN = "/usr/lib/postgresql/{}/bin"
# libpq refuses the second parameter before it looks at the first, if it cannot encrypt.
NOWHERE = "host=/nowhere sslmode=require"
CANNOT = "SSL support is not compiled in"


@dataclass(frozen=True)
class Programs:
    """`pg_dump`, `pg_restore` and `psql` of one major version, in one folder."""

    folder: Path
    major: int

    def path(self, name: str) -> str:
        """Return the path of one of the programs."""
        return str(self.folder / name)


def find(context: Context, server: int, *, encrypted: bool = False) -> list[Programs]:
    """Return all installations of the client programs, the best for the server first.

    The best is that of the same major version, because an older server does not know all that
    newer programs write.

    Args:
        server: the major version of the server.
        encrypted: only those that can encrypt a connection.

    Raises:
        MigratorError: the client programs are not installed, or none of them can encrypt.
    """
    folder = context.settings.pg_bin
    path = shutil.which("pg_dump")
    places = [Path(folder)] if folder else [Path(path).parent] if path else []
    if not folder:  # those of this version, which Debian has beside others; the wheel's at last
        places += [Path(DEBIAN.format(server)), *filter(None, [_wheel()])]
    found = [programs for place in places if (programs := _installed(place))]
    if not found:
        where = f"in {folder} (pg_bin)" if folder else "on PATH"
        raise MigratorError(
            f"pg_dump and pg_restore were not found {where}; nothing was changed. Install"
            f" PostgreSQL's client programs (Debian: postgresql-client-{server}), or set pg_bin to"
            " their folder."
        )
    if encrypted and not (able := [each for each in found if _encrypts(each)]):
        raise MigratorError(
            f"{found[0].path('pg_dump')} was built without OpenSSL, and the connection to the"
            " server is encrypted; nothing was changed. Install PostgreSQL's client programs"
            f" (Debian: postgresql-client-{server}), or set pg_bin to their folder."
        )
    best = able if encrypted else found
    return sorted(best, key=lambda each: (each.major < server, abs(each.major - server)))


def _wheel() -> Path | None:
    with suppress(ImportError, MigratorError):  # only for development
        from migrator.devserver import binaries

        return binaries()
    return None


def _installed(folder: Path) -> Programs | None:
    if any(not shutil.which(name, path=folder) for name in ("pg_dump", "pg_restore")):
        return None
    with suppress(OSError):
        output = run([str(folder / "pg_dump"), "--version"], dict(os.environ)).stdout
        if version := re.search(r"\(PostgreSQL\) (\d+)", output):
            return Programs(folder, int(version[1]))
    return None


def _encrypts(programs: Programs) -> bool:
    command = [programs.path("pg_dump"), f"--dbname={NOWHERE}"]
    return CANNOT not in run(command, plain_environment()).stderr


def require_version(found: Programs, server: int) -> None:
    """Refuse programs that are older than the server: pg_dump does not dump a newer one.

    Raises:
        MigratorError: they are.
    """
    if found.major < server:
        raise storage.failed(
            f"{found.path('pg_dump')} is version {found.major} and cannot dump a server of version"
            f" {server}; install the client programs of PostgreSQL {server} (Debian:"
            f" postgresql-client-{server}), or set pg_bin to their folder"
        )
