"""`guard`: refuse changes to revisions that are on the main branch."""

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
        help="branch to compare with; default: the target of the merge request, or the main branch",
    )
    parser.add_argument(
        "--optional",
        action="store_true",
        help="succeed if there is no main branch or no git repository",
    )


def run(context: Context, options: Namespace) -> None:
    """Print what was compared; see `immutability.check` for the errors."""
    say(immutability.check(context, options.base, optional=options.optional))
