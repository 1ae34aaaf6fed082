"""Rows or privileges that are taken from old code."""

from migrator.lint.rule import Example, Rule

KINDS = ("enable row security", "force row security", "alter policy", "revoke", "change owner")

RULE = Rule(
    name="restricting-access",
    reason=(
        "Code that still runs sees fewer rows than before, or is refused: row level security, a"
        " policy that restricts, a REVOKE or another owner takes them from it."
    ),
    safe='move it to a revision with phase = "contract", when the code that runs expects it.',
    example=Example(
        unsafe='op.execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY")',
        safe="""
phase = "contract"
op.execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
""",
    ),
    action=lambda candidate: candidate.kind in KINDS or candidate.action.has("restrictive"),
    breaks_code=True,
    allowed_in_contract=True,
)
