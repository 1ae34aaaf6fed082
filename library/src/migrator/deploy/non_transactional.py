"""What a revision does outside its transaction, in `autocommit_block()`.

It stays whatever happens next. So here is known what a revision has done there, whether it may
run again from its start, and what a CREATE INDEX CONCURRENTLY that was cut off left behind.
"""

import time
from typing import Any

from sqlalchemy import Connection, event

from migrator.config.settings import Settings
from migrator.deploy.report import Report
from migrator.errors import MigratorError
from migrator.postgres import sql

STATE = """
SELECT i.indisvalid, p.pid, pg_get_indexdef(i.indexrelid) FROM pg_class t
JOIN pg_class c ON c.relnamespace = t.relnamespace AND c.relname = %s
JOIN pg_index i ON i.indexrelid = c.oid AND i.indrelid = t.oid
LEFT JOIN pg_stat_progress_create_index p ON p.index_relid = c.oid AND p.pid <> pg_backend_pid()
WHERE t.oid = to_regclass(%s)
"""
PATIENCE = 10.0  # seconds for the server to end what a killed deploy was building


class Online:
    """Follows the statements on `connection` while it lives.

    `stood` is when the revision last did something that stands, on the monotonic clock; 0 if it
    has not. `concurrently` is whether the statement that runs may wait for `lock_deadline`.

    Args:
        report: is told when an index that was left behind is dropped.
    """

    def __init__(self, connection: Connection, limits: Settings, report: Report) -> None:
        self.limits = limits
        self.report = report
        self.left: list[str] = []
        self.stood = 0.0
        self.concurrently = False
        self._in_transaction: list[str] = []
        if connection.dialect.name == "postgresql":
            event.listen(connection, "before_cursor_execute", self._before, retval=True)
            event.listen(connection, "after_cursor_execute", self._after)

    def next_revision(self) -> None:
        """Begin to count anew: what was done so far is committed and recorded."""
        self.left.clear()
        self.stood, self.concurrently = 0.0, False
        self._in_transaction.clear()

    def unrepeatable(self) -> str | None:
        """Return the statement because of which the revision may not run again, if there is one."""
        return next((text for text in self.left if not _is_repeatable(text)), None)

    def _before(
        self, _connection: Connection, cursor: Any, statement: str, parameters: Any, *_: Any
    ) -> tuple[str, Any]:
        bare = sql.sent(statement)
        self.concurrently = False
        if not cursor.connection.autocommit:
            return statement, parameters
        self.left += self._in_transaction  # the block has committed them
        self._in_transaction.clear()
        if sql.is_concurrent(bare):
            self.concurrently = True
            # It waits for other transactions without being in anybody's way, but not for ever.
            patience = round(self.limits.lock_deadline * 1000)
            cursor.connection.execute(f"SET lock_timeout = {patience}")
        if sql.is_concurrent(bare) or sql.validates(bare):
            cursor.connection.execute("SET statement_timeout = 0")
        found = sql.concurrent_index(bare)
        if found and self._is_there(cursor.connection, *found, bare):
            # Killed after the index was built and before the revision was marked as applied.
            self.report.done("apply", f"Kept the index {found[0]}, which an earlier try has built.")
            statement = sql.if_not_exists(statement)
        return statement, parameters

    def _after(
        self, _connection: Connection, cursor: Any, statement: str, _: Any, context: Any, *__: Any
    ) -> None:
        bare, outside = sql.sent(statement), cursor.connection.autocommit
        # Those of migrator.operations look before they act, and say so.
        if not context.execution_options.get("repeatable"):
            (self.left if outside else self._in_transaction).append(bare)
        if outside and not sql.changes_nothing(bare):
            self.stood = time.monotonic()
        if outside and (sql.is_concurrent(bare) or sql.validates(bare)):
            for name in ("lock_timeout", "statement_timeout"):
                milliseconds = round(getattr(self.limits, name) * 1000)
                cursor.connection.execute(f"SET {name} = {milliseconds}")

    def _is_there(self, raw: Any, index: str, table: str, statement: str) -> bool:
        """Tell whether an earlier try has built the index; drop it if it was left INVALID.

        Raises:
            MigratorError: somebody is building it at this moment.
        """
        schema, name = sql.qualified(index)
        plain = sql.plain(name)
        deadline = time.monotonic() + PATIENCE
        while state := raw.execute(STATE, [plain, table]).fetchone():
            valid, builder, definition = state
            if valid:
                return sql.index_form(definition) == sql.index_form(statement)
            if builder is None:
                own = schema or sql.qualified(table)[0]
                full = f"{own}.{name}" if own else name
                raw.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {full}")
                self.report.done(
                    "apply", f"Dropped the INVALID index {full} that an earlier try left behind."
                )
                return False
            if time.monotonic() > deadline:
                raise MigratorError(
                    f"The index {index} is being built by process {builder} at this moment; nothing"
                    " was changed. Wait for it to end, then deploy again."
                )
            time.sleep(0.2)
        return False


def _is_repeatable(statement: str) -> bool:
    return sql.is_repeatable(statement) or sql.concurrent_index(statement) is not None
