"""`fleet deploy`: apply what is pending to all tenants, canaries first."""

from argparse import ArgumentParser, Namespace

from migrator.commands.deploy import chosen, reporting
from migrator.commands.fleet import selecting
from migrator.config.context import Context
from migrator.console import argument
from migrator.fleet import deploy
from migrator.fleet.settings import CONTINUE, STOP
from migrator.revisions.phase_and_transaction import PHASES

STEPS = {
    "lint": "do not look for unsafe revisions",
    "rows": "do not count rows that violate what revisions add",
    "rehearsal": "deploy without the rehearsal that require_rehearsal asks for",
    "backup": "take no backups",
    "blockers": "do not wait for old transactions",
    "log": "write nothing into the tables migration_log",
}


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this action."""
    parser.add_argument("--to", type=argument, default="head", metavar="REV", help="(%(default)s)")
    parser.add_argument("--phase", choices=PHASES, help="expand or contract, as for `deploy`")
    selecting.arguments(parser)
    parser.add_argument("--parallel", type=int, metavar="N", help="worker processes")
    parser.add_argument(
        "--on-failure", choices=(STOP, CONTINUE), help="what to do when a tenant fails"
    )
    parser.add_argument(
        "--max-failures", type=int, metavar="N", help="how many may fail before it stops"
    )
    parser.add_argument(
        "--accept-risk",
        type=argument,
        metavar="REASON",
        help="deploy despite findings; the reason is logged",
    )
    for name, what in STEPS.items():
        parser.add_argument(
            f"--no-{name}",
            action="append_const",
            dest="without",
            const=name,
            default=[],
            help=what,
        )
    parser.add_argument(
        "--allow-ahead",
        action="store_true",
        default=None,
        help="accept tenants that newer code has migrated",
    )
    parser.add_argument("--now", action="store_true", help="ignore the maintenance window")
    parser.add_argument("--json", action="store_true", help="JSON lines instead of text")


def run(context: Context, options: Namespace) -> None:
    """Deploy; see `migrator.fleet.deploy.run` for the errors."""
    with reporting(as_json=options.json) as report:
        deploy.run(
            context,
            chosen(options),
            selecting.selection(options),
            report,
            parallel=options.parallel,
            on_failure=options.on_failure,
            max_failures=options.max_failures,
        )
