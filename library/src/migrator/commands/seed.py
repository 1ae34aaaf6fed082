"""`seed`: add the example data to a development database."""

from argparse import ArgumentParser, Namespace

from migrator import database
from migrator.config.context import Context
from migrator.console import say
from migrator.database import development_only
from migrator.history import seeds
from migrator.revisions import expectation


def arguments(parser: ArgumentParser) -> None:
    """There are none."""


def run(context: Context, options: Namespace) -> None:
    """Add missing example data to a database that is at the newest revision.

    Raises:
        PendingError: the database is at an earlier revision.
        RefusedError: it is not a development database.
    """
    development_only.refuse_production(context, "example data")
    with database.connect(context) as connection:
        expectation.expect(context, connection)
        changed = seeds.run(context, connection)
    say(f"Rows added or changed: {changed}." if changed else "The example data exists already.")
