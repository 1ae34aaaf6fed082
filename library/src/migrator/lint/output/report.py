"""What there is to write: what was looked at, what was found, and what the revisions change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from migrator.catalog import Difference, Schema
from migrator.config.imports import relative
from migrator.errors import counted
from migrator.lint.finding import Finding
from migrator.lint.ranges import Range
from migrator.lint.verdict import Verdict


@dataclass(frozen=True)
class Change:
    """What a revision changes in the schema, which is `before` and then `after`."""

    differences: Sequence[Difference]
    before: Schema
    after: Schema


@dataclass(frozen=True)
class Report:
    """`changes` are by revision, and those of the formats that show them only."""

    range: Range
    verdict: Verdict
    changes: Mapping[str, Change] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the result in a sentence."""
        if not self.range.revisions:
            return f"Nothing to look at. {self.range.why}"
        number = len(self.verdict.findings)
        found = counted(number, "finding") if number else "No findings"
        return f"{found} in {self.range}."


def place(finding: Finding) -> str:
    """Return file and line, relative to the current folder."""
    return f"{relative(finding.path)}:{finding.line}"


def capital(text: str) -> str:
    """Return a text with a capital letter, unless it begins with code."""
    return text if text.startswith(("op.", "pg_")) else text[:1].upper() + text[1:]
