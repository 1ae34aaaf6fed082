"""`deploy`: apply what is pending."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from migrator.config.context import Context
from migrator.console import argument
from migrator.deploy import deployment
from migrator.deploy.report import Report
from migrator.errors import Interrupted, MigratorError

STEPS = {
    "wait": "try to connect once, instead of until wait_timeout",
    "check": "do not look at the maintenance window and at old transactions",
    "backup": "take no backup",
    "gate": "do not wait for other sessions' old transactions before each try",
    "verify": "do not check the result",
    "record": "write nothing into the table migration_log",
}


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--to", type=argument, default="head", metavar="REV", help="stop at this revision"
    )
    parser.add_argument(
        "--phase",
        choices=deployment.PHASES,
        help="expand: what the old code can work with, before the new code rolls out; contract:"
        " the rest, after",
    )
    parser.add_argument("--no-lint", **skip("lint"), help="do not look for unsafe revisions")
    parser.add_argument(
        "--accept-risk", type=argument, metavar="REASON", help="deploy in spite of findings"
    )
    common(parser)
    parser.add_argument(
        "--no-drift",
        action="store_const",
        const=False,
        dest="drift",
        help="do not compare the models with the database afterwards",
    )
    allowances(parser)


def common(parser: ArgumentParser) -> None:
    """Add what `rollback` has too."""
    parser.add_argument("--json", action="store_true", help="JSON lines instead of text")
    for step, what in STEPS.items():
        parser.add_argument(f"--no-{step}", **skip(step), help=what)
    parser.add_argument("--now", action="store_true", help="outside the maintenance window too")
    parser.add_argument(
        "--show-queries",
        action="store_true",
        default=None,
        help="show the statements of the sessions that are waited for",
    )


def skip(step: str) -> dict[str, Any]:
    """Return what makes an option put `step` on the list of those to leave out."""
    return {"action": "append_const", "dest": "without", "const": step, "default": []}


def allowances(parser: ArgumentParser) -> None:
    """Add what `plan` has too."""
    for name, what in (
        ("ahead", "a database that newer code has migrated is fine"),
        ("pooler", "the pooler in between is in session mode"),
    ):
        parser.add_argument(f"--allow-{name}", action="store_true", default=None, help=what)


@contextmanager
def reporting(*, as_json: bool) -> Iterator[Report]:
    """Yield a report that also hears how the command ends."""
    report = Report(as_json=as_json)
    try:
        yield report
    except (Exception, KeyboardInterrupt) as error:
        stopped = isinstance(error, KeyboardInterrupt)
        code: int = getattr(error, "exit_code", MigratorError.exit_code)
        report.end(error, Interrupted.exit_code if stopped else code)
        raise
    report.end()


def run(context: Context, options: Namespace) -> None:
    """Deploy."""
    chosen = deployment.Options(
        to=options.to,
        phase=options.phase,
        without=options.without,
        now=options.now,
        accepted_risk=options.accept_risk,
    )
    with reporting(as_json=options.json) as report:
        deployment.run(context, chosen, report)
