"""DROP INDEX without CONCURRENTLY."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule


def _blocks(candidate: Candidate) -> bool:
    if candidate.kind != "drop index" or candidate.action.has("concurrently"):
        return False
    dropped = {each.action.table for each in candidate.later if each.action.kind == "drop table"}
    if not dropped:
        return True
    table = candidate.history.schema.table_of_index(candidate.action.name)
    return bool(table) and table not in dropped


RULE = Rule(
    name="require-concurrent-index-deletion",
    reason=(
        "DROP INDEX locks the table against reads and writes, and first waits for running queries."
    ),
    safe="op.drop_index_concurrently(...).",
    example=Example(
        unsafe='op.drop_index("ix_users_nick", "users")',
        safe='op.drop_index_concurrently("ix_users_nick", "users")',
    ),
    action=_blocks,
    locks=True,
)
