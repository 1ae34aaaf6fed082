"""`python -m migrator`: the commands, and their exit codes (see errors.py)."""

import configparser
import os
import shlex
import signal
import sys
from argparse import (
    REMAINDER,
    SUPPRESS,
    Action,
    ArgumentParser,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from threading import Timer
from typing import Any

from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError

from migrator import console
from migrator.config import alembic_config, histories
from migrator.config.context import Context
from migrator.database import statement_log
from migrator.errors import (
    Interrupted,
    MigratorError,
    UsageError,
    contained,
    one_line,
    without_secrets,
)

# Each command is a module of migrator/commands with `arguments(parser)` and
# `run(context, options)`. Only the module of the given command is imported.
COMMANDS = {
    "revision": "write revisions for the changes in the models",
    "status": "show where the database is, and what is not as it should be",
    "plan": "show the revisions that a deploy would apply; exit 3 if any",
    "deploy": "apply pending revisions, and verify the result",
    "rollback": "revert revisions, after showing what would be lost",
    "log": "show the migration log: what was applied, when, and by whom",
    "check": "compare the database with this code; exit 3 if behind",
    "drift": "compare the models with what the revisions build; exit 1",
    "wait": "repeat `check` until it succeeds or a timeout expires",
    "sql": "write the SQL of an upgrade to a file",
    "snapshot": "write schema.sql for reviews; --check: exit 1 if stale",
    "guard": "refuse changes to revisions that are on the main branch",
    "lint": "report what revisions would lock or break; exit 5 if any",
    "trace": "run revisions on a shadow database, and show their locks",
    "rehearse": "deploy to a copy of the data, and report what it costs",
    "fleet": "deploy to many tenants, a schema or database each",
    "backup": "back up the database to a file, and verify the file",
    "restore": "restore a backup into an empty database",
    "squash": "collapse revisions into one that creates the same schema",
    "adopt": "set this tool up in a project that uses Alembic",
    "baseline": "adopt a database: models, a first revision, a stamp",
    "reset": "drop everything, migrate and seed (development only)",
    "redo": "revert the newest revisions and apply them again (development only)",
    "seed": "add the example data (development only)",
    "update": "update this project to a newer version of its template",
    "tables": "list the tables that the models describe",
    "diagram": "write docs/schema.md, which shows the tables as a diagram",
    "history-graph": "write history.html, which shows the revisions as a graph",
    "db": "start, stop or open the development PostgreSQL",
}
# What they do is not what they print, so they are done without it.
DO = ("deploy", "fleet", "rollback")
# They import and run revisions, which may print.
RUN_REVISIONS = ("history-graph", "lint", "plan", "rehearse", "revision", "trace")
EXIT_CODES = """Exit codes: 0 done or nothing to do, 1 failed, 2 wrong usage or configuration,
3 revisions are pending, 4 waited too long for a lock, 5 refused by a safety check, 130
interrupted by Ctrl-C or SIGTERM."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors are printed to stderr."""
    console.start()
    # Containers are stopped with SIGTERM: handle it like Ctrl-C, which cancels the statement.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.unraisablehook = _unraisable
    name, context = "migrator", None
    try:
        first = _parser().parse_args(arguments)
        name = first.command
        command = import_module(f"migrator.commands.{name.replace('-', '_')}")
        options = _options(command.arguments, first)
        console.verbosity.use(options.verbosity)
        statement_log.show()
        made = getattr(command, "context", _context)
        context = made(options)
        with console.only_results() if _runs_revisions(options) else nullcontext(), contained():
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


class Version(Action):
    """`--version`, which looks for the commit only when it is asked for."""

    def __call__(self, parser: ArgumentParser, *_: Any, **__: Any) -> None:
        """Print the version and end."""
        from migrator.template import provenance

        console.say(provenance.version())
        parser.exit()


def _parser() -> ArgumentParser:
    listed = "\n".join(f"  {name:<13} {line}" for name, line in COMMANDS.items())
    parser = ArgumentParser(
        prog="python -m migrator",
        usage="%(prog)s [-h] [-c CONFIG] [-n NAME] [-q | -v] [--version] COMMAND ...",
        description=f"Manages the database schema of this project. Commands:\n\n{listed}",
        epilog=f"Use COMMAND --help for the options of a command.\n\n{EXIT_CODES}",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("-c", "--config", default="alembic.ini", help="ini file (%(default)s)")
    parser.add_argument(
        "-n",
        "--name",
        dest="section",
        default="alembic",
        help="section of the ini file, for another history (%(default)s)",
    )
    _add_verbosity(parser)
    parser.add_argument("--version", action=Version, nargs=0, help="show version and commit")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of the above")
    parser.add_argument("rest", nargs=REMAINDER, help=SUPPRESS)
    return parser


def _add_verbosity(parser: ArgumentParser) -> None:
    """Add what may stand before the command and after it."""
    group = parser.add_mutually_exclusive_group()
    for letter, value, what in (
        ("q", console.verbosity.QUIET, "only results, warnings and errors"),
        ("v", console.verbosity.VERBOSE, "also each SQL statement, as it runs"),
    ):
        group.add_argument(
            f"-{letter}",
            f"--{value}",
            action="store_const",
            const=value,
            default="",
            dest="verbosity",
            help=what,
        )


def _options(arguments: Callable[[ArgumentParser], None], first: Namespace) -> Namespace:
    parser = ArgumentParser(
        prog=f"python -m migrator {first.command}",
        description=f"{COMMANDS[first.command].capitalize()}.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("-c", "--config", default=first.config, help="ini file (%(default)s)")
    parser.add_argument(
        "--host",
        type=console.argument,
        metavar="NAME",
        help="a host that is for development, too (see development_hosts in alembic.ini)",
    )
    arguments(parser)
    _add_verbosity(parser)
    own = {"command": first.command, "section": first.section, "verbosity": first.verbosity}
    parser.set_defaults(**own)
    return parser.parse_args(_spread(first.rest))


def _spread(words: Sequence[str]) -> Sequence[str]:
    """Return the words with those in the text after --args, as make passes on its `args=`."""
    own = words[: words.index("--")] if "--" in words else words
    if "--args" not in own[:-1]:
        return words
    place = own.index("--args")
    try:
        more = shlex.split(words[place + 1])
    except ValueError as error:
        raise UsageError(f"args={words[place + 1]} cannot be read: {error}.") from None
    return [*words[:place], *more, *words[place + 2 :]]
