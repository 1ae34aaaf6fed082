"""An index that an earlier attempt was interrupted at: kept if it is complete, dropped if not.

That of plain SQL: `op.create_index_concurrently` looks itself, in `operations.index_build`.
"""

from collections.abc import Sequence
from typing import Any

from migrator.deploy.report import Report
from migrator.postgres import index_state, sql


def is_built(
    raw: Any, index: str, table: str, statement: str, *, deadline: float, report: Report
) -> bool:
    """Tell whether an earlier attempt has built the index; drop it if it was left INVALID.

    Args:
        raw: a connection of psycopg, in autocommit.
        index: as `statement` has it, which would build it on `table`.
        deadline: seconds to wait for another session that is building it.

    Raises:
        LockTimeout: another session is still building it.
    """
    schema, name = sql.qualified(index)

    def ask(query: str, parameters: Sequence[str]) -> list[Any]:
        return list(raw.execute(query, parameters).fetchall())

    state = index_state.settled(ask, table, sql.plain(name), deadline)
    if state is None or not state.same_table:
        return False
    if state.valid:
        return sql.index_form(state.definition) == sql.index_form(statement)
    own = schema or sql.qualified(table)[0]
    full = f"{own}.{name}" if own else name
    raw.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {full}")
    report.done("apply", f"Dropped the INVALID index {full} that an earlier attempt left behind.")
    return False
