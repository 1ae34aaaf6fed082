"""Locks on files, which end with the process that holds them, however it ends."""

from typing import IO

from migrator.errors import UsageError


def lock(file: IO[str] | IO[bytes] | int, *, wait: bool = True) -> None:
    """Lock an open file.

    Args:
        wait: until another process has unlocked it.

    Raises:
        BlockingIOError: another process has locked it, and `wait` is false.
        UsageError: this system has no such locks.
    """
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        raise UsageError(
            "Backups, rehearsals, and deploys to SQLite, run only on Linux and macOS, because they"
            " lock files (fcntl). Nothing was changed. On Windows, use WSL."
        ) from None
    fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
