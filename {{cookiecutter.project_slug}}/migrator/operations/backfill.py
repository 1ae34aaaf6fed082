"""Fill a column of a table that is in use: in small batches that stand by themselves."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic.operations import MigrateOperation, Operations
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import ColumnElement

from migrator.console import note
from migrator.errors import MigratorError, UsageError
from migrator.operations import catalog
from migrator.operations.batches import Batches
from migrator.operations.running import Session, block, online, state_of

LOCKED = ("55P03", "40P01", "40001")  # lock not available, deadlock, serialisation
TRIES = 120
PASSES = 5  # what others insert behind us needs another one; a condition that stays true no more
REPORT = 5.0  # seconds between two lines of progress
LAG = "SELECT max(extract(epoch FROM replay_lag))::float FROM pg_catalog.pg_stat_replication"


@Operations.register_operation("backfill")
class BackfillOp(MigrateOperation):
    """Fills columns in small batches."""

    def __init__(
        self,
        table_name: str,
        values: Mapping[str, Any],
        *,
        key: str | Sequence[str] = (),
        where: str = "",
        schema: str | None = None,
        batch: int = 1000,
        pause: float = 0.05,
        max_lag: float = 10,
    ) -> None:
        self.table_name = table_name
        self.values = values
        self.key = [key] if isinstance(key, str) else list(key)
        self.where = where
        self.schema = schema
        self.batch = batch
        self.pause = pause
        self.max_lag = max_lag

    def to_diff_tuple(self) -> tuple[str, str | None, str, list[str]]:
        """Return what `alembic check` shows."""
        return ("backfill", self.schema, self.table_name, list(self.values))

    @classmethod
    def backfill(
        cls,
        operations: Operations,
        table_name: str,
        values: Mapping[str, Any],
        *,
        key: str | Sequence[str] = (),
        where: str = "",
        schema: str | None = None,
        batch: int = 1000,
        pause: float = 0.05,
        max_lag: float = 10,
    ) -> None:
        """Give columns their values, row by row in the order of a key, outside the transaction.

        Each batch is a transaction of its own, so nobody waits long for a row, and what is done
        is not done again after a kill: `where` finds what is left. On SQLite, and under `--sql`
        without `key`, it is one UPDATE.

        Args:
            values: by column, what the rows get: a Python value, or SQL in `sa.text()`. None is
                "not decided yet": an empty table is fine, rows stop the migration.
            key: columns with a unique index to go by; the primary key if empty.
            where: which rows, in SQL; once a row has its values, it must not be true any more. By
                default those where one of the columns is NULL.
            batch: rows in one transaction.
            pause: seconds between two batches, for everybody else.
            max_lag: seconds; while a replica is further behind, wait. 0 does not look. (Needs the
                role pg_monitor; without it nothing is seen.)

        Raises:
            MigratorError: a value is not decided, or rows stay locked.
            UsageError: the table has no primary key, and no `key` is given.
        """
        operations.invoke(
            cls(
                table_name,
                values,
                key=key,
                where=where,
                schema=schema,
                batch=batch,
                pause=pause,
                max_lag=max_lag,
            )
        )


@Operations.implementation_for(BackfillOp)
def _backfill(operations: Operations, operation: BackfillOp) -> None:
    target = catalog.quoted(operation.table_name, operation.schema)
    empty = [catalog.column(name) for name in operation.values]
    where = operation.where or " OR ".join(f"{name} IS NULL" for name in empty)
    values = {catalog.column(name): _sql(value) for name, value in operation.values.items()}
    if operations.impl.dialect.name != "postgresql":
        session = Session(operations.migration_context)
        _refuse_undecided(session, operation, target, where)
        assignments = ", ".join(f"{name} = {value}" for name, value in values.items())
        session.run(f"UPDATE {target} SET {assignments} WHERE {where}")
        return
    batches = Batches(target, values, where, [catalog.column(k) for k in operation.key])
    with online(operations, "backfill") as session:
        if session.offline:
            _write(session, operation, batches)
            return
        _refuse_undecided(session, operation, target, where)
        with session.without_limit("statement_timeout"):
            _run(session, operation, batches)


def _run(session: Session, operation: BackfillOp, batches: Batches) -> None:
    if not batches.key:
        found = catalog.primary_key(session, batches.target)
        batches.key = [catalog.column(name) for name in found]
    if not batches.key:
        raise UsageError(
            f"{batches.target} has no primary key to go by; name the columns of a unique index in"
            " op.backfill(..., key=...)."
        )
    done, reported = 0, time.monotonic()
    for _ in range(PASSES):
        changed, last = 0, None
        while True:
            rows = _patiently(session, batches, batches.next(last, operation.batch))
            if not rows:
                break
            number, *last = rows[0]
            changed += number
            if time.monotonic() - reported > REPORT:
                reported = time.monotonic()
                note(f"backfill of {batches.target}: {done + changed} rows")
            _give_way(session, operation)
        done += changed
        if not changed:
            break
    if done:
        note(f"backfill of {batches.target}: {done} rows, done")


def _patiently(session: Session, batches: Batches, statement: str) -> list[Any]:
    """Run one batch, again and again while somebody else holds one of its rows."""
    for attempt in range(TRIES):
        try:
            return session.rows(statement)
        except DBAPIError as error:
            if state_of(error) not in LOCKED or attempt == TRIES - 1:
                raise
            time.sleep(min(0.1 * (attempt + 1), 1))
    raise AssertionError(batches)


def _give_way(session: Session, operation: BackfillOp) -> None:
    time.sleep(operation.pause)
    said = False
    while operation.max_lag and (session.scalar(LAG) or 0) > operation.max_lag:
        if not said:
            note(f"backfill waits: a replica is more than {operation.max_lag:g} s behind")
            said = True
        time.sleep(1)


def _write(session: Session, operation: BackfillOp, batches: Batches) -> None:
    if undecided := _undecided(operation):
        some = f"EXISTS (SELECT 1 FROM {batches.target} WHERE {batches.where})"
        message = catalog.literal(_decide(undecided, batches.target).replace("%", "%%"))
        session.run(block(f"IF {some} THEN\n    RAISE EXCEPTION {message};\n  END IF;"))
    elif batches.key:
        session.run(batches.procedure(operation.batch, operation.pause))
    else:
        session.context.impl.static_output(
            "-- Without a key there are no batches: on a large table, run this at a quiet time."
        )
        session.run(batches.everything())


def _refuse_undecided(session: Session, operation: BackfillOp, target: str, where: str) -> None:
    if session.offline:
        return
    undecided = _undecided(operation)
    if undecided and session.rows(f"SELECT 1 FROM {target} WHERE {where} LIMIT 1"):
        raise MigratorError(_decide(undecided, target))


def _undecided(operation: BackfillOp) -> str:
    return ", ".join(name for name, value in operation.values.items() if value is None)


def _decide(columns: str, target: str) -> str:
    return (
        f"{target} has rows, and the revision does not say what they get in {columns}: write it"
        " into its op.backfill (a value, or SQL in sa.text), and run the migration again."
    )


def _sql(value: Any) -> str:
    if isinstance(value, str):
        return catalog.literal(value)
    expression: ColumnElement[Any] | sa.TextClause = (
        value if isinstance(value, sa.TextClause | ColumnElement) else sa.literal(value)
    )
    return str(expression.compile(dialect=catalog.DIALECT, compile_kwargs={"literal_binds": True}))
