"""`seed`: example data for development."""

from argparse import ArgumentParser, Namespace

from alembic.config import Config

from migrator import database
from migrator.console import argument, say
from migrator.history import development, seeds
from migrator.revisions import plan


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--host", type=argument, metavar="NAME", help="a server that is not this machine"
    )


def run(config: Config, options: Namespace) -> None:
    """Add what is missing to a database that is at the newest revision.

    Raises:
        PendingError: it is not there yet.
        RefusedError: it is not a development database.
    """
    development.refuse_production(config, "example data")
    with database.connect(config) as connection:
        development.refuse_elsewhere(connection, "example data", options.host)
        plan.expect(config, connection)
        changed = seeds.run(config, connection)
    say(f"Added or changed {changed} rows." if changed else "The example data is there already.")
