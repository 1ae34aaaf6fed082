"""A lock that is held while another statement reads or writes a whole table."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule

SLEEPS = ("pg_sleep", "pg_sleep_for", "pg_sleep_until")
SYSTEM = ("pg_", "information_schema.")


def _works(candidate: Candidate) -> bool:
    """Return whether a whole table in use is read, or nothing done; other work has own rules."""
    locked = candidate.locked_before() | candidate.referred_before()
    if candidate.kind == "call" and candidate.action.name in SLEEPS:
        return bool(locked)
    read = [name for name in candidate.action.refers if not name.startswith(SYSTEM)]
    return candidate.kind == "read" and bool({*read} - candidate.new) and bool(locked)


RULE = Rule(
    name="held-while-working",
    reason=(
        "A lock from an earlier statement of the transaction is held while a whole table is"
        " read or written, or while the revision waits for something else."
    ),
    safe="move what is slow to a revision of its own.",
    example=Example(
        unsafe="""
op.add_column("users", sa.Column("n", sa.Integer()))
op.execute("SELECT count(*) FROM teams")
""",
        safe='op.add_column("users", sa.Column("n", sa.Integer()))',
    ),
    action=_works,
    code=lambda code, _: code.pauses,
    words=("sleep", "urlopen", "httpx", "requests", "boto3", "smtplib", "input"),
    observed=lambda seen: bool(seen.held and (seen.rewritten | seen.scanned)),
    locks=True,
)
