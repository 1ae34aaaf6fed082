"""A revision whose file cannot be imported."""

from migrator.lint.rule import Example, Rule
from migrator.revisions import unreadable

RULE = Rule(
    name="unreadable-revision",
    reason=(
        "The file cannot be imported: no command that runs revisions works, and what this one does"
        " is unknown here."
    ),
    safe="import in the file only what is there, and what will be there later.",
    example=Example(
        unsafe="""
phase = nowhere.PHASE
op.execute("SELECT 1")
""",
        safe='op.execute("SELECT 1")',
    ),
    revision=lambda rendered: unreadable.reason(rendered.script),
    announces=frozenset({"fails"}),
    suppressible=False,
)
