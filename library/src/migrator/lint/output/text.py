"""Findings for people: grouped by revision, one block for each."""

from collections.abc import Iterator
from textwrap import indent

from migrator import console
from migrator.console import Style, wrap
from migrator.console.style import BOLD, CYAN, DIM, GREEN, RED, YELLOW
from migrator.lint.finding import Finding, shorten
from migrator.lint.output.report import Report, capital, place
from migrator.revisions import description

TEXT, CODE = " " * 4, " " * 8


def write(report: Report) -> str:
    """Return text whose lines begin with file and line, so that editors can jump there."""
    style = console.style()
    lines: list[str] = []
    for script in report.verdict.scripts:
        own = report.verdict.of(script)
        blocks = [
            *(block(each, style) for each in own.findings),
            *(_aside(each, f"suppressed: {each.suppressed}", style) for each in own.suppressed),
            *(_aside(each, f"dismissed: {each.evidence}", style) for each in own.dismissed),
        ]
        if blocks:
            lines += [style(description.line(script), BOLD), ""]
            lines += [line for each in blocks for line in (*each, "")]
    return "\n".join(lines).rstrip("\n")


def block(finding: Finding, style: Style) -> Iterator[str]:
    """Yield the lines of one finding."""
    yield f"{style(place(finding), CYAN)}: {style(finding.rule, BOLD, RED)}"
    yield from (style(line, YELLOW) for line in _statement(finding))
    yield from wrap(finding.reason, TEXT)
    if finding.evidence:
        yield from wrap(f"Seen: {finding.evidence}", TEXT)
    if finding.safe:
        yield from wrap(f"Safe: {finding.safe}", TEXT)
    if finding.code:
        yield ""
        yield from (style(line, GREEN) for line in indent(finding.code, CODE).splitlines())


def _statement(finding: Finding) -> list[str]:
    if finding.of_python:
        return indent(finding.statement, TEXT).splitlines()
    return wrap(shorten(finding.statement), TEXT)


def _aside(finding: Finding, what: str, style: Style) -> Iterator[str]:
    yield style(f"{place(finding)}: {finding.rule}", DIM)
    yield from (style(line, DIM) for line in wrap(capital(what), TEXT))
