"""The lint step: pending revisions that would block or break the service are refused."""

from collections.abc import Sequence

from alembic.script import Script
from alembic.util.exc import CommandError

from migrator import database
from migrator.config.context import Context
from migrator.config.invocation import option
from migrator.deploy.report import Report
from migrator.errors import RefusedError, UnreachableError, counted
from migrator.postgres import contents


def check(
    context: Context, pending: Sequence[Script], accepted_risk: str | None, report: Report
) -> None:
    """Refuse revisions with findings that are not suppressed.

    In a database without rows nobody waits, and no code runs: there nothing is refused. If env.py
    renders no SQL, this step says that it looked at nothing, and the deploy goes on: CI has looked.

    Args:
        accepted_risk: why the deploy goes on all the same; the migration log keeps it.

    Raises:
        RefusedError: there are findings, and no accepted risk.
    """
    if context.target.dialect != "postgresql":
        return
    with database.connect(context) as connection:
        empty = contents.is_empty(connection)
    if empty:
        report.skipped("lint", "no table has a row, so that nothing can be blocked or broken")
        return
    from migrator import lint  # half of the tool, and only where something is pending

    try:
        findings, undecided = lint.for_deploy(context, pending)
    except UnreachableError:
        raise
    except CommandError as error:
        report.warn("lint", f"no revision was linted, the deploy goes on: {error}")
        return
    rules = [f"{each.revision}: {each.rule}" for each in undecided]
    data = [{"revision": each.revision, "rule": each.rule} for each in undecided]
    left = f"; only a trace in CI can tell: {', '.join(rules)}" if rules else ""
    named = "; ".join(f"{each.revision}: {each.rule} ({each.reason})" for each in findings[:3])
    more = f"; and {len(findings) - 3} more" if len(findings) > 3 else ""
    if not findings:
        report.done("lint", f"no findings{left}", undecided=data)
    elif accepted_risk:
        listed = [{"revision": each.revision, "rule": each.rule} for each in findings]
        text = f"accepted ({accepted_risk}): {named}{more}"
        report.warn("lint", text, accepted=listed, undecided=data)
    else:
        raise RefusedError(
            f"{counted(len(findings), 'finding')} in the pending revisions:"
            f" {named}{more}. Nothing was changed. `make lint-migrations` shows the safe forms; to"
            f" deploy all the same, pass {option('--accept-risk REASON')}, which is logged."
        )
