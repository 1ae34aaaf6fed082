"""`snapshot`: write schema.sql and catalog.txt, or report that one is stale."""

from argparse import ArgumentParser, Namespace

from migrator.config import histories
from migrator.config.context import Context
from migrator.console import say
from migrator.proof.shadow_history import applied
from migrator.revisions import snapshot


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit with 1 if the file is stale"
    )

    parser.add_argument(
        "--keep", action="store_true", help="do not write schema.sql where there is none"
    )


def run(context: Context, options: Namespace) -> None:
    """Write the files, or compare them."""
    found: list[str] = []
    for own in histories.every(context):
        with histories.used(own), applied(own) as history:
            if options.check:
                found += snapshot.check(own, history.url)
            else:
                found += snapshot.write(own, history.url, keep=options.keep)
    if not options.check:
        say(snapshot.said(found) if found else "The snapshot is up to date.")
        return
    for name in found:
        say(f"{name} matches the revisions.")
    if not found:
        say("There is no snapshot to compare; run `make snapshot` to write it.")
