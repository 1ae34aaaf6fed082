"""What the rules find in revisions, by their SQL, what it meets, and what the trace saw."""

from collections.abc import Sequence
from functools import partial

from alembic.script import Script, ScriptDirectory
from sqlalchemy import make_url

from migrator import shadow
from migrator.config.context import Context
from migrator.lint import before, change, rendering, sql_findings, traced_statements, trial
from migrator.lint.known_schema import Schema
from migrator.lint.rendering import Rendered
from migrator.lint.schema_so_far import SchemaSoFar
from migrator.lint.trial import Compared
from migrator.trace import Traced

NOWHERE = make_url("postgresql+psycopg://nowhere.invalid/nowhere")


def find(
    context: Context,
    directory: ScriptDirectory,
    revisions: Sequence[Script],
    seen: Sequence[Traced] | None,
    *,
    together: bool,
    at_database: bool = False,
) -> tuple[Compared, list[Rendered]]:
    """Return the findings in `revisions`, oldest first, and their statements.

    Args:
        directory: all revisions of the history.
        seen: what a trace saw of them, which dismisses findings; None without a trace.
        together: they are deployed at once.
        at_database: what they meet is read from the database of `context`.

    Raises:
        CommandError: env.py failed.
    """
    same_change = {each.revision: change.earlier(directory, each) for each in revisions}
    more = [each for earlier in same_change.values() for each in earlier]
    scripts = {each.revision: each for each in (*more, *revisions)}
    pending = [*scripts.values()]
    so_far = SchemaSoFar(lambda each: before.ancestors(directory, [each]))
    if at_database:
        so_far = SchemaSoFar(
            lambda each: [one for one in before.ancestors(directory, [each]) if one in pending],
            partial(_at_database, context),
        )
    some = _rendered(context, directory, pending, so_far)
    rendered = traced_statements.with_traced(some, seen or ())
    by_name = {each.script.revision: each for each in rendered}
    wanted = [by_name[each.revision] for each in revisions]
    parts = {
        name: [by_name[each.revision] for each in earlier] for name, earlier in same_change.items()
    }

    history = before.in_database(context, wanted) if at_database else None
    if history is None:
        render = partial(_rendered, context, directory, so_far=so_far)
        history = before.in_revisions(directory, revisions, render)
    found = sql_findings.find(wanted, parts, history, together=together)
    compared = Compared(tuple(found)) if seen is None else trial.compare(found, wanted, seen)
    return compared, wanted


def _rendered(
    context: Context, directory: ScriptDirectory, scripts: Sequence[Script], so_far: SchemaSoFar
) -> list[Rendered]:
    if context.settings.production:  # the deploy goes on in this process, with that URL
        return rendering.render(context, directory, scripts, so_far)
    # A revision that opens a connection of its own must not change the database in use.
    with shadow.fenced(context, NOWHERE) as own:
        return rendering.render(own, directory, scripts, so_far)


def _at_database(context: Context) -> Schema | None:
    found = before.in_database(context, ())
    return found.schema if found else None
