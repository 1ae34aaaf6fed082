"""`revision`: write the revisions that lead from the schema of the history to the models."""

from argparse import ArgumentParser, Namespace

from alembic import command

from migrator.config.context import Context
from migrator.console import argument


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("-m", "--message", type=argument, required=True, help="what it is for")
    parser.add_argument(
        "--drop",
        type=argument,
        metavar="NAME,...",
        default="",
        help="tables and columns (table.column) that may be dropped, with their data",
    )
    parser.add_argument(
        "--rewrite",
        type=argument,
        metavar="TABLE.COLUMN,...",
        default="",
        help="columns whose tables may be rewritten while nobody can use them",
    )
    parser.add_argument(
        "--lose",
        type=argument,
        metavar="TABLE.COLUMN,...",
        default="",
        help="columns whose values may change for good, because their new type holds less",
    )


def run(context: Context, options: Namespace) -> None:
    """Write the revisions; see `autogenerate.alembic_options.process` for the errors."""
    asked = [f"{name}={getattr(options, name)}" for name in ("drop", "rewrite", "lose")]
    context.config.cmd_opts = Namespace(
        cmd=(command.revision,), x=[each for each in asked if not each.endswith("=")]
    )
    command.revision(context.config, options.message, autogenerate=True)
