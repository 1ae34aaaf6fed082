"""`restore`: a backup into an empty database."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from migrator import backup
from migrator.config import urls
from migrator.config.context import Context
from migrator.console import argument, say
from migrator.errors import RefusedError, UsageError


def arguments(parser: ArgumentParser) -> None:
    """Add the file and the options of this command."""
    parser.add_argument("file", type=argument, metavar="FILE", help="a backup")
    parser.add_argument(
        "--into",
        type=argument,
        metavar="NAME",
        help="another database of the same server (SQLite: another file), created if need be",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--no-owner",
        action="store_true",
        help="without owners and privileges, for a server that does not have the same roles",
    )


def run(context: Context, options: Namespace) -> None:
    """Restore, and say how to use what was restored; see `backup.restore` for the errors."""
    if not options.yes and not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on: say --yes to restore without a question.")
    done = backup.restore(
        context,
        Path(options.file),
        options.into,
        (lambda name: None) if options.yes else _ask,
        owners=not options.no_owner,
    )
    say(f"Restored into {done.database}: {done.tables} tables, at {done.at}, {done.seconds:.1f} s.")
    url = context.target.url
    if context.target.dialect == "sqlite":
        if options.into:
            say(f"To use it, stop the application and put it in the place of {url.database}.")
        return
    say("Run ANALYZE in it before there is traffic: a restored database has no statistics.")
    if options.into:
        shown = urls.shown(url.set(database=done.database))
        old, new = _quoted(url.database or ""), _quoted(done.database)
        say(f"To use it, set DATABASE_URL to {shown} (the password is the same), or when nobody is")
        say("connected to either, swap the names from another database of the server:")
        say(f"  ALTER DATABASE {old} RENAME TO {_quoted(f'{url.database}_before')};")
        say(f"  ALTER DATABASE {new} RENAME TO {old};")


def _ask(name: str) -> None:
    try:
        typed = input(f"To restore into it, type the name of the database ({name}): ")
    except EOFError:
        typed = ""
    if argument(typed) != name:
        raise RefusedError(f"That is not {name!r}: nothing was changed.")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
