"""`reset`: begin anew with the development database."""

import sys
from argparse import ArgumentParser, Namespace

from alembic import command

from migrator import database
from migrator.config import urls
from migrator.config.context import Context
from migrator.console import argument, say
from migrator.database import development
from migrator.errors import RefusedError
from migrator.history import reset, seeds
from migrator.revisions import graph, plan


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--host", type=argument, metavar="NAME", help="a server that is not this machine"
    )
    parser.add_argument("--no-seed", action="store_true", help="leave it without example data")


def run(context: Context, options: Namespace) -> None:
    """Drop everything, migrate, and add the example data.

    Raises:
        RefusedError: it is not a development database, or nobody said yes.
    """
    development.refuse_production(context, "reset")
    graph.load(context)  # a broken revision is found before anything is dropped
    shown = urls.shown(context.target.url)
    with database.connect(context) as connection:
        development.refuse_elsewhere(connection, "reset", options.host)
        connection.rollback()
        _ask(f"Drop all {reset.count(connection)} tables of {shown}?", options.yes)
        reset.empty(connection)
        context.config.attributes["connection"] = connection
        command.upgrade(context.config, "head")
        say(f"{shown} is at {', '.join(plan.current_heads(connection)) or 'base'}.")
        if not options.no_seed and context.config.get_main_option("seeds"):
            say(f"Added {seeds.run(context, connection)} rows of example data.")


def _ask(question: str, yes: bool) -> None:
    if yes:
        return
    if sys.stdin.isatty():
        say(f"{question} [y/N]")
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
    raise RefusedError(f"{question} Nobody said yes, so nothing was changed: yes=1 (--yes).")
