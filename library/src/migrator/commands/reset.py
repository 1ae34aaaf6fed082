"""`reset`: empty the development database, migrate it and seed it."""

from argparse import ArgumentParser, Namespace

from alembic import command

from migrator import database
from migrator.config import urls
from migrator.config.context import Context
from migrator.console import confirmed, say
from migrator.database import development_only
from migrator.errors import RefusedError
from migrator.history import reset, seeds
from migrator.revisions import graph, position


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    parser.add_argument("--no-seed", action="store_true", help="do not add the example data")


def run(context: Context, options: Namespace) -> None:
    """Drop everything, migrate, and add the example data.

    Raises:
        RefusedError: it is not a development database, or the user did not confirm.
    """
    development_only.refuse_production(context, "reset")
    graph.load(context)  # report a broken revision before anything is dropped
    shown = urls.shown(context.target.url)
    with database.connect(context) as connection:
        question = f"Drop all {reset.count(connection)} tables in {shown}?"
        if not options.yes and not confirmed(question):
            raise RefusedError(
                f"{question} This was not confirmed; nothing was changed. Without a terminal,"
                " confirm with yes=1 (--yes)."
            )
        reset.empty(connection)
        context.config.attributes["connection"] = connection
        command.upgrade(context.config, "head")
        say(f"{shown} is at {', '.join(position.current_heads(connection)) or 'base'}.")
        if not options.no_seed and context.config.get_main_option("seeds"):
            say(f"Added {seeds.run(context, connection)} rows of example data.")
