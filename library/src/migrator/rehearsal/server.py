"""The server that a rehearsal restores into, which is never one that serves users."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from migrator.config import urls
from migrator.config.context import Context
from migrator.config.target import project_folder
from migrator.database.development_only import Place
from migrator.errors import RefusedError, UsageError

DATABASE = "rehearsal"
SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "wal_level", "shared_buffers",
            "maintenance_work_mem", "max_wal_size")  # fmt: skip

# A server without them waits less for its disk.
SAFETY = ("fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True)
class Server:
    """`version` is its major version, `settings` those that decide what is measured.

    `data` is where it keeps its files, if they can be seen from here.
    """

    version: int
    number: str
    settings: dict[str, str]
    data: Path | None

    @classmethod
    def of(cls, connection: Connection) -> "Server":
        """Ask a server; its own word for where the files are needs a superuser."""
        settings = {name: str(connection.scalar(text(f"SHOW {name}"))) for name in SETTINGS}
        number = str(connection.scalar(text("SHOW server_version"))).split()[0]
        may_see = connection.scalar(text("SELECT pg_has_role('pg_read_all_settings', 'USAGE')"))
        data = Path(str(connection.scalar(text("SHOW data_directory")))) if may_see else None
        local = Place.of(connection.connection.driver_connection, connection.engine.url)
        major = int(number.partition(".")[0].rstrip("abcdefghijklmnopqrstuvwxyz"))
        seen = data if data and local.is_this_machine and _exists(data) else None
        return cls(major, number, settings, seen)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {"version": self.number, "settings": self.settings}

    def notes(self, of: str) -> list[str]:
        """Return sentences about what this server does otherwise than one in production.

        Args:
            of: the version of the server that the data is from; empty if unknown.
        """
        where = f"The rehearsal runs on PostgreSQL {self.number}"
        major = of.partition(".")[0]
        if major == str(self.version):
            found = [f"{where}, as the data does."]
        elif of:
            found = [f"{where}, and the data is of {of}: locks and times may differ."]
        else:
            found = [f"{where}."]
        left_out = [name for name in SAFETY if self.settings[name] == "off"]
        if left_out:
            words = ", ".join(f"{name} = off" for name in left_out)
            found.append(f"This server has {words}: a commit is faster here than in production.")
        return found


def url(context: Context) -> URL:
    """Return a database on the server for rehearsals; see the setting `rehearsal_server`.

    Raises:
        UsageError: none is set, and the development server is not installed.
    """
    if given := context.settings.rehearsal_server:
        return urls.normalise(given)
    try:
        from migrator import devserver

        return urls.normalise(devserver.url(project_folder(context.config), DATABASE))
    except UsageError as error:
        raise UsageError(
            f"There is no server for a rehearsal. {error} Or set MIGRATOR_REHEARSAL_SERVER to the"
            " URL of a PostgreSQL server that serves nobody."
        ) from None


def refuse_production(context: Context, connection: Connection) -> None:
    """Refuse a server that is neither on this machine nor named.

    Raises:
        RefusedError: it is another one.
    """
    place = Place.of(connection.connection.driver_connection, connection.engine.url)
    hosts = {name.strip().lower() for name in context.settings.development_hosts.split(",")}
    if place.is_this_machine or place.host.lower() in hosts:
        return
    raise RefusedError(
        f"The server for the rehearsal, {place}, is neither on this machine nor in"
        " development_hosts, so it may serve users, whom a rehearsal would disturb. Nothing was"
        f" changed. If it serves nobody: MIGRATOR_DEVELOPMENT_HOSTS={place.host}."
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
