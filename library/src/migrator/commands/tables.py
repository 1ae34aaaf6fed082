"""`tables`: list the tables that the models describe, and their modules."""

import json
from argparse import ArgumentParser, Namespace

from migrator.config import models
from migrator.config.context import Context
from migrator.console import say, table


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def run(context: Context, options: Namespace) -> None:
    """Import the models and list their tables by name."""
    found = sorted(
        (
            (each, module)
            for module, tables in models.import_models(context.config).items()
            for each in tables
        ),
        key=lambda pair: pair[0].fullname,
    )
    if options.json:
        listed = [
            {
                "schema": each.schema,
                "name": each.name,
                "module": module or None,
                "comment": each.comment or None,
            }
            for each, module in found
        ]
        say(json.dumps({"tables": listed}, ensure_ascii=False))
        return
    rows = [
        (each.fullname, module or "(not in a searched module)", each.comment or "")
        for each, module in found
    ]
    say(table(("table", "module", "comment"), rows))
