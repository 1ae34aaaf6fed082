"""`fleet status`: where the tenants are."""

import json
from argparse import ArgumentParser, Namespace

from migrator.commands.fleet import selecting
from migrator.config.context import Context
from migrator.console import say, table
from migrator.errors import counted
from migrator.fleet import overview
from migrator.fleet.plan import CURRENT, OF_STATES

SHOWN = 20  # tenants that are not as they should be


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this action."""
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument("--all", action="store_true", help="list every tenant")
    selecting.arguments(parser)


def run(context: Context, options: Namespace) -> None:
    """Print it; the exit code is 0 whenever the inventory could be read."""
    plan = overview.plan(context, selecting.selection(options))
    if options.json:
        say(json.dumps(overview.as_dict(plan), ensure_ascii=False))
        return
    counts = plan.counted()
    parts = [f"{counts[state]} {OF_STATES[state]}" for state in OF_STATES if counts[state]]
    total = counted(sum(counts.values()), "tenant")
    say(f"{total}, the newest revision is {plan.to}: {', '.join(parts) or 'none'}.")
    rows = [(str(count), at) for at, count in overview.revisions(plan).most_common()]
    say("\n" + table(("tenants", "revision"), rows))
    wanted = [each for each in plan.tenants if options.all or plan.state(each) != CURRENT]
    if not wanted:
        return
    shown = wanted if options.all else wanted[:SHOWN]
    lines = [overview.row(plan, each) for each in shown]
    say("\n" + table(("tenant", "stage", "revision", "state"), lines))
    if len(wanted) > len(shown):
        say(f"and {len(wanted) - len(shown)} more: --all lists them.")
