"""A comment that suppresses no rule that there is."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="unknown-suppression",
    reason="There is no such rule to suppress, so this comment does nothing.",
    safe="# migrator: allow RULE because REASON, with a rule that lint has named.",
    example=Example(
        unsafe="pass  # migrator: allow everything because I may",
        safe="""
# migrator: allow ban-drop-column because nobody reads it
op.drop_column("users", "nick")
""",
    ),
    comment=lambda comment: not comment.rule,
    suppressible=False,
)
