"""`baseline`: adopt a database that is there already."""

import sys
from argparse import ArgumentParser, Namespace

from migrator.config import urls
from migrator.config.context import Context
from migrator.console import argument, note, say
from migrator.history import baseline


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("-m", "--message", type=argument, required=True, help="of the revision")
    parser.add_argument("--yes", action="store_true", help="stamp the database without asking")
    parser.add_argument(
        "--beside", action="store_true", help="there are models already, of tables that it has"
    )
    parser.add_argument(
        "--scratch",
        type=argument,
        metavar="URL",
        help="make scratch databases beside this one, not beside the one that is adopted",
    )


def run(context: Context, options: Namespace) -> None:
    """Write models and a first revision, and stamp the database."""
    file = baseline.prepare(context, options.beside)
    result = baseline.run(context, options.message, file, options.scratch)
    if result.why:
        note(f"Everything is carried over as SQL, because Alembic's own part failed: {result.why}")
    if result.carried:
        say("Carried over as SQL, because Alembic cannot write it:")
        for title in result.carried:
            say(f"  {title}")
    say("Proved: the revision makes the same schema on an empty database.")
    say(f"Wrote {result.path.name} and, as a draft, {result.models.name}.")
    if result.differences:
        note(f"Mend the models until `make check-migrations` is quiet: {result.differences}")
    shown = urls.shown(context.target.url)
    if options.yes or _asked(f"Stamp {shown} as being at {result.revision}? [y/N]"):
        baseline.stamp(context, result.revision)
        say(f"{shown} is at {result.revision}; nothing else in it was touched.")
    else:
        say("The database was not touched. To say that it is at the new revision:")
        say(f"  python -m alembic stamp {result.revision}")


def _asked(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    say(question)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
