"""`op.backfill`: fills columns of a table in use, in small batches that are each committed."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations
from sqlalchemy.sql.elements import ColumnElement

from migrator.errors import MigratorError
from migrator.operations import batch_loop, names
from migrator.operations.batch_size import FIRST, BatchSize
from migrator.operations.batches import EXACT, Batches
from migrator.operations.operation import Operation
from migrator.operations.replica_lag import ReplicaLag
from migrator.operations.session import Session, block

PAUSE = 0.02  # seconds after each batch of written SQL, which does not measure


class UndecidedValue(MigratorError):
    """There are rows, and the revision does not say what they get."""


class BackfillOp(Operation):
    """Give columns their values, row by row in the order of a key, outside the transaction.

    Each batch is a transaction of its own, so nobody waits long for a row, and what is done
    is not done again after a kill: `where` finds what is left. On SQLite, and under `--sql`
    without `key`, it is one UPDATE.

    Args:
        values: by column, what the rows get: a Python value, or SQL in `sa.text()`. None is
            "not decided yet": an empty table is fine, rows stop the migration.
        key: columns with a unique index to go by; the primary key if empty.
        where: which rows, in SQL; once a row has its values, it must not be true any more. By
            default those where one of the columns is NULL, and only NULLs are replaced.
        batch: rows in one transaction; by default as many as take a fiftieth of a second, by
            what the batch before took.
        pause: seconds between two batches, for everybody else; by default as long as each took.
        max_lag: seconds; while a replica is further behind, wait. 0 does not look. (Needs the
            role pg_monitor; without it nothing is seen.)
        max_wait: seconds that a replica has to catch up; then stop. 0 waits for ever.

    Raises:
        MigratorError: a value is not decided, a replica stays behind, or rows are left because
            their new value is NULL, or `where` is still true.
        DBAPIError: rows stay locked.
        UsageError: the table has no primary key, and no `key` is given.
    """

    renders_as = "backfill"
    transactional = False

    def __init__(
        self,
        table_name: str,
        values: Mapping[str, Any],
        *,
        key: str | Sequence[str] = (),
        where: str = "",
        schema: str | None = None,
        batch: int = 0,
        pause: float | None = None,
        max_lag: float = 10,
        max_wait: float = 600,
    ) -> None:
        self.table_name = table_name
        self.values = values
        self.key = [key] if isinstance(key, str) else list(key)
        self.where = where
        self.schema = schema
        self.batch = batch
        self.pause = pause
        self.lag = ReplicaLag(max_lag, max_wait)

    def to_diff_tuple(self) -> tuple[str, str | None, str, list[str]]:
        """Return what `alembic check` shows."""
        return (self.renders_as, self.schema, self.table_name, list(self.values))

    def run_in_steps(self, session: Session) -> None:
        """Fill batch by batch, or write the SQL that does."""
        batches = self._batches()
        if session.offline:
            _write(session, self, batches)
            return
        _refuse_undecided(session, self, batches)
        with (
            session.limits(statement_timeout=0),
            session.settings(**EXACT),
            session.committing_locally(f"the backfill of {batches.target}"),
        ):
            batch_loop.fill(session, batches, BatchSize(self.batch), self.pause, self.lag)

    def run_plain(self, operations: Operations) -> None:
        """Fill with one UPDATE."""
        session, batches = Session(operations.migration_context), self._batches()
        _refuse_undecided(session, self, batches)
        session.run(batches.everything())

    def render(self, context: AutogenContext) -> str:
        """Return the call with the values in Python."""
        values = ", ".join(f"{name!r}: {_python(value)}" for name, value in self.values.items())
        key = (self.key[0] if len(self.key) == 1 else self.key) or None
        shown = "{" + values + "}"
        return self.call(context, repr(self.table_name), shown, key=key, schema=self.schema)

    def _batches(self) -> Batches:
        empty = [names.column(name) for name in self.values]
        where = self.where or " OR ".join(f"{name} IS NULL" for name in empty)
        values = {names.column(name): _sql(value) for name, value in self.values.items()}
        if not self.where and len(values) > 1:  # a row may have one of them already
            values = {name: f"COALESCE({name}, {value})" for name, value in values.items()}
        target = names.quoted(self.table_name, self.schema)
        return Batches(target, values, where, [names.column(key) for key in self.key])


def _write(session: Session, operation: BackfillOp, batches: Batches) -> None:
    if undecided := _undecided(operation):
        some = f"EXISTS (SELECT 1 FROM {batches.target} WHERE {batches.where})"
        session.expect(f"(NOT {some})", _decide(undecided, batches.target))
        return
    # What is left to do is no sign: others may have added rows since.
    what = f"{batches.target} {' '.join(operation.values)}"
    mark = names.literal(f"migrator.filled_{hashlib.sha256(what.encode()).hexdigest()[:8]}")
    done = f"PERFORM set_config({mark}, 'yes', false)"
    if batches.key:
        session.run(
            batches.procedure(
                operation.batch or FIRST,
                PAUSE if operation.pause is None else operation.pause,
                done,
            )
        )
    else:
        session.context.impl.static_output(
            "-- Without a key there are no batches: on a large table, run this at a quiet time."
        )
        session.run(block(f"{batches.everything()};\n  {done};"))
    session.expect(
        f"(coalesce(current_setting({mark}, true), '') = 'yes')",
        f"the backfill of {batches.target} did not come to its end",
    )


def _refuse_undecided(session: Session, operation: BackfillOp, batches: Batches) -> None:
    if session.offline or not (undecided := _undecided(operation)):
        return
    if session.rows(f"SELECT 1 FROM {batches.target} WHERE {batches.where} LIMIT 1"):
        raise UndecidedValue(_decide(undecided, batches.target))


def _undecided(operation: BackfillOp) -> str:
    return ", ".join(name for name, value in operation.values.items() if value is None)


def _decide(columns: str, target: str) -> str:
    return (
        f"{target} has rows, and the revision does not say what they get in {columns}: write it"
        " into its op.backfill (a value, or SQL in sa.text), and run the migration again."
    )


def _sql(value: Any) -> str:
    if isinstance(value, str):
        return names.literal(value)
    expression: ColumnElement[Any] | sa.TextClause = (
        value if isinstance(value, sa.TextClause | ColumnElement) else sa.literal(value)
    )
    return str(expression.compile(dialect=names.DIALECT, compile_kwargs={"literal_binds": True}))


def _python(value: Any) -> str:
    return f"sa.text({value.text!r})" if isinstance(value, sa.TextClause) else repr(value)
