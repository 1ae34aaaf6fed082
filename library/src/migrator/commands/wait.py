"""`wait`: `check` until the database is there, for init containers."""

from argparse import ArgumentParser, Namespace

from alembic.config import Config

from migrator.commands import check
from migrator.console import say
from migrator.revisions.wait import until_expected


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    check.arguments(parser)
    parser.add_argument(
        "--timeout", type=float, default=300, metavar="SECONDS", help="default: %(default)s"
    )


def run(config: Config, options: Namespace) -> None:
    """Say where the database is, once it is where this code expects it."""
    say(until_expected(config, options.timeout))
