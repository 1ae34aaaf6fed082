"""`backup`: back up the database, and verify the backup."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from migrator import backup, database
from migrator.config.context import Context
from migrator.console import argument, quantities, say
from migrator.revisions import position


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--output",
        type=argument,
        metavar="FILE",
        help="a new file; default: a file in backup_folder, where old backups are then removed",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def run(context: Context, options: Namespace) -> None:
    """Make the backup, and print its path and contents."""
    with database.connect(context, anywhere=True) as connection:
        heads = position.current_heads(connection)
    at = ", ".join(heads) or "base"
    taken = backup.take(context, at, Path(options.output) if options.output else None)
    backup.prune(taken, context)
    if options.json:
        facts = {
            "path": str(taken.path),
            "size": taken.size,
            "tables": taken.tables,
            "revisions": heads,
            "seconds": round(taken.seconds, 3),
            "to_restore": backup.restore_command(taken, context),
        }
        say(json.dumps(facts, ensure_ascii=False))
        return
    say(
        f"{taken.path}: {quantities.size(taken.size)}, {taken.tables} tables, at {at}; verified,"
        f" {taken.seconds:.1f} s."
    )
    say(f"To restore it: {backup.restore_command(taken, context)}")
