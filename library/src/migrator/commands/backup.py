"""`backup`: back up the database, and verify the backup."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from migrator import backup, database
from migrator.config.context import Context
from migrator.console import argument, say
from migrator.revisions import pending


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--output",
        type=argument,
        metavar="FILE",
        help="a new file; default: a file in backup_folder, where old backups are then removed",
    )


def run(context: Context, options: Namespace) -> None:
    """Make the backup, and print its path and contents."""
    with database.connect(context, anywhere=True) as connection:
        at = ", ".join(pending.current_heads(connection)) or "base"
    taken = backup.take(context, at, Path(options.output) if options.output else None)
    backup.prune(taken, context)
    say(
        f"{taken.path}: {backup.amount(taken.size)}, {taken.tables} tables, at {at}; verified,"
        f" {taken.seconds:.1f} s."
    )
    say(f"To restore it: {backup.restore_command(taken, context)}")
