"""`deploy`: apply what is pending."""

import textwrap
from argparse import SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from migrator.config.context import Context
from migrator.console import argument
from migrator.deploy import deploy
from migrator.deploy.deployment import Options
from migrator.deploy.report import Report
from migrator.deploy.steps import Step
from migrator.errors import Interrupted, MigratorError
from migrator.revisions.phase_and_transaction import PHASES

# Flags of version 2026.11.0, which pipelines of older projects may use.
OLD_FLAGS = {"--no-gate": "blockers", "--no-record": "log"}


def arguments(parser: ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--to", type=argument, default="head", metavar="REV", help="stop at this revision"
    )
    parser.add_argument(
        "--phase",
        choices=PHASES,
        help="expand: what the old code can work with, before the new code is rolled out;"
        " contract: the rest, after it",
    )
    parser.add_argument(
        "--accept-risk",
        type=argument,
        metavar="REASON",
        help="deploy despite findings; the reason is logged",
    )
    common(parser, deploy.STEPS)
    parser.add_argument(
        "--no-drift",
        action="store_const",
        const=False,
        dest="drift",
        help="do not compare the models with the database afterwards",
    )
    allowances(parser)


def common(parser: ArgumentParser, steps: Sequence[Step]) -> None:
    """Add what `rollback` has too: a list of the steps, and the flags that skip them."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.description = f"{parser.description}\n\nSteps:\n{described(steps)}"
    parser.add_argument("--json", action="store_true", help="JSON lines instead of text")
    for step in steps:
        if step.skip:
            _skips(parser, f"--no-{step.name}", step.name, step.skip)
    for flag, name in OLD_FLAGS.items():
        _skips(parser, flag, name, SUPPRESS)
    parser.add_argument("--now", action="store_true", help="ignore the maintenance window")
    parser.add_argument(
        "--show-queries",
        action="store_true",
        default=None,
        help="show the statements of the sessions that are waited for",
    )


def described(steps: Sequence[Step]) -> str:
    """Return the steps as lines for a terminal of 80 columns."""
    lines = [
        textwrap.fill(
            step.does.replace("`", ""),
            78,
            initial_indent=f"  {step.name:<9} ",
            subsequent_indent=" " * 12,
        )
        for step in steps
    ]
    return "\n".join(lines)


def _skips(parser: ArgumentParser, flag: str, name: str, what: str) -> None:
    parser.add_argument(
        flag, action="append_const", dest="without", const=name, default=[], help=what
    )


def allowances(parser: ArgumentParser) -> None:
    """Add what `plan` has too."""
    for name, what in (
        ("ahead", "accept a database that newer code has migrated"),
        ("pooler", "accept a pooler, which has to be in session mode"),
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
    with reporting(as_json=options.json) as report:
        deploy.run(context, chosen(options), report)


def chosen(options: Namespace) -> Options:
    """Return what the command line says, also that of `fleet deploy`."""
    return Options(
        to=options.to,
        phase=options.phase,
        without=options.without,
        now=options.now,
        accepted_risk=options.accept_risk,
    )
