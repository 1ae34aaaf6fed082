"""The result of a rehearsal in Markdown, for a pull request."""

from collections.abc import Iterator

from migrator.console import quantities
from migrator.lint.finding import shorten
from migrator.rehearsal import text
from migrator.rehearsal.result import Result, Revision

TITLE = "## Rehearsal of the migrations"


def lines(result: Result) -> Iterator[str]:
    """Yield the lines: a table of the revisions, then the statements of each, folded."""
    yield TITLE
    yield ""
    for paragraph in text.verdict(result):
        yield _line(paragraph)
        yield ""
    if not result.revisions:
        return
    yield "| revision | time | strongest lock | WAL | more disk | downgrade |"
    yield "|---|---|---|---|---|---|"
    for each in result.revisions:
        yield _row(each)
    for each in result.revisions:
        if each.statements:
            yield ""
            yield from _statements(each)
    yield ""
    for note in result.notes:
        yield f"- {_line(note)}"


def _row(each: Revision) -> str:
    name = f"`{each.revision}` {_line(each.message)}"
    if not each.applied:
        return f"| {name} | not applied | | | | |"
    cells = (
        name,
        quantities.duration(each.seconds),
        _line(text.lock(each.longest)),
        quantities.size(each.wal),
        quantities.size(each.disk),
        _line(text.way_back(each)),
    )
    return f"| {' | '.join(cells)} |"


def _statements(each: Revision) -> Iterator[str]:
    yield f"<details><summary>Statements of {_line(each.revision)}</summary>"
    yield ""
    yield "| line | time | statement | what it does |"
    yield "|---|---|---|---|"
    for step in text.shown_statements(each):
        times = f"{step.count} times, " if step.count > 1 else ""
        code = f"`{shorten(step.sql).replace('`', ' ').replace('|', chr(92) + '|')}`"
        does = _line(step.error or text.effects(step))
        yield f"| {step.line} | {times}{quantities.duration(step.seconds)} | {code} | {does} |"
    yield ""
    yield "</details>"


def _line(text: str) -> str:
    """Return a text that stays on its line and in its cell, and is no markup."""
    for character in "\\`*_[]<>|":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())
