"""What is in `.postgres/`, and who holds it.

`data` is the database cluster, `log` what the server says, `password` the superuser's. Two more
files are there to be locked (flock). `lock` is held by whoever starts or stops the server.
`server` says where the server listens, and is held by the server: each process of it inherits
the open file. So "does it run" has one exact answer, which a pid in a file cannot give: pids are
reused; the file outlives a reboot, is copied with the project, and is shared with containers; and
who the process of a pid is, /proc does not tell root in a container.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrator.errors import UsageError

LOG_LIMIT = 1_000_000  # bytes; a longer log begins anew with the next server


@dataclass(frozen=True)
class Status:
    """What is known about a server; of one that is down, only the port that it had."""

    running: bool = False
    port: int | None = None
    pid: int | None = None
    postgres: str = ""  # the path of the program


class Folder:
    """The `.postgres/` of the project whose folder is `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.path = self.root / ".postgres"
        self.data = self.path / "data"
        self.log = self.path / "log"

    @contextmanager
    def exclusive(self) -> Iterator[int]:
        """Make the folder if need be, and wait until nobody else starts or stops its server.

        Yields:
            The descriptor that keeps the others out as long as any process has it open.

        Raises:
            UsageError: the folder belongs to somebody else.
        """
        try:
            if not self.path.exists():
                self.path.mkdir(mode=0o700, exist_ok=True)
                self._give_to_owner(self.path)
                self.write(".gitignore", "*\n")
            lock = self._open("lock", os.O_RDWR)
        except PermissionError:
            raise self.foreign() from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock
        finally:
            os.close(lock)

    def claim(self) -> int:
        """Return a descriptor for a new server to inherit, which shows that it runs.

        Ask only while `exclusive`: two who claim at once would take each other for a server.

        Raises:
            BlockingIOError: a server is running.
        """
        server = self._open("server", os.O_RDWR)
        try:
            fcntl.flock(server, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(server)
            raise
        return server

    def status(self) -> Status:
        """Return what is known about the server; ask only while `exclusive`."""
        try:
            os.close(self.claim())
            running = False
        except BlockingIOError:
            running = True
        # The server's own file has the rest, if its starter was killed before it wrote here.
        facts: dict[str, Any] = {"pid": self._postmaster(0), "port": self._postmaster(3)}
        with suppress(ValueError, TypeError):
            facts |= json.loads((self.path / "server").read_text(encoding="utf-8"))
        return Status(True, **facts) if running else Status(port=facts["port"])

    def record(self, port: int, postgres: Path, pid: int | None = None) -> None:
        """Write down what is known about the server that is being started."""
        facts = {"port": port, "postgres": str(postgres)} | ({"pid": pid} if pid else {})
        self.write("server", json.dumps(facts))

    def ready(self, pid: int) -> bool:
        """Tell whether the server with this process id accepts connections."""
        lines = [line.strip() for line in self._postmaster_lines()]
        return bool(lines) and (lines[0], lines[-1]) == (str(pid), "ready")

    def read_password(self) -> str:
        """Return the superuser's password.

        Raises:
            UsageError: it is lost.
        """
        try:
            return (self.path / "password").read_text().strip()
        except FileNotFoundError:
            raise UsageError(
                f"The password of the development database is not in {self.path} any more: put"
                " the file back, or stop the server and remove that folder to start anew."
            ) from None

    def write(self, name: str, text: str) -> Path:
        """Write a file that only the project's owner can read; return its path."""
        with os.fdopen(self._open(name, os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path / name

    def open_log(self) -> int:
        """Return a descriptor that writes to the end of the log."""
        long = self.log.exists() and self.log.stat().st_size > LOG_LIMIT
        return self._open("log", os.O_WRONLY | os.O_APPEND | (os.O_TRUNC if long else 0))

    def foreign(self) -> UsageError:
        """Return the error that says whose folder this is not."""
        return UsageError(
            f"{self.path} belongs to another user: run this as that user, or remove the folder to"
            " start with an empty development database."
        )

    def _open(self, name: str, flags: int) -> int:
        file = os.open(self.path / name, flags | os.O_CREAT, 0o600)
        self._give_to_owner(file)
        return file

    def _give_to_owner(self, file: int | Path) -> None:
        # `sudo make` must not leave files that the owner of the project cannot open.
        if os.geteuid() == 0:
            project = self.root.stat()
            os.chown(file, project.st_uid, project.st_gid)

    def _postmaster(self, line: int) -> int | None:
        with suppress(ValueError, IndexError):
            return int(self._postmaster_lines()[line])
        return None

    def _postmaster_lines(self) -> list[str]:
        # Line 0 is the pid, 3 the port, the last the state; broken files occur.
        with suppress(OSError):
            return (self.data / "postmaster.pid").read_text(errors="replace").splitlines()
        return []
