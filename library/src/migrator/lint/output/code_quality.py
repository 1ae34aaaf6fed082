"""Findings as a code quality report, which GitLab shows beside the lines."""

import hashlib
import json

from migrator.config.imports import relative
from migrator.lint.finding import shorten
from migrator.lint.output.report import Report
from migrator.lint.output.workflow_commands import sentence


def write(report: Report) -> str:
    """Return the report."""
    entries = []
    for each in report.verdict.findings:
        path = relative(each.path)
        identity = f"{path}\n{each.rule}\n{shorten(each.statement)}"
        entries.append(
            {
                "description": sentence(each),
                "check_name": each.rule,
                "fingerprint": hashlib.sha256(identity.encode()).hexdigest(),
                "severity": "major",
                "location": {"path": path, "lines": {"begin": each.line}},
            }
        )
    return json.dumps(entries, ensure_ascii=False, indent=2)
