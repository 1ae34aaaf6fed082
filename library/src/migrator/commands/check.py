"""`check`: is the database where this code expects it? For the start of an application."""

from argparse import ArgumentParser, Namespace

from alembic.config import Config

from migrator import database
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


def run(config: Config, options: Namespace) -> None:
    """Say where the database is; see `plan.expect` for the errors."""
    with database.connect(config, only_looks=True) as connection:
        say(plan.expect(config, connection))
