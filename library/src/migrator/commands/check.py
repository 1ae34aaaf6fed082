"""`check`: compare the database with this code, for the start of an application."""

from argparse import ArgumentParser, Namespace

from migrator import database
from migrator.config.context import Context
from migrator.console import say
from migrator.revisions import pending


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--allow-ahead",
        action="store_true",
        default=None,
        help="accept a database that newer code has migrated, as during a rollout",
    )


def run(context: Context, options: Namespace) -> None:
    """Print where the database is; see `revisions.pending.expect` for the errors."""
    with database.connect(context, only_looks=True) as connection:
        say(pending.expect(context, connection))
