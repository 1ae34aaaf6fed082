"""What a check says about one statement of one revision."""

import textwrap
from dataclasses import dataclass
from typing import Self

from migrator.lint.rule import Rule

SHOWN = 200  # characters of a statement: enough to recognise it


@dataclass(frozen=True)
class Finding:
    """Something that would stop a service, or break the code that still runs.

    `source` is who says so (trace or migrator), `evidence` what the trace saw, `code` the
    safe form as Python to paste, `suppressed` the reason in the comment that suppresses it. What is
    not there is empty. With `of_python`, the statement is Python, and not SQL.
    """

    rule: str
    revision: str
    path: str
    line: int
    statement: str
    reason: str
    safe: str = ""
    source: str = "migrator"
    evidence: str = ""
    suppressed: str = ""
    code: str = ""
    of_python: bool = False

    @classmethod
    def of(
        cls,
        rule: Rule,
        revision: str,
        path: str,
        line: int,
        statement: str,
        source: str = "migrator",
        evidence: str = "",
    ) -> Self:
        """Return the finding that a statement breaks `rule`."""
        text = (rule.name, revision, path, line, statement, rule.reason, rule.safe)
        return cls(*text, source, evidence)


def shorten(sql: str) -> str:
    """Return a statement on one line, cut where it gets long."""
    return textwrap.shorten(sql, SHOWN, placeholder=" ...")
