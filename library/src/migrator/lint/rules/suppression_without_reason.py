"""A comment that suppresses a rule without a reason."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="suppression-without-reason",
    reason="A suppression needs a reason.",
    safe="# migrator: allow RULE because REASON.",
    example=Example(
        unsafe='op.drop_column("users", "nick")  # migrator: allow ban-drop-column',
        safe='op.drop_column("users", "nick")  # migrator: allow ban-drop-column because of 2.3',
    ),
    comment=lambda comment: bool(comment.rule and not comment.reason),
    suppressible=False,
)
