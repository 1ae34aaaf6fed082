"""A constraint on a domain that is in use."""

from migrator.lint.observed import harmless
from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="ban-alter-domain-with-add-constraint",
    reason="A constraint on a domain scans every table that uses it, while they are locked.",
    safe=(
        "ALTER DOMAIN ... ADD CONSTRAINT ... NOT VALID, and VALIDATE CONSTRAINT in a revision"
        " of its own."
    ),
    example=Example(
        unsafe='op.execute("ALTER DOMAIN percentage ADD CONSTRAINT c CHECK (VALUE < 101)")',
        safe='op.execute("ALTER DOMAIN percentage ADD CONSTRAINT c CHECK (VALUE < 101) NOT VALID")',
    ),
    action=lambda candidate: (
        candidate.kind == "add domain constraint" and not candidate.action.has("not valid")
    ),
    locks=True,
    dismiss=harmless,
)
