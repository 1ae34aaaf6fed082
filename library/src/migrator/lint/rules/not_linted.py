"""A revision that reads from the database, so that its SQL is not known beforehand."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="not-linted",
    reason=(
        "The revision cannot be rendered as SQL without a database, so its statements are"
        " unknown here."
    ),
    safe="let the trace run it (lint without --no-trace), or write it so that --sql works.",
    example=Example(
        unsafe='assert "nowhere" in sa.inspect(op.get_bind()).get_table_names()',
        safe='op.execute("SELECT 1")',
    ),
    revision=lambda rendered: rendered.failure,
    dismiss=lambda trial: trial.whole and trial.everything,
    undecided_at_deploy=True,
)
