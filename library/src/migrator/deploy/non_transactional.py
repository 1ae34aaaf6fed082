"""What a revision does outside its transaction, in `autocommit_block()`.

It stays whatever happens next. So here is known what a revision has done there, whether it may
run again from its start, and whether an earlier attempt has built an index already.
"""

import re
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, event

from migrator.config.settings import Settings
from migrator.deploy.report import Report
from migrator.postgres import index_state

NAME = r'((?:(?:"(?:[^"]|"")+"|\w+)\.)?(?:"(?:[^"]|"")+"|\w+))'
SPACE = re.compile(r"^(?:\s|--[^\n]*\n|/\*.*?\*/)+", re.DOTALL)
INDEX = re.compile(
    rf"CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(IF\s+NOT\s+EXISTS\s+)?{NAME}\s+ON\s+"
    rf"(?:ONLY\s+)?{NAME}",
    re.IGNORECASE,
)
CONCURRENTLY = re.compile(
    r"(?:CREATE|DROP|REINDEX|REFRESH|ALTER\s+TABLE\b.*?\bDETACH\s+PARTITION)\b.*?\bCONCURRENTLY\b",
    re.IGNORECASE | re.DOTALL,
)
BARE = re.compile(r"\bCONCURRENTLY\b(?!\s+IF\b)", re.IGNORECASE)
LONG = re.compile(r"ALTER\s+TABLE\b.*\bVALIDATE\s+CONSTRAINT\b", re.I | re.S)
LOOKS = re.compile(r"(?:SELECT|SHOW|SET)\b", re.IGNORECASE)
# To do these twice is to do them once.
REPEATABLE = re.compile(
    r"(?:CREATE\s+OR\s+REPLACE|CREATE\b.*?\bIF\s+NOT\s+EXISTS|DROP\b.*?\bIF\s+EXISTS"
    r"|ALTER\s+TABLE\b.*\b(?:VALIDATE\s+CONSTRAINT|(?:SET|DROP)\s+NOT\s+NULL)"
    r"|ALTER\s+TABLE\b.*\b(?:ADD|DROP)\s+(?:COLUMN|CONSTRAINT)\s+IF\s+(?:NOT\s+)?EXISTS"
    r"|ALTER\s+TYPE\b.*\bADD\s+VALUE\s+IF\s+NOT\s+EXISTS"
    r"|ANALYZE|VACUUM|REINDEX|REFRESH|COMMENT|SET|RESET|SHOW|SELECT\b.*\bFROM\s+\"?pg_)",
    re.IGNORECASE | re.DOTALL,
)


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
        bare = _bare(statement)
        self.concurrently = False
        if not cursor.connection.autocommit:
            return statement, parameters
        self.left += self._in_transaction  # the block has committed them
        self._in_transaction.clear()
        if CONCURRENTLY.match(bare):
            self.concurrently = True
            # It waits for other transactions without being in anybody's way, but not for ever.
            patience = round(self.limits.lock_deadline * 1000)
            cursor.connection.execute(f"SET lock_timeout = {patience}")
        if CONCURRENTLY.match(bare) or LONG.match(bare):
            cursor.connection.execute("SET statement_timeout = 0")
        found = INDEX.match(bare)
        if found and self._is_there(cursor.connection, found[2], found[3], bare):
            # Killed after the index was built and before the revision was marked as applied.
            self.report.done(
                "apply", f"Kept the index {found[2]}, which an earlier attempt has built."
            )
            statement = BARE.sub(r"\g<0> IF NOT EXISTS", statement, count=1)
        return statement, parameters

    def _after(
        self, _connection: Connection, cursor: Any, statement: str, _: Any, context: Any, *__: Any
    ) -> None:
        bare, outside = _bare(statement), cursor.connection.autocommit
        # Those of migrator.operations look before they act, and say so.
        if not context.execution_options.get("repeatable"):
            (self.left if outside else self._in_transaction).append(bare)
        if outside and not LOOKS.match(bare):
            self.stood = time.monotonic()
        if outside and (CONCURRENTLY.match(bare) or LONG.match(bare)):
            for name in ("lock_timeout", "statement_timeout"):
                milliseconds = round(getattr(self.limits, name) * 1000)
                cursor.connection.execute(f"SET {name} = {milliseconds}")

    def _is_there(self, raw: Any, index: str, table: str, statement: str) -> bool:
        """Tell whether an earlier attempt has built the index; drop it if it was left INVALID.

        Raises:
            LockTimeout: another session is still building it after `lock_deadline`.
        """
        schema, _, name = _split(index)
        plain = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()

        def ask(query: str, parameters: Sequence[str]) -> list[Any]:
            return list(raw.execute(query, parameters).fetchall())

        state = index_state.settled(ask, table, plain, self.limits.lock_deadline)
        if state is None or not state.same_table:
            return False
        if state.valid:
            return _columns(state.definition) == _columns(statement)
        own = schema or _split(table)[0]
        full = f"{own}.{name}" if own else name
        raw.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {full}")
        self.report.done(
            "apply", f"Dropped the INVALID index {full} that an earlier attempt left behind."
        )
        return False


def _bare(statement: str) -> str:
    """Return it without comments before it, and as the server gets it: the driver halves %%."""
    return SPACE.sub("", statement).replace("%%", "%")


def _is_repeatable(statement: str) -> bool:
    return bool(REPEATABLE.match(statement) or INDEX.match(statement))


def _columns(definition: str) -> tuple[bool, str]:
    """Return whether an index is unique, and what it is on, without what is only spelling."""
    unique = definition.upper().startswith("CREATE UNIQUE")
    on = re.search(r"(?i)(?:USING\s+\w+\s*)?\(.*", definition, re.DOTALL)
    plain = re.sub(r"(?i)^USING\s+btree", "", on[0] if on else definition)
    return unique, re.sub(r"[\s\"]", "", plain).lower()


def _split(name: str) -> tuple[str, str, str]:
    """Split a schema from a name, both as written."""
    found = re.fullmatch(r'(?:("(?:[^"]|"")+"|\w+)(\.))?("(?:[^"]|"")+"|\w+)', name)
    return (found[1] or "", found[2] or "", found[3]) if found else ("", "", name)
