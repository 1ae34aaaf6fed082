"""A lock timeout that is switched off, or a setting that outlives its revision."""

from migrator.lint.rule import Candidate, Example, Rule
from migrator.postgres import sql

# Without it, a statement that waits for a lock makes everybody behind it wait.
LIMIT = "lock_timeout"
EVERYTHING = "all"


def _statement(candidate: Candidate) -> bool:
    later = [each for text in candidate.later for each in sql.settings(text)]
    reset = {each.name for each in later if each.value is None}
    return any(
        (each.name == LIMIT and each.is_zero)
        or not (each.local or each.name in reset or EVERYTHING in reset)
        for each in sql.settings(candidate.sql)
        if each.value is not None
    )


RULE = Rule(
    name="session-state",
    reason=(
        "The setting stays in force for the revisions that the same deploy applies after this one,"
        " and without a lock timeout others wait for as long as a statement of the revision waits."
    ),
    safe=(
        "SET LOCAL, which ends with the transaction, or RESET at the end of the revision; leave"
        " lock_timeout to the deploy, which retries."
    ),
    example=Example(
        unsafe='op.execute("SET search_path = other, public")',
        safe='op.execute("SET LOCAL search_path = other, public")',
    ),
    statement=_statement,
    locks=True,
)
