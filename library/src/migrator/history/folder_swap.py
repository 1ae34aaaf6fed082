"""Swap two folders in one step, so that a killed command leaves the old or the new one."""

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
    """Yield a copy of `folder` to modify and then pass to `swap`.

    The copy is in the same parent folder, so that relative paths in its files (ruff.toml) stay
    valid and both are on one file system. A copy that a killed command left is removed first.
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
    """Swap `folder` and `new`.

    All files are flushed to disk first, so a kill or a power failure leaves either the old or the
    new folder, and never a mixture.

    Raises:
        MigratorError: the file system does not support it; nothing was changed.
    """
    for path in [*new.rglob("*"), new]:
        if not path.is_symlink():
            _flush(path)
    real = folder.resolve()
    if error := _swap_names(os.fsencode(real), os.fsencode(new)):
        raise MigratorError(
            f"{folder.name}/ cannot be replaced in one step on this file system"
            f" ({os.strerror(error)}), and an interruption between two steps would lose all"
            " revisions; nothing was changed. Run this in a checkout on a local disk."
        )
    _flush(real.parent)


def _swap_names(one: bytes, other: bytes) -> int:
    """Swap two names; return the error number, 0 for success."""
    library = ctypes.CDLL(None, use_errno=True)
    try:
        if sys.platform == "darwin":
            failed = library.renamex_np(one, other, SWAP)
        else:
            failed = library.renameat2(AT_FDCWD, one, AT_FDCWD, other, SWAP)
    except AttributeError:  # the C library does not have the function
        return errno.ENOSYS
    return ctypes.get_errno() if failed else 0


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
