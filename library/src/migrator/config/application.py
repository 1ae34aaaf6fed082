"""The application's context, without which some revisions, models and env.py cannot be imported.

    application_context = app.migrations:context
    flask_app = shop:create_app

under [alembic]: a function without arguments that returns a context manager; or a Flask application
in the form of Flask's own FLASK_APP (`shop`, `shop:app`, `shop:create_app`), whose context is
Flask's. It is entered before the first of these is imported, and left when the program ends.
"""

import atexit
import importlib
import importlib.util
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

from alembic.config import Config

from migrator.config import imports
from migrator.errors import UsageError

CONTEXT, FLASK = "application_context", "flask_app"
_entered: set[str] = set()
_left_at_exit = ExitStack()
atexit.register(_left_at_exit.close)


def enter(config: Config) -> None:
    """Enter the context that the ini file names, once.

    Raises:
        UsageError: there is no such function or application, or it fails.
    """
    for key, make in ((CONTEXT, _of_function), (FLASK, _of_flask)):
        name = config.get_main_option(key) or ""
        if name and f"{key} = {name}" not in _entered:
            _left_at_exit.enter_context(make(config, name))
            _entered.add(f"{key} = {name}")


def _of_function(config: Config, path: str) -> AbstractContextManager[Any]:
    ini = Path(config.config_file_name or "the configuration")
    module, _, attribute = path.partition(":")
    function = getattr(imports.load(module, ini), attribute, None)
    if not callable(function):
        raise UsageError(
            f"application_context = {path} in {ini.name} does not name a function; write it as"
            " package.module:function."
        )
    try:
        with ExitStack() as stack:
            stack.enter_context(function())
            return stack.pop_all()
    except Exception as error:
        raise UsageError(
            f"application_context = {path} in {ini.name} fails, and the revisions are read in it:"
            f" {type(error).__name__}: {error}. It has to return a context manager."
        ) from error


def _of_flask(_: Config, name: str) -> AbstractContextManager[Any]:
    if importlib.util.find_spec("flask") is None:
        raise UsageError(f"The ini file names flask_app = {name}, but Flask is not installed.")
    if importlib.import_module("flask").has_app_context():
        return nullcontext()
    try:
        found = importlib.import_module("flask.cli").ScriptInfo(app_import_path=name).load_app()
        context: AbstractContextManager[Any] = found.app_context()
    except Exception as error:  # a click error of Flask, or anything that the application raises
        reason = " ".join(str(getattr(error, "message", error)).split()).removesuffix(".")
        raise UsageError(
            f"The ini file names flask_app = {name}, and the application cannot be made:"
            f" {reason}. Nothing was changed."
        ) from error
    return context
