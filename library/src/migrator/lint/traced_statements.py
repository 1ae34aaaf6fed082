"""The statements of revisions that only a trace has seen."""

from collections.abc import Sequence
from dataclasses import replace

from migrator.lint.rendering import Rendered, Statement
from migrator.postgres import sql
from migrator.trace import Traced


def with_traced(rendered: Sequence[Rendered], traced: Sequence[Traced]) -> list[Rendered]:
    """Add the statements that a revision runs only where there is a database."""
    found = {each.script.revision: each for each in traced}
    return [_completed(each, found.get(each.script.revision)) for each in rendered]


def _completed(rendered: Rendered, traced: Traced | None) -> Rendered:
    if traced is None:
        return rendered
    # What was rendered up to an error is only a part of what ran.
    known = () if rendered.failure and not traced.failure else rendered.statements
    lines = {each.place.line for each in known}
    more = (
        Statement(statement, step.place, step.watched)
        for step in traced.steps
        if step.place.line not in lines and not (step.of_python or step.elsewhere)
        for statement in sql.split(sql.numbered(step.sql))
        if not sql.only_reads(statement)
    )
    return replace(rendered, statements=(*known, *more))
