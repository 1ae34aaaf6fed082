"""`fleet create`: make a tenant, at the newest revision."""

from argparse import ArgumentParser, Namespace

from migrator.config.context import Context
from migrator.console import argument, say
from migrator.fleet import creation


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this action."""
    parser.add_argument("name", type=argument, metavar="NAME", help="the tenant")
    parser.add_argument(
        "--schema", type=argument, default="", metavar="NAME", help="its schema (the same name)"
    )


def run(context: Context, options: Namespace) -> None:
    """Make it; see `creation.create` for the errors."""
    made = creation.create(context, options.name, options.schema)
    say(f"Created {made.where} of tenant {made.name}, at {made.revision}.")
    if made.registered:
        say("create_sql has been executed.")
