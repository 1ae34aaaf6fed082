"""Findings as workflow commands, which GitHub shows beside the lines."""

from migrator.config.imports import relative
from migrator.lint.finding import Finding, shorten
from migrator.lint.output.report import Report


def write(report: Report) -> str:
    """Return one command for each finding."""
    lines = []
    for each in report.verdict.findings:
        path, line = _property(relative(each.path)), each.line
        place = f"file={path},line={line},title={_property(each.rule)}"
        lines.append(f"::error {place}::{_escaped(sentence(each))}")
    return "\n".join(lines)


def sentence(finding: Finding) -> str:
    """Return a finding in one paragraph."""
    safe = f" Safe: {finding.safe}" if finding.safe else ""
    return f"{finding.reason}{safe} Statement: {shorten(finding.statement)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
