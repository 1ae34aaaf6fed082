"""The deploy lock on SQLite: a lock on a file beside the database."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from migrator.config.context import Context
from migrator.database import file_lock
from migrator.revisions.deploy_lock_wait import Holder, Say, wait


@contextmanager
def held(context: Context, patience: float, say: Say) -> Iterator[None]:
    """Hold the lock; see `deploy_lock.only_deployer`."""
    path = Path(f"{context.target.url.database}.deploy-lock")
    with path.open("a+", encoding="utf-8") as file:

        def get() -> bool:
            with suppress(BlockingIOError):
                file_lock.lock(file, wait=False)
                return True
            return False

        wait(get, lambda: Holder(f"a process that has {path} open"), patience, say)
        yield
