"""Findings for people, for programs, and as annotations in a merge request."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from migrator.config.imports import relative
from migrator.lint.finding import Finding, shorten
from migrator.lint.verdict import Verdict


def people(verdict: Verdict) -> str:
    """Return the findings to read, each with its place first, so that editors can jump there."""
    lines: list[str] = []
    for each in _short(verdict.findings):
        lines += [
            f"{each.path}:{each.line}: {each.rule} ({each.source})",
            f"    {each.statement}",
            f"    {each.reason}",
        ]
        lines += [f"    Seen: {each.evidence}"] if each.evidence else []
        lines += [f"    Safe: {each.safe}"] if each.safe else []
        lines.append("")
    for each in _short(verdict.suppressed):
        lines.append(f"{each.path}:{each.line}: {each.rule} is suppressed: {each.suppressed}")
    for each in _short(verdict.dismissed):
        lines.append(f"{each.path}:{each.line}: {each.rule} is dismissed: {each.evidence}")
    return "\n".join(lines).rstrip("\n")


def as_json(verdict: Verdict) -> str:
    """Return one JSON object with the lists `findings`, `suppressed` and `dismissed`."""
    lists = {
        name: [asdict(each) for each in _short(getattr(verdict, name))]
        for name in ("findings", "suppressed", "dismissed")
    }
    return json.dumps(lists, ensure_ascii=False, indent=2)


def github(verdict: Verdict) -> str:
    """Return workflow commands, which GitHub shows beside the lines."""
    lines = []
    for each in _short(verdict.findings):
        message = _escaped(_sentence(each))
        place = f"file={_property(each.path)},line={each.line},title={_property(each.rule)}"
        lines.append(f"::error {place}::{message}")
    return "\n".join(lines)


def gitlab(verdict: Verdict) -> str:
    """Return a code quality report, which GitLab shows beside the lines."""
    report = []
    for each in _short(verdict.findings):
        identity = f"{each.path}\n{each.rule}\n{each.statement}"
        report.append(
            {
                "description": _sentence(each),
                "check_name": each.rule,
                "fingerprint": hashlib.sha256(identity.encode()).hexdigest(),
                "severity": "major",
                "location": {"path": each.path, "lines": {"begin": each.line}},
            }
        )
    return json.dumps(report, ensure_ascii=False, indent=2)


FORMATS: dict[str, Callable[[Verdict], str]] = {
    "people": people,
    "json": as_json,
    "github": github,
    "gitlab": gitlab,
}


def _short(findings: Sequence[Finding]) -> list[Finding]:
    return [
        replace(each, path=relative(each.path), statement=shorten(each.statement))
        for each in findings
    ]


def _sentence(finding: Finding) -> str:
    safe = f" Safe: {finding.safe}" if finding.safe else ""
    return f"{finding.reason}{safe} Statement: {finding.statement}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
