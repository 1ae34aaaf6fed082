"""Findings for programs: one JSON object, which docs/zero-downtime.md describes."""

import json
from collections.abc import Sequence
from typing import Any

from migrator.config.imports import relative
from migrator.lint.finding import Finding, shorten
from migrator.lint.output.report import Report


def write(report: Report) -> str:
    """Return the object; lists are lists, and what is not there is null."""
    verdict = report.verdict
    looked_at = {
        "what": str(report.range) if report.range.revisions else None,
        "why": report.range.why or None,
        "base": report.range.base or None,
        "revisions": [each.revision for each in report.range.revisions],
    }
    lists = {
        "findings": _listed(verdict.findings),
        "suppressed": _listed(verdict.suppressed),
        "dismissed": _listed(verdict.dismissed),
        "notes": [*verdict.notes],
    }
    return json.dumps({"looked_at": looked_at, **lists}, ensure_ascii=False, indent=2)


def _listed(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "rule": each.rule,
            "revision": each.revision,
            "path": relative(each.path),
            "line": each.line,
            "statement": each.statement if each.of_python else shorten(each.statement),
            "reason": each.reason,
            "safe": each.safe or None,
            "code": each.code or None,
            "source": each.source,
            "evidence": each.evidence or None,
            "suppressed": each.suppressed or None,
        }
        for each in findings
    ]
