"""`fleet drop`: back up a tenant, and remove it."""

import sys
from argparse import ArgumentParser, Namespace

from migrator.config.context import Context
from migrator.console import argument, say, typed
from migrator.errors import RefusedError, UsageError
from migrator.fleet import removal


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this action."""
    parser.add_argument("name", type=argument, metavar="NAME", help="the tenant")
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")


def run(context: Context, options: Namespace) -> None:
    """Remove it; see `removal.drop` for the errors."""
    if not options.yes and not sys.stdin.isatty():
        raise UsageError(
            "fleet drop asks for confirmation, and there is no terminal: confirm with yes=1"
            " (--yes)."
        )
    what, saved, still_there = removal.drop(
        context, options.name, (lambda _: None) if options.yes else _ask
    )
    kept = f"; its backup is {saved}" if saved else ", without a backup (backup = false)"
    say(f"Removed {what} of tenant {options.name}{kept}.")
    if still_there:
        say("The inventory still names it: take it out there, or the next deploy stops.")


def _ask(name: str) -> None:
    if typed(f"Type the name of the tenant ({name}) to remove it with all its rows: ") != name:
        raise RefusedError(f"Cancelled, because {name!r} was not typed; nothing was removed.")
