"""`fleet verify`: compare the schema of each tenant."""

import json
from argparse import ArgumentParser, Namespace

from migrator.commands.fleet import selecting
from migrator.config.context import Context
from migrator.console import say
from migrator.deploy import drift
from migrator.errors import MigratorError, counted
from migrator.fleet import overview
from migrator.fleet.drift import find

SHOWN = 20


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this action."""
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    selecting.arguments(parser)


def run(context: Context, options: Namespace) -> None:
    """Compare; changes nothing.

    Raises:
        MigratorError: a tenant differs, or cannot be read.
    """
    plan = overview.plan(context, selecting.selection(options))
    found = list(find(context, plan))
    wrong = [each for each in found if each.problem or each.drift.wrong]
    if options.json:
        say(
            json.dumps(
                {
                    "tenants": [
                        {
                            "name": each.tenant.name,
                            "compared_with": each.compared_with or None,
                            "problem": each.problem or None,
                            "wrong": [*map(drift.as_dict, each.drift.wrong)],
                            "by_hand": [*map(drift.as_dict, each.drift.by_hand)],
                        }
                        for each in found
                    ]
                },
                ensure_ascii=False,
            )
        )
    else:
        for each in found:
            differences = [*each.drift.wrong, *each.drift.by_hand]
            if not each.problem and not differences:
                continue
            say(f"{each.tenant.name}:")
            for line in [each.problem] if each.problem else drift.sentences(differences):
                say(f"  {line}")
        for compared_with in dict.fromkeys(
            each.compared_with for each in found if not each.problem
        ):
            count = sum(each.compared_with == compared_with for each in found)
            say(f"{counted(count, 'tenant')} compared with {compared_with}.")
    if wrong:
        raise MigratorError(
            f"{counted(len(wrong), 'tenant')} of {len(found)} differ, or cannot be read."
        )
    if not options.json:
        say("None differs.")
