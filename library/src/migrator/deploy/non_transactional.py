"""What a revision commits by itself: in `autocommit_block()`, or with a COMMIT of its own.

It stays committed whatever happens next. This module knows what a revision has committed there,
whether the revision can run again, and whether an earlier attempt has built an index.
"""

import time
from collections.abc import Callable
from textwrap import shorten
from typing import Any

from sqlalchemy import Connection, event

from migrator.config.settings import Settings
from migrator.deploy import driver_transactions, interrupted_index
from migrator.deploy.report import Report
from migrator.errors import MigratorError
from migrator.postgres import sql

# An earlier attempt was interrupted between the two transactions of DETACH PARTITION CONCURRENTLY.
HALF_DETACHED = (
    "SELECT 1 FROM pg_inherits i WHERE i.inhrelid = to_regclass(%s)"
    " AND to_jsonb(i) ->> 'inhdetachpending' = 'true'"
)
NO_END = ("TO", "PREPARED")  # behind ROLLBACK: it ends no transaction, or another one


class NonTransactional:
    """Follows the statements on `connection` while it lives.

    `committed_at` is when the revision last committed something, on the monotonic clock; 0 if
    never. `changes` are the statements that did, also those that may run again. `running` is one
    that commits while it runs: what it has committed if it fails, nobody knows. `concurrently` is
    whether the statement that runs may wait for `lock_deadline`.

    Args:
        report: for the indexes that are kept or dropped.
        left: returns the seconds until `lock_deadline`; 0 is no limit.
    """

    def __init__(
        self,
        connection: Connection,
        limits: Settings,
        report: Report,
        left: Callable[[], float],
    ) -> None:
        self.limits = limits
        self.report = report
        self.committed: list[str] = []
        self.changes: dict[str, None] = {}
        self.committed_at = 0.0
        self.concurrently = False
        self.running = ""
        self._work = self._undone = ""  # the first change in the transaction
        self._in_transaction: list[str] = []
        self._is_to_commit = False
        self._left = left
        self._began = self._dropping = 0.0
        if connection.dialect.name == "postgresql":
            event.listen(connection, "before_cursor_execute", self._before, retval=True)
            event.listen(connection, "after_cursor_execute", self._after)
            event.listen(connection, "commit", lambda _: self._committed())
            event.listen(connection, "rollback", lambda _: self._rolled_back())
            driver_transactions.follow(connection, self._driver_commits, self._driver_undoes)

    def next_revision(self) -> None:
        """Forget what was committed so far: it belongs to a revision that is applied."""
        self.committed.clear()
        self.changes.clear()
        self.committed_at, self.concurrently = 0.0, False
        self.running = self._work = self._undone = ""
        self._in_transaction.clear()
        self._is_to_commit = False
        self._dropping = 0.0

    def is_to_commit(self) -> None:
        """Expect the commit of the whole revision, which is not one of its own.

        Raises:
            MigratorError: it would be recorded as applied, and a part of it is not there.
        """
        if self._undone:
            raise _undoes(self._undone)
        self._is_to_commit = True

    def unrepeatable(self) -> str | None:
        """Return the statement because of which the revision may not run again, if there is one."""
        return next((text for text in self.committed if not _is_repeatable(text)), None)

    def _before(
        self,
        _connection: Connection,
        cursor: Any,
        statement: str,
        parameters: Any,
        context: Any,
        *_: Any,
    ) -> tuple[str, Any]:
        bare = sql.sent(statement)
        if not sql.changes_nothing(bare):  # settings are set back after a failure, too
            self.concurrently = False
            self.running = ""
        if not cursor.connection.autocommit:
            self._refuse_to_undo(bare)
            return statement, parameters
        if sql.begins(bare, "CALL") or (sql.begins(bare, "DO") and sql.runs_alone(bare)):
            self.running = bare
        settings = []
        if sql.is_concurrent(bare):
            self.concurrently, self._began = True, time.monotonic()
            # It waits for other transactions without blocking anybody, but not for ever.
            left = self._left()
            patience = max(round((left - self._dropping) * 1000), 1) if left else 0
            settings.append(f"SET lock_timeout = {patience}")
        if sql.is_concurrent(bare) or sql.validates(bare):
            settings.append("SET statement_timeout = 0")
            cursor.connection.execute("; ".join(settings))
        partition = sql.detached_partition(bare)
        if partition and cursor.connection.execute(HALF_DETACHED, [partition]).fetchone():
            self.report.done(
                "apply", f"Finished detaching {partition}, which an earlier attempt has begun."
            )
            return sql.finalized(statement), parameters
        looked = context.execution_options.get("repeatable")  # as those of migrator.operations
        found = None if looked else sql.concurrent_index(bare)
        if found and self._is_built(cursor.connection, *found, bare):
            # Killed after the index was built and before the revision was marked as applied.
            self.report.done(
                "apply", f"Kept the index {found[0]}, which an earlier attempt has built."
            )
            statement = sql.if_not_exists(statement)
        return statement, parameters

    def _after(
        self, _connection: Connection, cursor: Any, statement: str, _: Any, context: Any, *__: Any
    ) -> None:
        bare, outside = sql.sent(statement), cursor.connection.autocommit
        self.running = ""
        if not (outside or self._work or sql.changes_nothing(bare)):
            self._work = bare
        # Those of migrator.operations look before they act, and say so.
        repeatable = context.execution_options.get("repeatable")
        if not repeatable:
            (self.committed if outside else self._in_transaction).append(bare)
        if not outside and not repeatable and _commits(bare):
            self._committed()
        looks = context.execution_options.get("looks")
        if outside and not (looks or sql.changes_nothing(bare)):
            self.committed_at = time.monotonic()
            self.changes[bare] = None
        if outside and sql.is_concurrent(bare) and sql.begins(bare, "DROP"):
            self._dropping += time.monotonic() - self._began  # which is nothing but waiting
        if outside and (sql.is_concurrent(bare) or sql.validates(bare)):
            names = ("lock_timeout", "statement_timeout")
            values = (f"SET {name} = {round(getattr(self.limits, name) * 1000)}" for name in names)
            cursor.connection.execute("; ".join(values))

    def _committed(self) -> None:
        """Count what the transaction did: an autocommit_block or the revision has committed it."""
        if not self._is_to_commit:
            self.committed += self._in_transaction
            self.changes |= dict.fromkeys(
                each
                for each in self._in_transaction
                if not sql.changes_nothing(each) and not _commits(each, alone=True)
            )
        self._in_transaction.clear()
        self._work = ""

    def _rolled_back(self) -> None:
        self._undone = self._undone or self._work
        self._work = ""
        self._in_transaction.clear()

    def _driver_commits(self, changed: bool) -> None:
        if changed and not self._work:
            self._in_transaction.append(driver_transactions.PAST)
        self._committed()

    def _driver_undoes(self, changed: bool) -> None:
        self._work = self._work or (driver_transactions.PAST if changed else "")
        self._rolled_back()

    def _refuse_to_undo(self, statement: str) -> None:
        """Refuse what would end the revision's transaction and not commit it.

        Raises:
            MigratorError: the statement does that, and there is something to lose.
        """
        work = self._work
        for each in sql.split(statement):
            if sql.begins(each, "PREPARE TRANSACTION"):
                raise MigratorError(
                    "PREPARE TRANSACTION would leave its changes to be committed by somebody else,"
                    " with their locks until then, and it would be recorded as applied. Leave the"
                    " statement out."
                )
            if work and sql.begins(each, "ROLLBACK", "ABORT") and not sql.has(each, *NO_END):
                raise _undoes(work)
            if not sql.changes_nothing(each):
                work = work or each

    def _is_built(self, raw: Any, index: str, table: str, statement: str) -> bool:
        deadline = self.limits.lock_deadline
        return interrupted_index.is_built(
            raw, index, table, statement, deadline=deadline, report=self.report
        )


def _undoes(work: str) -> MigratorError:
    return MigratorError(
        f"it rolls its own transaction back, and with it {shorten(work, 100, placeholder=' ...')},"
        " although it would be recorded as applied. For what may fail, use a savepoint: with"
        " op.get_bind().begin_nested()"
    )


def _commits(statement: str, *, alone: bool = False) -> bool:
    """Tell whether a text has a COMMIT, or is nothing else."""
    found = [sql.begins(each, "COMMIT", "END") for each in sql.split(statement)]
    return all(found) if alone else any(found)


def _is_repeatable(statement: str) -> bool:
    return sql.is_repeatable(statement) or sql.concurrent_index(statement) is not None
