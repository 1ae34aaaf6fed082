"""Before a deploy: were the revisions rehearsed, if `require_rehearsal` wants that?"""

from datetime import UTC, datetime

from migrator.config.invocation import option
from migrator.console import quantities
from migrator.deploy.deployment import Deployment
from migrator.errors import RefusedError
from migrator.revisions import rehearsed


def check(deployment: Deployment) -> None:
    """Refuse revisions without a rehearsal of their files, as they are now, that is new enough.

    Raises:
        RefusedError: there is one.
    """
    context, pending, report = deployment.context, deployment.plan.pending, deployment.report
    limit = context.settings.require_rehearsal
    if not pending or not limit:
        return
    if deployment.skips("rehearsal"):
        report.skipped("rehearsal", "skipped: --no-rehearsal")
        return
    found = rehearsed.of(context, pending)
    now = datetime.now(UTC)
    for script in pending:
        each = found.get(script.revision)
        age = (now - each.started_at).total_seconds() if each else 0.0
        if each and age <= limit:
            continue
        why = "was not rehearsed, or not as its file is now"
        if each:
            why = f"was rehearsed {quantities.duration(age)} ago"
        raise RefusedError(
            f"Revision {script.revision} {why}, and require_rehearsal = {limit:g} s asks for a"
            " newer rehearsal, without which nobody knows how long it takes and what it blocks."
            " Nothing was changed. Run `make rehearse` first (its results are read from"
            f" {rehearsed.folder(context)}), or deploy with"
            f" {option('--no-rehearsal')}."
        )
    oldest = min(each.started_at for each in found.values())
    report.done("rehearsal", f"all were rehearsed as they are now, since {oldest:%Y-%m-%d %H:%M}")
