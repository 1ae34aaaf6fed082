"""Exchange a folder for another one in one step, so that a killed command leaves one whole."""

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from migrator.errors import MigratorError

AT_FDCWD = -100  # Linux: paths are relative to the current folder
SWAP = 2  # RENAME_EXCHANGE of Linux's renameat2, RENAME_SWAP of macOS's renamex_np
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc")


@contextmanager
def replacement(folder: Path) -> Iterator[Path]:
    """Yield a copy of `folder` beside it, to change and then give to `swap`.

    It has to be a neighbour: relative paths in its files (ruff.toml) stay right, and only within
    one file system is a rename one step. What a killed command left is removed first.
    """
    real = folder.resolve()
    copy = real.with_name(f".{real.name}.new")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(real, copy, symlinks=True, ignore=NOT_COPIED)
    try:
        yield copy
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def swap(folder: Path, new: Path) -> None:
    """Put `new` in the place of `folder`, and what was there in the place of `new`.

    Everything is on the disk before the names change, so neither a kill nor a power cut leaves
    anything but the old or the new folder.

    Raises:
        MigratorError: the file system cannot do it; nothing was changed.
    """
    for path in [*new.rglob("*"), new]:
        if not path.is_symlink():
            _flush(path)
    real = folder.resolve()
    if error := _swap_names(os.fsencode(real), os.fsencode(new)):
        raise MigratorError(
            f"{folder.name}/ cannot be exchanged in one step here ({os.strerror(error)}), and two"
            " steps could leave you without any revision. Nothing was changed. Run it in a"
            " checkout on a local disk."
        )
    _flush(real.parent)


def _swap_names(one: bytes, other: bytes) -> int:
    """Exchange two names; return the error's number, 0 if there was none."""
    library = ctypes.CDLL(None, use_errno=True)
    try:
        if sys.platform == "darwin":
            failed = library.renamex_np(one, other, SWAP)
        else:
            failed = library.renameat2(AT_FDCWD, one, AT_FDCWD, other, SWAP)
    except AttributeError:  # a C library without the call
        return errno.ENOSYS
    return ctypes.get_errno() if failed else 0


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
