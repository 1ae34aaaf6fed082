"""The local PostgreSQL for development and tests, started on demand: no Docker, no root.

`server_programs` runs PostgreSQL's programs, `folder` manages the files in `.postgres/`, and
`start_and_stop` starts and stops the server.
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
    from migrator.devserver import start_and_stop
    from migrator.devserver.folder import Folder, Status
    from migrator.devserver.server_programs import binaries, last_lines
except ModuleNotFoundError:  # fcntl and pwd
    raise UsageError(
        "The development PostgreSQL runs only on Linux and macOS: on Windows, use WSL or set"
        " DATABASE_URL."
    ) from None

__all__ = ["DevServer", "Status", "binaries", "url"]

RETRY_TIME = 30  # seconds to retry while the server recovers or was just killed
NO_CONNECTION = 2  # psql's exit code
CREATE = r"""SELECT format('CREATE DATABASE %I TEMPLATE template0', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
"""


def url(root: Path, database: str) -> str:
    """Return the URL of `database` on the server of the project folder `root`; see `ensure`."""
    return DevServer(root).ensure(database)


class DevServer:
    """The PostgreSQL of the project in the folder `root`; it keeps running after a command."""

    def __init__(self, root: Path) -> None:
        self.folder = Folder(root)
        self.data = self.folder.data

    def ensure(self, database: str) -> str:
        """Start the server if it is not running, and create `database` if it does not exist.

        Returns:
            The URL for SQLAlchemy, with the password.

        Raises:
            UsageError: PostgreSQL is not installed, or `.postgres/` is of another version or
                belongs to another user.
            MigratorError: PostgreSQL failed; the message contains its output.
        """
        psql: list[Path | str | bytes] = [binaries() / "psql", "-XAtqw", "-v", "ON_ERROR_STOP=1"]
        deadline = time.monotonic() + RETRY_TIME
        with self.folder.exclusive() as lock:
            while True:
                port = self._port_of_running(lock)
                # This takes 4 ms, and is right even if a database was dropped or renamed.
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
                # A server that was just killed, or is recovering, refuses connections for a moment.
                if reply.returncode != NO_CONNECTION or time.monotonic() > deadline:
                    output = last_lines(reply.stderr.decode(errors="replace"), 3)
                    raise MigratorError(
                        f"The development PostgreSQL cannot open the database {database!r}:"
                        f" {output} (see {self.folder.log}; `make db-stop` stops the server, and"
                        " the next command starts it again)."
                    )
                time.sleep(0.05)

    def status(self) -> Status:
        """Return whether the server is running, and where; the server is not started."""
        if not self.folder.path.exists():
            return Status()
        with self.folder.exclusive():
            return self.folder.status()

    def stop(self) -> bool:
        """Stop the server, and wait until all its processes have ended.

        Returns:
            Whether it was running.

        Raises:
            MigratorError: it cannot be stopped.
        """
        if not self.folder.path.exists():
            return False
        with self.folder.exclusive():
            running = self.folder.status().running
            if running:
                start_and_stop.stop(self.folder)
            return running

    def psql(self, database: str, args: Sequence[str] = ()) -> int:
        """Run psql on `database` in this terminal, and return its exit code; see `ensure`."""
        self.ensure(database)
        environment = self._environment(database, self.status().port)
        with subprocess.Popen([binaries() / "psql", *args], env=environment) as shell:
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for psql
            try:
                return shell.wait()
            finally:
                signal.signal(signal.SIGINT, before)

    def _environment(self, database: str, port: int | None) -> dict[str, str | bytes]:
        # Other users cannot see the password in the environment, and psql does not interpret a
        # database name that contains "=" as a connection string.
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
            start_and_stop.stop(self.folder)  # its programs were moved or removed
            status = self.folder.status()
        return status.port if status.running else start_and_stop.start(self.folder, lock)
