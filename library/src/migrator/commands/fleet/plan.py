"""`fleet plan`: which tenants a deploy would change."""

import json
from argparse import ArgumentParser, Namespace

from migrator.commands.fleet import selecting
from migrator.config.context import Context
from migrator.console import argument, say, wrap
from migrator.errors import PendingError, counted
from migrator.fleet import overview
from migrator.fleet.plan import BEHIND, OF_STATES, UNVERIFIED
from migrator.revisions import description
from migrator.revisions.phase_and_transaction import PHASES


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this action."""
    parser.add_argument("--to", type=argument, default="head", metavar="REV", help="(%(default)s)")
    parser.add_argument("--phase", choices=PHASES, help="as for deploy")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    selecting.arguments(parser)


def run(context: Context, options: Namespace) -> None:
    """Show it.

    Raises:
        PendingError: there is something to do.
    """
    shared = overview.shared(context, options.phase)
    plan = overview.plan(context, selecting.selection(options), options.to, options.phase)
    counts, pending = plan.counted(), plan.pending(plan.tenants)
    if options.json:
        facts = overview.as_dict(plan)
        facts["shared"] = [description.as_dict(each) for each in shared]
        facts["pending"] = [description.as_dict(each) for each in pending]
        say(json.dumps(facts, ensure_ascii=False))
    else:
        for script in shared:
            say(f"shared tables: {description.line(script)}")
        say(f"{counted(sum(counts.values()), 'tenant')}, target {plan.to}:")
        for name, tenants in plan.stages:
            states = overview.states(plan, tenants)
            parts = [f"{states[state]} {OF_STATES[state]}" for state in OF_STATES if states[state]]
            for line in wrap(f"{name or 'all'}: {', '.join(parts)}", "  "):
                say(line)
        for script in pending:
            say(f"  {description.line(script)}")
        if plan.later:
            say("  The next revisions are for --phase contract.")
    left = counts[BEHIND] + counts[UNVERIFIED]
    if left or shared:
        first = "The shared tables, and " if shared else ""
        raise PendingError(f"{first}{counted(left, 'tenant')} to deploy to.")
