"""What lint found, written for people, programs and merge requests; one file per format."""

from collections.abc import Callable

from migrator.lint.output import code_quality, json_report, markdown, text, workflow_commands
from migrator.lint.output.report import Report

__all__ = ["FORMATS", "Report"]

FORMATS: dict[str, Callable[[Report], str]] = {
    "people": text.write,
    "json": json_report.write,
    "markdown": markdown.write,
    "github": workflow_commands.write,
    "gitlab": code_quality.write,
}
