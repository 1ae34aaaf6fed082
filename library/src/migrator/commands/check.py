"""`check`: is the database where this code expects it? For the start of an application."""

from argparse import ArgumentParser, Namespace

from migrator import database
from migrator.config.context import Context
from migrator.console import say
from migrator.revisions import plan


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--allow-ahead",
        action="store_true",
        default=None,
        help="a database that newer code has migrated is fine, as while a release rolls out",
    )


def run(context: Context, options: Namespace) -> None:
    """Say where the database is; see `plan.expect` for the errors."""
    with database.connect(context, only_looks=True) as connection:
        say(plan.expect(context, connection))
