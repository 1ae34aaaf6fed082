"""What only the trace has seen of a revision: statements that it does not render offline."""

import re
from collections.abc import Sequence
from dataclasses import replace

from migrator.lint import statements
from migrator.lint.offline import Rendered, Statement
from migrator.trace import Traced

PARAMETER = re.compile(r"%\(\w+\)s")
# Not worth a look: what only reads, and the name of an error that no statement has caused.
HARMLESS = re.compile(r"SELECT\b|SHOW\b|\w+$", re.IGNORECASE)


def fill(rendered: Sequence[Rendered], traced: Sequence[Traced]) -> list[Rendered]:
    """Add the statements that a revision runs only where there is a database."""
    found = {each.script.revision: each for each in traced}
    return [_filled(each, found.get(each.script.revision)) for each in rendered]


def _filled(rendered: Rendered, traced: Traced | None) -> Rendered:
    if traced is None:
        return rendered
    # What was rendered up to an error is only a part of what ran.
    known = () if rendered.failure and not traced.failure else rendered.statements
    lines = {each.place.line for each in known}
    more = (
        Statement(sql, step.place, step.watched)
        for step in traced.steps
        if step.place.line not in lines
        for sql in statements.split(PARAMETER.sub("$1", step.sql))
        if not HARMLESS.match(sql)
    )
    return replace(rendered, statements=(*known, *more))
