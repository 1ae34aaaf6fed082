"""A comment that suppresses a rule that nothing breaks."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="unused-suppression",
    reason="Nothing in this revision breaks this rule, so the comment is wrong or outdated.",
    safe="remove the comment.",
    example=Example(
        unsafe="pass  # migrator: allow ban-drop-column because I may",
        safe="""
# migrator: allow ban-drop-column because nobody reads it
op.drop_column("users", "nick")
""",
    ),
    comment=lambda comment: bool(comment.reason and comment.unused),
    suppressible=False,
)
