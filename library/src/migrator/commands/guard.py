"""`guard`: the revisions of the main branch stay as they are."""

from argparse import ArgumentParser, Namespace

from migrator.config.context import Context
from migrator.console import argument, say
from migrator.revisions import immutability


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--base",
        type=argument,
        metavar="REF",
        help="branch to compare with; default: the merge request's target, else the main branch",
    )
    parser.add_argument(
        "--optional",
        action="store_true",
        help="no main branch, or no git repository, is fine",
    )


def run(context: Context, options: Namespace) -> None:
    """Say what was compared; see `guard.check` for the errors."""
    say(immutability.check(context, options.base, optional=options.optional))
