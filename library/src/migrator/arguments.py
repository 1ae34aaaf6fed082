"""The arguments of `python -m migrator` and of each command."""

import shlex
from argparse import (
    REMAINDER,
    SUPPRESS,
    Action,
    ArgumentParser,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Callable, Sequence
from typing import Any

from migrator import console
from migrator.errors import UsageError

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
EXIT_CODES = """Exit codes: 0 done or nothing to do, 1 failed, 2 wrong usage or configuration,
3 revisions are pending, 4 waited too long for a lock, 5 refused by a safety check, 130
interrupted by Ctrl-C, SIGTERM or SIGHUP."""


class Version(Action):
    """`--version`, which looks for the commit only when it is asked for."""

    def __call__(self, parser: ArgumentParser, *_: Any, **__: Any) -> None:
        """Print the version and end."""
        from migrator.template import provenance

        console.say(provenance.version())
        parser.exit()


def parser() -> ArgumentParser:
    """Return what reads the options before the command, and its name."""
    listed = "\n".join(f"  {name:<13} {line}" for name, line in COMMANDS.items())
    made = ArgumentParser(
        prog="python -m migrator",
        usage="%(prog)s [-h] [-c CONFIG] [-n NAME] [-q | -v] [--version] COMMAND ...",
        description=f"Manages the database schema of this project. Commands:\n\n{listed}",
        epilog=f"Use COMMAND --help for the options of a command.\n\n{EXIT_CODES}",
        formatter_class=RawDescriptionHelpFormatter,
    )
    made.add_argument("-c", "--config", default="alembic.ini", help="ini file (%(default)s)")
    made.add_argument(
        "-n",
        "--name",
        dest="section",
        default="alembic",
        help="section of the ini file, for another history (%(default)s)",
    )
    _add_verbosity(made)
    made.add_argument("--version", action=Version, nargs=0, help="show version and commit")
    made.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of the above")
    made.add_argument("rest", nargs=REMAINDER, help=SUPPRESS)
    return made


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


def options(arguments: Callable[[ArgumentParser], None], first: Namespace) -> Namespace:
    """Return all options of one command.

    Args:
        arguments: adds those of the command to a parser.
        first: what `parser` read.

    Raises:
        UsageError: the text after --args cannot be read.
    """
    line = COMMANDS[first.command]
    parser = ArgumentParser(
        prog=f"python -m migrator {first.command}",
        description=f"{line[0].upper()}{line[1:]}.",
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
