"""A view, function, type or other object that is dropped while old code runs."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule

# They have rules of their own, or no code depends on them.
OTHERS = (
    *("table", "column", "index", "constraint", "default", "identity", "expression", "not null"),
    *("database", "statistic ext", "publication", "subscription", "event trigger"),
)


def _drops(candidate: Candidate) -> bool:
    if candidate.kind == "disable trigger":
        return not any(each.action.kind == "enable trigger" for each in candidate.later)
    verb, _, what = candidate.kind.partition(" ")
    if verb != "drop" or what in OTHERS:
        return False
    if what == "schema" and candidate.action.has("cascade"):
        return False  # its tables, too
    again = candidate.made_again()
    # Of a view that comes back, code may use a column that does not.
    before = candidate.history.schema.views.get(candidate.action.name, ())
    return again is None or bool(again.columns and {*before} - {*again.columns})


RULE = Rule(
    name="dropping-object",
    reason="Code that still runs may use what is dropped: dropping it breaks that code.",
    safe='first deploy code without it, then drop it in a revision with phase = "contract".',
    example=Example(
        unsafe="""
op.execute("CREATE OR REPLACE VIEW names AS SELECT name FROM users")
op.execute("DROP VIEW names")
""",
        safe="""
phase = "contract"
op.execute("DROP DOMAIN IF EXISTS fraction")
""",
    ),
    action=_drops,
    breaks_code=True,
    allowed_in_contract=True,
)
