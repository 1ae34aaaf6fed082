"""SELECT ... FOR UPDATE of all rows of a table."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule


def _locks_all(candidate: Candidate) -> bool:
    action = candidate.action
    if candidate.kind != "lock rows" or action.has("limited"):
        return False
    return not candidate.history.schema.is_key(action.table, action.columns)


RULE = Rule(
    name="locking-rows",
    reason=(
        "SELECT ... FOR UPDATE or FOR SHARE of a whole table keeps others from writing any of its"
        " rows until the transaction ends."
    ),
    safe="leave it out, or lock the rows of one key, or a batch with LIMIT.",
    example=Example(
        unsafe='op.execute("SELECT id FROM users FOR UPDATE")',
        safe='op.execute("SELECT id FROM users WHERE id = 1 FOR UPDATE")',
    ),
    action=_locks_all,
    locks=True,
)
