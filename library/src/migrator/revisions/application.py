"""The application's context, for revisions that cannot be imported without: Flask's `current_app`.

    application_context = app.migrations:context

under [alembic] names a function without arguments that returns a context manager. It is entered
before the first revision is read, and left when the program ends.
"""

import atexit
from contextlib import ExitStack
from pathlib import Path

from alembic.config import Config

from migrator.config import imports
from migrator.errors import UsageError

_entered: set[str] = set()
_left_at_exit = ExitStack()
atexit.register(_left_at_exit.close)


def enter(config: Config) -> None:
    """Enter the context that the ini file names, once.

    Raises:
        UsageError: there is no such function, or it fails.
    """
    path = config.get_main_option("application_context") or ""
    if not path or path in _entered:
        return
    ini = Path(config.config_file_name or "the configuration")
    name, _, attribute = path.partition(":")
    function = getattr(imports.load(name, ini), attribute, None)
    if not callable(function):
        raise UsageError(
            f"application_context = {path} in {ini.name} does not name a function; write it as"
            " package.module:function."
        )
    try:
        _left_at_exit.enter_context(function())
    except Exception as error:
        raise UsageError(
            f"application_context = {path} in {ini.name} fails, and the revisions are read in it:"
            f" {type(error).__name__}: {error}. It has to return a context manager."
        ) from error
    _entered.add(path)
