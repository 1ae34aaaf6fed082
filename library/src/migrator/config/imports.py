"""Import a module, and explain a failure in one sentence."""

import gc
import importlib
import os
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

from migrator.errors import UsageError


def load(name: str, ini: Path) -> ModuleType:
    """Import a module that the file `ini` names.

    Raises:
        UsageError: there is no such module (the message suggests a name), or its import fails
            (the message has the cause and the line in the user's code).
    """
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        if (
            isinstance(error, ModuleNotFoundError)
            and error.name
            and f"{name}.".startswith(f"{error.name}.")
        ):
            raise UsageError(_misspelt(name, error.name, ini)) from None
        raise UsageError(
            f"The model module {name} cannot be imported, and without it its tables would be"
            f" dropped: {type(error).__name__}: {error}{place(error)}. Nothing was written; fix"
            " the module and run the command again."
        ) from error


def _misspelt(name: str, missing: str, ini: Path) -> str:
    parent, _, last = missing.rpartition(".")
    folder = Path(*parent.split(".")) if parent else Path()
    places = (ini.absolute().parent / folder).glob("*")
    siblings = [p.stem for p in places if p.suffix == ".py" or p.is_dir()]
    near = get_close_matches(last, siblings, n=1)
    hint = f" Did you mean {'.'.join(filter(None, (parent, near[0])))}?" if near else ""
    return (
        f"There is no module {missing}, which {ini.name} names in autoimport_models or"
        f" autoimport_base ({name}).{hint} Nothing was written."
    )


def place(error: BaseException) -> str:
    """Return the location of the error: the innermost line outside the libraries."""
    if isinstance(error, SyntaxError):
        return f" ({relative(error.filename or '?')}, line {error.lineno})"
    libraries = (__file__, "<", sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"))
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith(libraries):
            return f" ({relative(frame.filename)}, line {frame.lineno})"
    return ""


def relative(path: str) -> str:
    """Return a path relative to the current folder, if it is inside it."""
    short = os.path.relpath(path)
    return path if short.startswith("..") else short


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Disable garbage collection: repeated searches take longer than the imports themselves."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
