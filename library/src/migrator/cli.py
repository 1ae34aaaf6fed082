"""`python -m migrator`: runs a command, and returns its exit code (see errors.py)."""

import configparser
import logging
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from threading import Timer
from typing import Any

from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError

from migrator import arguments, console
from migrator.config import alembic_config, ending, histories
from migrator.config.context import Context
from migrator.database import statement_log
from migrator.errors import (
    Interrupted,
    MigratorError,
    UsageError,
    one_line,
    without_secrets,
)

# What they do is not what they print, so they are done without it.
DO = ("deploy", "fleet", "rollback")
# They import and run revisions, which may print.
RUN_REVISIONS = ("history-graph", "lint", "plan", "rehearse", "revision", "trace")


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors are printed to stderr."""
    console.start()
    logging.raiseExceptions = False  # a log that cannot be written stops nothing
    for each in ending.heeded():  # all like Ctrl-C, which cancels the statement
        signal.signal(each, signal.default_int_handler)
    sys.unraisablehook = _unraisable
    name, context = "migrator", None
    try:
        first = arguments.parser().parse_args(words)
        name = first.command
        command = import_module(f"migrator.commands.{name.replace('-', '_')}")
        options = arguments.options(command.arguments, first)
        console.verbosity.use(options.verbosity)
        statement_log.show()
        made = getattr(command, "context", _context)
        context = made(options)
        ours = console.only_results() if _runs_revisions(options) else nullcontext()
        with ours, ending.contained():
            command.run(context, options)
    except CommandError as error:
        console.note(f"{name}: {without_secrets(str(error))}")
        for label, text in getattr(error, "details", ()):
            console.note(f"  {label:<12} {without_secrets(text)}")
        return getattr(error, "exit_code", MigratorError.exit_code)
    except DBAPIError as error:
        details = context is not None and context.settings.shows_details
        console.note(f"{name}: database error: {one_line(error, details=details)}")
        return MigratorError.exit_code
    except KeyboardInterrupt:
        console.note(f"{name}: interrupted.")
        return Interrupted.exit_code
    if why := console.unwritten():
        console.note(f"{name}: not all of the output could be written ({why}).")
        return 0 if name in DO else MigratorError.exit_code
    return 0


def _unraisable(found: Any) -> None:
    """Interrupt again a moment later if it came in a finalizer: Python ignores what that raises."""
    if found.exc_type is not None and issubclass(found.exc_type, KeyboardInterrupt):
        later = Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
        later.daemon = True
        later.start()
    else:
        sys.__unraisablehook__(found)


def _runs_revisions(options: Namespace) -> bool:
    """Return whether stdout is for the result alone, whatever revisions print there."""
    as_json = getattr(options, "json", False) or getattr(options, "format", "people") != "people"
    return as_json or options.command in RUN_REVISIONS


def _context(options: Namespace) -> Context:
    path = options.config
    alone = getattr(options, "database_url", None)  # without a project
    if not Path(path).is_file() and not alone:
        name = console.argument(path)
        raise UsageError(
            f"There is no {name} here; run this in the project's folder, or name the ini file with"
            " -c."
        )
    if "%" in str(Path(path).absolute().parent):
        raise UsageError(
            "Alembic cannot read ini files in a folder with % in its path: rename the folder."
        )
    try:
        config = alembic_config.read(path, options.section)
        if alone and not config.file_config.has_section(config.config_ini_section):
            config.file_config.add_section(config.config_ini_section)
        context = Context.of(config, vars(options))
        histories.use(config)
    except (configparser.Error, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {one_line(error)}.") from None
    for folder in config.get_prepend_sys_paths_list() or ():
        if folder not in sys.path:
            sys.path.insert(0, folder)
    return context
