"""The local PostgreSQL for development and tests, started on demand: no Docker, no root.

`process` runs PostgreSQL's programs, `folder` is what lies in `.postgres/`, `lifecycle` starts and
stops; here is what others call.
"""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from migrator.errors import MigratorError, UsageError

try:
    from migrator.devserver import lifecycle
    from migrator.devserver.folder import Folder, Status
    from migrator.devserver.process import binaries, last_lines
except ModuleNotFoundError:  # fcntl and pwd
    raise UsageError(
        "The development PostgreSQL runs on Linux and macOS: on Windows, work in WSL or set"
        " DATABASE_URL."
    ) from None

__all__ = ["DevServer", "Status", "binaries", "url"]

PATIENCE = 30  # seconds for a server that is recovering, or was just killed, to come back
NO_CONNECTION = 2  # psql's exit code
CREATE = r"""SELECT format('CREATE DATABASE %I TEMPLATE template0', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
"""


def url(root: Path, database: str) -> str:
    """Return the URL of `database` on the server of the project folder `root`; see `ensure`."""
    return DevServer(root).ensure(database)


class DevServer:
    """The PostgreSQL of the project whose folder is `root`; it outlives whoever starts it."""

    def __init__(self, root: Path) -> None:
        self.folder = Folder(root)
        self.data = self.folder.data

    def ensure(self, database: str) -> str:
        """Start the server if it is down, and create `database` if it is not there.

        Returns:
            The URL for SQLAlchemy, with the password.

        Raises:
            UsageError: there is no PostgreSQL here, or `.postgres/` is not for it or for us.
            MigratorError: PostgreSQL said no; its words are in the message.
        """
        psql: list[Path | str | bytes] = [binaries() / "psql", "-XAtqw", "-v", "ON_ERROR_STOP=1"]
        deadline = time.monotonic() + PATIENCE
        with self.folder.exclusive() as lock:
            while True:
                port = self._port_of_running(lock)
                # Asking takes 4 ms, and stays right when a database was dropped or renamed.
                reply = subprocess.run(
                    [*psql, "-v", b"name=" + database.encode()],
                    env=self._environment("postgres", port),
                    input=CREATE.encode(),
                    capture_output=True,
                )
                if reply.returncode == 0:
                    login = f"postgres:{quote(self.folder.read_password(), safe='')}"
                    name = quote(database, safe="")
                    return f"postgresql+psycopg://{login}@127.0.0.1:{port}/{name}"
                # A server that was just killed, or is recovering, is not there for a moment.
                if reply.returncode != NO_CONNECTION or time.monotonic() > deadline:
                    words = last_lines(reply.stderr.decode(errors="replace"), 3)
                    raise MigratorError(
                        f"The development PostgreSQL does not give the database {database!r}; see"
                        f" {self.folder.log}, or stop it and try again. It says: {words}"
                    )
                time.sleep(0.05)

    def status(self) -> Status:
        """Return whether the server runs, and where; start nothing."""
        if not self.folder.path.exists():
            return Status()
        with self.folder.exclusive():
            return self.folder.status()

    def stop(self) -> bool:
        """Stop the server, and wait until all its processes are gone.

        Returns:
            Whether it was running.

        Raises:
            MigratorError: it is still there.
        """
        if not self.folder.path.exists():
            return False
        with self.folder.exclusive():
            running = self.folder.status().running
            if running:
                lifecycle.stop(self.folder)
            return running

    def psql(self, database: str, args: Sequence[str] = ()) -> int:
        """Run psql on `database` in this terminal, and return its exit code; see `ensure`."""
        self.ensure(database)
        environment = self._environment(database, self.status().port)
        with subprocess.Popen([binaries() / "psql", *args], env=environment) as shell:
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for psql
            try:
                return shell.wait()
            finally:
                signal.signal(signal.SIGINT, before)

    def _environment(self, database: str, port: int | None) -> dict[str, str | bytes]:
        # Through the environment no other user sees the password, and psql does not take a
        # database name with "=" in it for a list of settings.
        ours: dict[str, str | bytes] = {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(port),
            "PGUSER": "postgres",
            "PGPASSWORD": self.folder.read_password(),
            "PGDATABASE": database.encode(),
            "PGCLIENTENCODING": "UTF8",
            "PGCONNECT_TIMEOUT": "10",
            "PGSSLMODE": "disable",
            "PGGSSENCMODE": "disable",
        }
        return {k: v for k, v in os.environ.items() if not k.startswith("PG")} | ours

    def _port_of_running(self, lock: int) -> int | None:
        status = self.folder.status()
        if status.running and not Path(status.postgres).exists():
            lifecycle.stop(self.folder)  # its programs and libraries were moved or removed
            status = self.folder.status()
        return status.port if status.running else lifecycle.start(self.folder, lock)
