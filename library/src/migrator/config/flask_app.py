"""The application context of a Flask project, which its env.py and its revisions need."""

import importlib
import importlib.util

from alembic.config import Config

from migrator.errors import UsageError

KEY = "flask_app"


def enter(config: Config) -> None:
    """Enter the context of the application that the ini file names, for the rest of the process.

    `flask_app` has the form of Flask's own FLASK_APP: `shop`, `shop:app` or `shop:create_app()`.

    Raises:
        UsageError: it names no application, or Flask is not installed.
    """
    name = config.get_main_option(KEY)
    if not name:
        return
    if importlib.util.find_spec("flask") is None:
        raise UsageError(f"The ini file names {KEY} = {name}, but Flask is not installed.")
    if importlib.import_module("flask").has_app_context():
        return
    try:
        importlib.import_module("flask.cli").ScriptInfo(
            app_import_path=name
        ).load_app().app_context().push()
    except Exception as error:  # a click error of Flask, or anything that the application raises
        reason = " ".join(str(getattr(error, "message", error)).split()).removesuffix(".")
        raise UsageError(
            f"The ini file names {KEY} = {name}, and the application cannot be made:"
            f" {reason}. Nothing was changed."
        ) from error
