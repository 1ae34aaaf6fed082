"""`restore`: restore a backup into an empty database."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from migrator.backup import restore
from migrator.config import urls
from migrator.config.context import Context
from migrator.console import argument, say, typed
from migrator.errors import RefusedError, UsageError


def arguments(parser: ArgumentParser) -> None:
    """Add the file and the options of this command."""
    parser.add_argument("file", type=argument, metavar="FILE", help="the backup")
    parser.add_argument(
        "--into",
        type=argument,
        metavar="NAME",
        help="another database on the same server (SQLite: another file); created if it does not"
        " exist",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    parser.add_argument(
        "--no-owner",
        action="store_true",
        help="do not restore owners and privileges, if roles do not exist on this server",
    )


def run(context: Context, options: Namespace) -> None:
    """Restore, and print how to use the new database; see `restore.run` for the errors."""
    if not options.yes and not sys.stdin.isatty():
        raise UsageError(
            "restore asks for confirmation, and there is no terminal: confirm with yes=1 (--yes)."
        )
    done = restore.run(
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
            say(f"To use it, stop the application and replace {url.database} with it.")
        return
    say("Run ANALYZE before it serves queries: a restored database has no statistics.")
    if options.into:
        shown = urls.shown(url.set(database=done.database))
        if not url.database:  # it is in a service file, or the environment
            say(f"To use it, set DATABASE_URL to {shown}.")
            return
        old, new = _quoted(url.database), _quoted(done.database)
        say(f"To use it, set DATABASE_URL to {shown} (the password is the same), or swap the names")
        say("from another database while no session is connected to either of them:")
        say(f"  ALTER DATABASE {old} RENAME TO {_quoted(f'{url.database}_before')};")
        say(f"  ALTER DATABASE {new} RENAME TO {old};")


def _ask(name: str) -> None:
    if typed(f"Type the name of the database ({name}) to restore into it: ") != name:
        raise RefusedError(f"Cancelled, because {name!r} was not typed; nothing was changed.")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
