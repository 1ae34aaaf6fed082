"""A revision that reads from the database, so that its SQL is not known beforehand."""

from migrator.lint.rule import Example, Rule
from migrator.revisions import unreadable

RULE = Rule(
    name="not-linted",
    reason=(
        "The revision cannot be rendered as SQL without a database, so its statements are"
        " unknown here."
    ),
    safe="let the trace run it (lint without --no-trace), or write it so that --sql works.",
    example=Example(
        unsafe='op.get_bind().execute(sa.text("SELECT nick FROM users")).one()',
        safe='op.execute("SELECT 1")',
    ),
    revision=lambda rendered: "" if unreadable.reason(rendered.script) else rendered.failure,
    dismiss=lambda trial: trial.whole and trial.everything,
    undecided_at_deploy=True,
)
