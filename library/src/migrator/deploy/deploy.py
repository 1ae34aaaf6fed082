"""The deploy, step by step."""

from sqlalchemy import Connection

from migrator import database
from migrator.config.context import Context
from migrator.deploy import lint_check, preflight, rehearsal_check, steps, violation_check
from migrator.deploy.deployment import Deployment, Options
from migrator.deploy.report import Report
from migrator.deploy.steps import Step
from migrator.postgres import unfinished
from migrator.revisions import description, log_table, pending, verified
from migrator.revisions.pending import Plan
from migrator.revisions.phase_and_transaction import EXPAND

LATER = "; the next revisions are for --phase contract"


def run(context: Context, options: Options, report: Report) -> None:
    """Bring the database forward to `options.to`; nothing is ever downgraded by itself.

    With nothing pending it ends before Alembic's environment is loaded at all, unless what an
    earlier deploy has applied is still to be verified.

    Raises:
        MigratorError: what went wrong, and the state of the database; its class says the exit
            code.
    """
    steps.run(STEPS, Deployment(context, options, report))


def compare(deployment: Deployment) -> None:
    """Find what is pending, and say it; with nothing to do, it is over."""
    with database.connect(deployment.context) as connection:
        if deployment.logged:
            log_table.refuse_other(connection)
        _plan(deployment, connection)
        deployment.unverified = _is_unverified(connection, deployment)
    found = deployment.plan
    if found.pending:
        _say_plan(deployment)
    elif not deployment.unverified or found.ahead or deployment.skips("verify"):
        _say_nothing_to_do(deployment)
        deployment.over = True
    else:
        later = LATER if deployment.later else ""
        text = f"Nothing to apply, but to verify: the database is at {found.at}{later}."
        deployment.report.done("plan", text, **found.as_dict())


def lint(deployment: Deployment) -> None:
    """Refuse pending revisions that would block or break the service."""
    pending = deployment.plan.pending
    if not pending:
        return
    if deployment.skips("lint"):
        deployment.report.skipped("lint", "skipped: --no-lint")
    else:
        accepted = deployment.options.accepted_risk
        lint_check.check(deployment.context, pending, accepted, deployment.report)


def take_lock(deployment: Deployment) -> None:
    """Take the deploy lock; then compare again, since another deploy may have held it before.

    What that one has left to do, and was not announced, is checked and linted as if it had been.
    """
    context, before = deployment.context, deployment.plan
    deployment.take_lock()
    with database.connect(context) as connection:
        _plan(deployment, connection)
        unverified = verified.unverified(connection)
        deployment.unverified = _is_unverified(connection, deployment)
        # What an unverified deploy found is still what was there before the first of them.
        before_all = unfinished.find(connection) if unverified is None else unverified
    deployment.unfinished = before_all
    now = deployment.plan
    if before.pending and not now.pending:
        text = f"Nothing left to do: another deploy has brought the database to {now.at}."
        deployment.report.done("plan", text, **now.as_dict())
    if not (before.pending and now.pending):
        verifies = deployment.unverified and not deployment.skips("verify")
        deployment.over = not verifies or bool(now.pending) or now.ahead
    elif not {each.revision for each in now.pending} <= {each.revision for each in before.pending}:
        deployment.report.warn(
            "plan",
            f"While this deploy waited for the lock, the database went from {before.at} to"
            f" {now.at}: it is planned, checked and linted again.",
        )
        _say_plan(deployment)
        for step in STEPS:
            if step.again and step.run:
                step.run(deployment)


def _plan(deployment: Deployment, connection: Connection) -> None:
    """Compare the database with the revisions, up to where the phase lets it go."""
    context, options = deployment.context, deployment.options
    deployment.to = options.to
    whole = pending.make(context, connection, deployment.to, deployment.revisions)
    deployment.plan = whole
    if options.phase == EXPAND and whole.pending:
        deployment.to = pending.before_contract(whole)
        deployment.plan = pending.make(context, connection, deployment.to, deployment.revisions)
    deployment.later = len(whole.pending) - len(deployment.plan.pending)


def _is_unverified(connection: Connection, deployment: Deployment) -> bool:
    """Tell whether nobody has verified the database yet: a deploy, or who stamped it."""
    if verified.unverified(connection) is not None:
        return True
    return (
        deployment.logged and bool(deployment.plan.current) and verified.never_verified(connection)
    )


STEPS = (
    Step(
        "wait",
        "Connect, retrying until `wait_timeout`. Refuse a standby, and a pooler that mixes"
        " sessions.",
        preflight.wait_for_server,
        skip="connect once, instead of retrying until wait_timeout",
    ),
    Step("plan", "Find the revisions that the database lacks.", compare),
    Step(
        "check",
        "Refuse outside the maintenance window (`window`). Name old transactions, INVALID indexes"
        " and NOT VALID constraints.",
        steps.check,
        skip="ignore the window, old transactions and unfinished indexes",
        again=True,
    ),
    Step(
        "lint",
        "Refuse revisions that would block or break the service.",
        lint,
        skip="do not look for unsafe revisions",
        again=True,
    ),
    Step(
        "rows",
        "Refuse revisions that add what rows violate. They are counted where that is cheap.",
        violation_check.check,
        skip="do not count rows that violate what revisions add",
        again=True,
    ),
    Step(
        "rehearsal",
        "Refuse revisions without a rehearsal that is not older than `require_rehearsal`; 0 asks"
        " for none.",
        rehearsal_check.check,
        skip="deploy without the rehearsal that require_rehearsal asks for",
        again=True,
    ),
    Step("lock", "Take the deploy lock: one deploy at a time (`deploy_lock_timeout`).", take_lock),
    Step(
        "backup",
        "Copy the database into a file, and read the file back.",
        steps.back_up,
        skip="take no backup",
    ),
    Step(
        "blockers",
        "Before each attempt, wait until no transaction is older than `blocker_age`.",
        skip="do not wait for old transactions before each attempt",
    ),
    Step(
        "apply",
        "Run each revision in a transaction of its own, with `lock_timeout`. After a lock timeout,"
        " back off and retry until `lock_deadline`.",
        steps.apply,
    ),
    Step(
        "log",
        "Write each revision into the table `migration_log`, in its transaction, and a failure"
        " after it.",
        skip="write nothing into the table migration_log",
    ),
    Step(
        "verify",
        "See whether the target is reached, nothing is left unfinished, the schema is the one that"
        " the revisions build (`drift`), and `smoke_sql` succeeds.",
        steps.verify,
        skip="do not verify the result",
    ),
    Step("done", "Say where the database is now.", steps.done),
)


def _say_plan(deployment: Deployment) -> None:
    found, report = deployment.plan, deployment.report
    text = f"The database is at {found.at}; {len(found.pending)} to apply:"
    report.done("plan", text, **found.as_dict())
    if not report.as_json:
        for script in found.pending:
            report.done("", f"  {description.line(script)}")
    if deployment.options.phase is None and _has_both_phases(found):
        report.warn(
            "plan",
            "Code that is older than these revisions may fail after them. To deploy without"
            " downtime: --phase expand, then the new code, then --phase contract.",
        )


def _has_both_phases(found: Plan) -> bool:
    return pending.before_contract(found) != found.target


def _say_nothing_to_do(deployment: Deployment) -> None:
    found = deployment.plan
    why = ", ahead of this code, which is allowed" if found.ahead else ""
    if deployment.later:
        why = LATER
    text = f"Nothing to do: the database is at {found.at}{why}."
    deployment.report.done("plan", text, **found.as_dict())
