"""How many rows violate what a revision adds, and the query that finds them."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile

from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from migrator import database
from migrator.config.context import Context
from migrator.config.invocation import option
from migrator.deploy import planned_constraints, violation
from migrator.deploy.deployment import Deployment
from migrator.deploy.planned_constraints import Step
from migrator.deploy.violation import Violation
from migrator.errors import RefusedError
from migrator.operations.session import state_of
from migrator.postgres import constrained_rows, sql, violation_query
from migrator.postgres.violation_query import VALIDATES, AddedConstraint

BEFORE, AFTER = 2.0, 10.0  # seconds for one query: a deploy that goes on, and one that has failed
ALL_BEFORE = 10.0  # seconds for all of them
SMALL = 256 * 2**20  # bytes of a table that is read as a whole beforehand
VIOLATED = ("23502", "23503", "23505", "23514", "23P01")
TOO_LONG = ("57014", "55P03")  # statement_timeout, lock_timeout
LIMITS = text(
    "SELECT set_config('statement_timeout', :value, true),"
    " set_config('transaction_read_only', 'on', true)"
)
# Of its partitions or children too; an index that begins with a key makes a larger one cheap.
IS_CHEAP = text("""
WITH RECURSIVE part AS (
    SELECT to_regclass(:table)::oid AS id
    UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN part ON i.inhparent = part.id
)
SELECT sum(greatest(c.relpages::bigint * current_setting('block_size')::bigint,
                    pg_relation_size(c.oid))) <= :small
    OR EXISTS (
        SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
        WHERE i.indrelid = to_regclass(:table) AND i.indisvalid AND i.indpred IS NULL
          AND a.attnum = i.indkey[0] AND quote_ident(a.attname) = ANY (:keys))
FROM part JOIN pg_class c ON c.oid = part.id
""")


def of_failure(
    deployment: Deployment, connection: Connection, statement: str, script: Script | None
) -> list[Violation]:
    """Return the violations because of which a statement failed; none if it was something else.

    What the failed statement would have added is looked at, with the rows that are there now.

    Args:
        statement: as `failed_statement` returns it.
        script: the revision that failed.
    """
    from migrator.lint.statements.added_constraints import added_constraints

    added = added_constraints(statement, blocks_too=True)
    named = {}
    if script and any(each.kind == VALIDATES for each in added):
        found = planned_constraints.find(deployment.context, deployment.revisions, [script])
        named = _named(found)
    end = time.monotonic() + AFTER
    counts = _counted(connection, _whole(connection, added, named), AFTER, end)
    return [each for each in counts if each.rows != 0]


def failed_statement(error: BaseException | None) -> str:
    """Return the SQL that adds what rows violate, from the error or its cause; usually nothing."""
    while error is not None:
        if adds := getattr(error, "adds", ""):
            return str(adds)
        if isinstance(error, DBAPIError) and state_of(error) in VIOLATED:
            return sql.sent(error.statement or "")
        error = error.__cause__
    return ""


def counted_at_once(error: BaseException | None) -> Sequence[Violation]:
    """Return what was counted when the error came, as on SQLite; usually nothing."""
    while error is not None:
        for each in (error, getattr(error, "orig", None)):
            if found := getattr(each, "violations", ()):
                return [Violation.of(constraint, rows) for constraint, rows in found]
        error = error.__cause__
    return ()


def beforehand(
    context: Context, revisions: ScriptDirectory, pending: Sequence[Script]
) -> list[Violation]:
    """Return the violations that are certain to stop the deploy, as far as counting is cheap."""
    chosen = first_steps(context, revisions, pending)
    if not chosen:
        return []
    with database.connect(context, anywhere=True) as connection:
        return violated(connection, chosen)


def first_steps(
    context: Context, revisions: ScriptDirectory, pending: Sequence[Script]
) -> list[Step]:
    """Return what pending revisions add to the rows that are there now.

    It ends at the first statement that may change rows: a revision may fill what a later one
    requires.
    """
    if not pending or context.target.dialect != "postgresql":
        return []
    steps = planned_constraints.find(context, revisions, pending)
    return [step for step in takewhile(lambda step: step.is_first, steps) if step.added]


def violated(connection: Connection, steps: Sequence[Step]) -> list[Violation]:
    """Return what rows violate of it, as far as counting is cheap; ends the transaction."""
    end, named = time.monotonic() + ALL_BEFORE, _named(steps)
    found: list[Violation] = []
    for step in steps:
        whole = _whole(connection, step.added, named)
        cheap = [each for each in whole if _cheap(connection, each)]
        counts = _counted(connection, cheap, BEFORE, end)
        found += [replace(each, revision=step.revision) for each in counts if each.rows]
    connection.rollback()
    return found


def check(deployment: Deployment) -> None:
    """Refuse a deploy that rows are certain to stop; see `beforehand`.

    Raises:
        RefusedError: with the number of rows, and the query that finds them.
    """
    if not deployment.plan.pending:
        return
    if deployment.skips("rows"):
        deployment.report.skipped("rows", "skipped: --no-rows")
        return
    found = beforehand(deployment.context, deployment.revisions, deployment.plan.pending)
    if found:
        raise refused(found)


def refused(found: Sequence[Violation]) -> RefusedError:
    """Return the error of a deploy that these rows would stop."""
    names = ", ".join(dict.fromkeys(each.revision for each in found))
    error = RefusedError(
        f"Rows violate what {names} would add, so that this deploy would fail. Nothing was changed,"
        " and no backup was made. Fix the rows, in a revision before it or by hand, and deploy"
        f" again. ({option('--no-rows')} deploys without counting them.)"
    )
    error.details, error.data = tuple(violation.details(found)), violation.data(found)
    return error


def _named(steps: Iterable[Step]) -> dict[tuple[str, str], AddedConstraint]:
    added = (each for step in steps for each in step.added if each.kind != VALIDATES)
    return {(each.table, each.name): each for each in added}


def _whole(
    connection: Connection,
    added: Iterable[AddedConstraint],
    named: Mapping[tuple[str, str], AddedConstraint],
) -> Iterator[AddedConstraint]:
    """Yield what rows have to hold, completed from the catalog.

    Args:
        named: what is validated, and not in the catalog yet or any more.
    """
    from migrator.lint.statements.added_constraints import added_constraints

    for each in added:
        ones: Iterable[AddedConstraint] = (each,) if each.valid else ()
        if each.kind == VALIDATES:
            statement = violation_query.definition(connection, each.table, each.name)
            other = named.get((each.table, each.name))
            there = added_constraints(statement) if statement else filter(None, [other])
            ones = [replace(one, valid=True) for one in there]
        for one in ones:
            yield from constrained_rows.of(connection, one)


def _cheap(connection: Connection, constraint: AddedConstraint) -> bool:
    parameters = {"table": constraint.table, "small": SMALL, "keys": list(constraint.keys)}
    return bool(connection.scalar(IS_CHEAP, parameters))


def _counted(
    connection: Connection, constraints: Iterable[AddedConstraint], seconds: float, end: float
) -> Iterator[Violation]:
    """Count the rows for each; leave out what cannot be asked, for want of a column or a right."""
    for each in constraints:
        rows = None
        left = min(seconds, end - time.monotonic())
        if left > 0:
            try:
                rows = _count(connection, each, left)
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise
                if state_of(error) not in TOO_LONG:
                    continue
        yield Violation.of(each, rows)


def _count(connection: Connection, constraint: AddedConstraint, seconds: float) -> int:
    with connection.begin_nested() as savepoint:
        try:
            connection.execute(LIMITS, {"value": f"{round(seconds * 1000)}ms"})
            counting = constraint.counting()
            return int(
                connection.exec_driver_sql(
                    counting, execution_options={"no_parameters": True}
                ).scalar()
                or 0
            )
        finally:
            savepoint.rollback()
