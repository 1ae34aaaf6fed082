"""Comments in a revision that suppress findings, with a reason.

    # migrator: allow adding-required-field because nobody writes to it yet

One comment suppresses one rule in the whole revision. One that does nothing is a finding itself.
"""

import re
import tokenize
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from migrator.lint.finding import Finding
from migrator.lint.rule import Suppression
from migrator.lint.rules import ALL

COMMENT = re.compile(r"#\s*migrator\s*:\s*(?P<text>.*)")
LIKELY = re.compile(rb"#\s*migrator")
ALLOW = re.compile(r"allow\s+(?P<rule>\S+)(?:\s+because(?:\s+(?P<reason>.*))?)?\s*$")


def read(path: str) -> list[Suppression]:
    """Return the suppressions in a revision file."""
    source = Path(path).read_bytes()
    if not LIKELY.search(source):  # splitting a file into tokens takes its time
        return []
    tokens = tokenize.tokenize(BytesIO(source).readline)
    comments = ((each, COMMENT.match(each.string)) for each in tokens
                if each.type == tokenize.COMMENT)  # fmt: skip
    return [_parse(each.start[0], match["text"].strip()) for each, match in comments if match]


def write(path: str, rule: str, reason: str) -> None:
    """Suppress a rule in a revision file, with a comment above `upgrade`."""
    file = Path(path)
    before, upgrade, rest = file.read_text("utf-8").partition("def upgrade(")
    comment = f"# migrator: allow {rule} because {reason}\n"
    file.write_text(f"{before}{comment}{upgrade}{rest}", "utf-8", newline="\n")


def reasons(suppressions: Sequence[Suppression]) -> dict[str, str]:
    """Return by rule the reasons for which it is suppressed."""
    return {each.rule: each.reason for each in suppressions if each.rule and each.reason}


def apply(
    findings: Sequence[Finding],
    suppressions: Sequence[Suppression],
    revision: str,
    path: str,
    unused: Collection[str],
) -> Iterator[Finding]:
    """Yield one revision's findings, the suppressed ones with their reasons, and what is wrong.

    Args:
        unused: rules that are suppressed, though nothing breaks them.
    """
    why = reasons(suppressions)
    for finding in findings:
        yield replace(finding, suppressed=why.get(finding.rule, ""))
    for each in suppressions:
        comment = replace(each, unused=each.rule in unused)
        for rule in ALL.values():
            if rule.comment and rule.comment(comment):
                yield Finding.of(rule, revision, path, each.line, each.text)


def _parse(line: int, text: str) -> Suppression:
    shown = f"# migrator: {text}"
    match = ALLOW.match(text)
    rule = ALL.get(match["rule"]) if match else None
    if not match or not rule or not rule.suppressible:
        return Suppression(line, shown)
    return Suppression(line, shown, rule.name, (match["reason"] or "").strip())
