"""`wait`: repeat `check` until it succeeds, for init containers."""

from argparse import ArgumentParser, Namespace

from migrator.commands import check
from migrator.config.context import Context
from migrator.revisions.wait import until


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    check.arguments(parser)
    parser.add_argument(
        "--timeout", type=float, default=300, metavar="SECONDS", help="default: %(default)s"
    )


def run(context: Context, options: Namespace) -> None:
    """Print where the database is, once it is at the revision that this code expects."""
    check.show(until(context, options.timeout), as_json=options.json)
