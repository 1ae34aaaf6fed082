"""After a deploy: is the database what it should be now?"""

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from migrator.deploy import drift
from migrator.deploy.deployment import Deployment
from migrator.errors import MigratorError, one_line
from migrator.postgres import durability, unfinished
from migrator.revisions import pending, verified, way_back


class NotVerifiedError(MigratorError):
    """The revisions are applied, but the result is wrong; the message names everything."""


def forward(deployment: Deployment, connection: Connection) -> None:
    """Verify a deploy, and log that it was verified: the next one need not do it again.

    Raises:
        NotVerifiedError: something is not as it should be.
        MigratorError: the database cannot be asked.
    """
    report = deployment.report
    if connection.dialect.name == "postgresql":
        durability.commit_locally(connection)
    if deployment.skips("verify"):
        report.skipped("verify", "skipped: --no-verify")
    else:
        _verify(deployment, connection)
    if not deployment.logged:
        return
    try:
        verified.settle(connection, "left out" if deployment.skips("verify") else "yes")
    except DBAPIError as error:
        connection.rollback()
        why = one_line(error, details=False)
        report.warn("verify", f"not logged, so the next deploy verifies again: {why}")


def back(deployment: Deployment, connection: Connection) -> None:
    """Verify a rollback.

    Raises:
        NotVerifiedError: a revision that it reverted is still applied.
    """
    going = deployment.plan
    if left := way_back.still_there(connection, going, deployment.revisions):
        raise NotVerifiedError(
            f"the rollback ended before {going.ends_at}, without an error: {left[0].revision} is"
            " still applied; look at its downgrade for a commit of its own"
        )


def _verify(deployment: Deployment, connection: Connection) -> None:
    context, revisions, to = deployment.context, deployment.revisions, deployment.to
    settings = context.settings
    if connection.dialect.name == "postgresql" and (
        why := durability.unconfirmed(connection, settings.standby_timeout)
    ):
        raise NotVerifiedError(why)
    after = pending.make(context, connection, to, revisions)
    if after.pending:
        raise NotVerifiedError(
            f"the deploy ended at {after.at} instead of {after.target}, without an error;"
            " look at the revisions after it for a commit or rollback of their own"
        )
    new = [each for each in unfinished.find(connection) if each not in deployment.unfinished]
    wrong = [f"the deploy left something unfinished: {each}" for each in new]
    checked = ["the target is reached"]
    if connection.dialect.name == "postgresql" and not new:
        checked.append("no new INVALID index or NOT VALID constraint")
    if settings.drift:
        found = drift.find(context, connection, after.target)
        wrong += [f"drift: {each}" for each in drift.sentences(found.wrong)]
        for each in found.by_hand[: drift.SHOWN]:
            text = f"drift, made by hand: {drift.in_words(each)}"
            deployment.report.warn("verify", text, drift=drift.as_dict(each))
        if (more := len(found.by_hand) - drift.SHOWN) > 0:
            deployment.report.warn("verify", f"drift, made by hand: and {more} more")
        for sentence in found.unused:
            deployment.report.warn("verify", sentence)
        if found.not_compared and to in ("head", "heads"):
            deployment.report.warn("verify", f"drift was not looked for: {found.not_compared}")
        elif found.not_compared:  # a deploy that ends before the head
            checked.append("drift was not looked for before the head")
        else:
            checked.append("the schema is the one that the revisions build")
    if settings.smoke_sql:
        wrong += smoke(connection, settings.smoke_sql)
        checked.append("smoke_sql succeeds")
    if wrong:
        raise NotVerifiedError("; ".join(wrong))
    deployment.report.done("verify", ", ".join(checked))


def smoke(connection: Connection, statement: str) -> list[str]:
    """Return what is wrong with the answer to smoke_sql, if anything; ends the transaction."""
    try:
        result = connection.execute(text(statement.replace(":", r"\:")))
        row = result.first() if result.returns_rows else None
    except DBAPIError as error:
        return [f"smoke_sql failed: {one_line(error, details=False)}"]
    finally:
        connection.rollback()
    failed = row is not None and row[0] is not None and not row[0]
    return [f"smoke_sql gave {row[0]!r}"] if failed and row is not None else []
