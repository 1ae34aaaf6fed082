"""`tables`: list the tables that the models describe, and their modules."""

from argparse import ArgumentParser, Namespace

from migrator.config import models
from migrator.config.context import Context
from migrator.console import say, table


def arguments(_parser: ArgumentParser) -> None:
    """Add nothing: this command has no options."""


def run(context: Context, _options: Namespace) -> None:
    """Import the models and list their tables by name."""
    rows = [
        (found.fullname, module or "(not in a searched module)", found.comment or "")
        for module, tables in models.import_models(context.config).items()
        for found in tables
    ]
    say(table(("table", "module", "comment"), sorted(rows)))
