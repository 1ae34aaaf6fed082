"""The review of a branch: what its revisions are, do, lock and change."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from alembic.script import Script

from migrator.console.markdown import code, fenced, line
from migrator.diagrams.changed_tables import ChangedTables
from migrator.errors import counted
from migrator.lint.finding import Finding, shorten
from migrator.lint.output import schema_words
from migrator.lint.output.report import Change, Report, capital, place
from migrator.lint.rendering import Rendered
from migrator.lint.verdict import Verdict
from migrator.revisions import phase_and_transaction
from migrator.trace import Step, Traced
from migrator.trace.traced_statement import describe, disturbs

TITLE = "## Review of the migrations"
SHOWN = 40  # statements in the table of locks; GitHub refuses comments of more than 65,536 bytes
MEANS = {
    "expand": "expand: before the new code; code that runs keeps working",
    "contract": "contract: when no older code runs any more",
}


def write(report: Report) -> str:
    """Return the review in GitHub's and GitLab's Markdown."""
    lines = [TITLE, "", line(str(report)), ""]
    lines += _diagram(list(report.changes.values()))
    for script in report.verdict.scripts:
        change = report.changes.get(script.revision)
        lines += [*_revision(script, report.verdict.of(script), change), ""]
    lines += [f"- {line(note)}" for note in report.verdict.notes]
    return "\n".join(lines).rstrip("\n")


def _diagram(changes: Sequence[Change]) -> Iterator[str]:
    """Yield the tables that all revisions together change, as GitHub and GitLab draw them."""
    if not changes:
        return
    found = ChangedTables.between(changes[0].before, changes[-1].after)
    drawn, left_out = found.diagram()
    for title, names in (("New tables", found.new), ("Dropped tables", found.dropped)):
        if names:
            yield from (line(f"{title}: {', '.join(names[:SHOWN])}"), "")
    if drawn:
        yield from fenced("mermaid", [drawn])
        yield ""
    if left_out:
        yield from (f"{counted(left_out, 'changed table')} more than the diagram has room for.", "")


def _revision(script: Script, own: Verdict, change: Change | None) -> Iterator[str]:
    found = phase_and_transaction.of(script)
    mode = "transactional" if found.transactional else "non-transactional"
    yield f"### {code(script.revision)} {line(script.doc or '')}"
    yield ""
    yield f"{MEANS[found.phase]} · {mode}"
    yield ""
    for finding in own.findings:
        yield from _finding(finding)
    for finding in own.suppressed:
        yield f"- suppressed: {code(finding.rule)} at {code(place(finding))}: " + line(
            finding.suppressed
        )
    if own.suppressed:
        yield ""
    for traced in own.traced:
        yield from _trace(traced)
    if change:
        yield from _folded("Schema", "diff", [*schema_words.lines(change)] or ["(no change)"])
    for rendered in own.rendered:
        yield from _statements(rendered)


def _finding(finding: Finding) -> Iterator[str]:
    yield f"#### ❌ {code(finding.rule)} at {code(place(finding))}"
    yield ""
    yield from fenced("python" if finding.of_python else "sql", [finding.statement])
    yield ""
    yield line(finding.reason)
    if finding.evidence:
        yield f"Seen on the shadow database: {line(finding.evidence.rstrip('.'))}."
    if finding.safe:
        yield ""
        yield f"**Safe:** {line(capital(finding.safe))}"
    if finding.code:
        yield ""
        yield from fenced("python", [finding.code])
    yield ""


def _trace(traced: Traced) -> Iterator[str]:
    steps = [each for each in traced.steps if each.error or disturbs(each, traced.old)]
    if not steps:
        if not traced.failure:
            yield "No lock that others wait for, no table rewritten or scanned, no row changed."
        else:
            yield f"Not tried to the end: {line(traced.failure)}"
        yield ""
        return
    yield "| line | statement | what it does | ms | lock kept, ms |"
    yield "|---:|---|---|---:|---:|"
    for step in steps[:SHOWN]:
        yield _row(step, traced)
    if len(steps) > SHOWN:
        yield ""
        yield f"and {len(steps) - SHOWN} more statements"
    yield ""


def _row(step: Step, traced: Traced) -> str:
    cells = (
        str(step.place.line),
        code(shorten(step.sql)),
        line(step.error or describe(step, traced.old)),
        f"{step.milliseconds:.1f}",
        f"{max(step.kept, 0):.1f}",
    )
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _statements(rendered: Rendered) -> Iterator[str]:
    lines: list[str] = []
    outside = groupby(rendered.statements, lambda each: each.in_transaction)
    for in_transaction, statements in outside:
        if not in_transaction:
            lines.append("-- outside a transaction")
        lines += [f"{each.sql};" for each in statements if not each.nested]
    if rendered.failure:
        lines.append("-- The rest depends on what is in the database.")
    yield from _folded("SQL", "sql", lines or ["-- nothing"])


def _folded(title: str, language: str, lines: Sequence[str]) -> Iterator[str]:
    yield f"<details><summary>{title}</summary>"
    yield ""
    yield from fenced(language, lines)
    yield ""
    yield "</details>"
    yield ""
