"""`snapshot`: write schema.sql, or report that it is stale."""

from argparse import ArgumentParser, Namespace

from migrator.config.context import Context
from migrator.console import say
from migrator.proof.shadow_history import applied
from migrator.revisions import snapshot


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit with 1 if the file is stale"
    )


def run(context: Context, options: Namespace) -> None:
    """Write the file, or compare it."""
    with applied(context) as history:
        if options.check:
            if snapshot.check(context, history.url):
                say(f"{snapshot.FILE} matches the revisions.")
            else:
                say(f"There is no {snapshot.FILE} to compare; run `make snapshot` to write it.")
        elif snapshot.write(context, history.url):
            say(f"Wrote {snapshot.FILE}: commit it together with the revisions.")
        else:
            say(f"{snapshot.FILE} is up to date.")
