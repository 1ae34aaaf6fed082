"""`baseline`: adopt an existing database."""

from argparse import ArgumentParser, Namespace

from migrator.config import urls
from migrator.config.context import Context
from migrator.console import argument, confirmed, note, say
from migrator.history import baseline


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "-m", "--message", type=argument, required=True, help="message of the revision"
    )
    parser.add_argument(
        "--yes", action="store_true", help="stamp the database without confirmation"
    )
    parser.add_argument(
        "--beside",
        action="store_true",
        help="keep existing models of tables that are in the database",
    )
    parser.add_argument(
        "--shadow",
        type=argument,
        metavar="URL",
        help="create shadow databases on the server of this URL; default: the server of the"
        " database",
    )


def run(context: Context, options: Namespace) -> None:
    """Write models and a first revision, and stamp the database."""
    file = baseline.prepare(context, options.beside)
    result = baseline.run(context, options.message, file, options.shadow)
    if result.why:
        note(f"The revision contains only SQL, because Alembic's operations failed: {result.why}")
    if result.carried:
        say("Written as SQL, because Alembic has no operation for it:")
        for title in result.carried:
            say(f"  {title}")
    say("Proved: the revision creates the same schema on an empty database.")
    say(f"Wrote {result.path.name} and a draft of the models, {result.models.name}.")
    if result.differences:
        note(f"Fix the models until `make check-migrations` succeeds: {result.differences}")
    shown = urls.shown(context.target.url)
    if options.yes or confirmed(f"Stamp {shown} with revision {result.revision}?"):
        baseline.stamp(context, result.revision)
        say(f"{shown} is at {result.revision}; nothing else in it was changed.")
    else:
        say("The database was not changed. To stamp it with the new revision:")
        say(f"  python -m alembic stamp {result.revision}")
