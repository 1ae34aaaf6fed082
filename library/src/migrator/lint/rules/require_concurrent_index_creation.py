"""CREATE INDEX without CONCURRENTLY."""

from migrator.lint.candidate import Candidate
from migrator.lint.observed import harmless
from migrator.lint.rule import Example, Rule


def _blocks(candidate: Candidate) -> bool:
    action = candidate.action
    if candidate.kind != "create index" or action.has("concurrently"):
        return False
    schema = candidate.history.schema
    if action.has("only") and schema.is_partitioned(action.table):
        return False  # it is only declared
    return action.table not in schema.materialized  # which has no writers


RULE = Rule(
    name="require-concurrent-index-creation",
    reason="Building an index locks the table against writes for as long as it takes.",
    safe="op.create_index_concurrently(...), in a revision of its own.",
    example=Example(
        unsafe='op.create_index("ix", "users", ["name"])',
        safe='op.create_index_concurrently("ix", "users", ["name"])',
    ),
    action=_blocks,
    locks=True,
    dismiss=harmless,
)
