"""The folder of one rehearsal: whatever happens, it does not stay.

Its lock is held while the rehearsal runs, so that the next one knows which folders a kill has left.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from migrator.database import file_lock
from migrator.errors import MigratorError

PREFIX = ".data-"
LOCK = "lock"


@contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """Yield a new folder that only this user can read; it is removed at the end.

    Args:
        folder: where the results of rehearsals are kept.

    Raises:
        MigratorError: nothing can be written there.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_abandoned(folder)
        made = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
        descriptor = os.open(made / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise MigratorError(
            f"{error.filename} cannot be written ({error.strerror}), and a rehearsal needs a place"
            " for its copy and its result; nothing was changed. Set rehearsal_folder to a writable"
            " folder."
        ) from None
    try:
        file_lock.lock(descriptor)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(descriptor)


def remove_abandoned(folder: Path) -> None:
    """Remove the folders of rehearsals that were killed."""
    for path in folder.glob(f"{PREFIX}*"):
        try:
            descriptor = os.open(path / LOCK, os.O_RDWR)
        except OSError:
            continue  # another one is being made, or removed
        try:
            file_lock.lock(descriptor, wait=False)
            shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(descriptor)
