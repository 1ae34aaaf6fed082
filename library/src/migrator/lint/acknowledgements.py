"""Findings that were accepted in the revision, with a reason.

    # migrator: allow adding-required-field because nobody writes to it yet

One comment allows one rule in the whole revision. One that says nothing is a finding itself.
"""

import re
import tokenize
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from migrator.lint.finding import Finding
from migrator.lint.rules import ACKNOWLEDGEMENTS, ALLOWED

COMMENT = re.compile(r"#\s*migrator\s*:\s*(?P<text>.*)")
ALLOW = re.compile(r"allow\s+(?P<rule>\S+)(?:\s+because(?:\s+(?P<reason>.*))?)?\s*$")


@dataclass(frozen=True)
class Acknowledgement:
    """One comment; `problem` is the rule that it breaks itself."""

    line: int
    text: str
    rule: str = ""
    reason: str = ""
    problem: str = ""


def read(path: str) -> list[Acknowledgement]:
    """Return the acknowledgements in a revision file."""
    found = []
    with open(path, "rb") as file:  # noqa: PTH123 - tokenize reads the encoding from it
        for token in tokenize.tokenize(file.readline):
            match = COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
            if match:
                found.append(_parse(token.start[0], match["text"].strip()))
    return found


def accepted(acknowledged: Sequence[Acknowledgement]) -> dict[str, str]:
    """Return the reasons by rule."""
    return {each.rule: each.reason for each in acknowledged if not each.problem}


def apply(
    findings: Sequence[Finding],
    acknowledged: Sequence[Acknowledgement],
    revision: str,
    path: str,
    unused: Collection[str],
) -> Iterator[Finding]:
    """Yield one revision's findings, the accepted ones with their reasons, and what is wrong.

    Args:
        unused: rules that were accepted, though nothing breaks them.
    """
    reasons = accepted(acknowledged)
    for finding in findings:
        yield replace(finding, accepted=reasons.get(finding.rule, ""))
    for each in acknowledged:
        problem = each.problem or ("unused-acknowledgement" if each.rule in unused else "")
        if problem:
            rule = ACKNOWLEDGEMENTS[problem]
            yield Finding(problem, revision, path, each.line, each.text, rule.reason, rule.safe)


def _parse(line: int, text: str) -> Acknowledgement:
    shown = f"# migrator: {text}"
    match = ALLOW.match(text)
    if not match or match["rule"] not in ALLOWED:
        return Acknowledgement(line, shown, problem="unknown-acknowledgement")
    reason = (match["reason"] or "").strip()
    problem = "" if reason else "acknowledgement-without-reason"
    return Acknowledgement(line, shown, match["rule"], reason, problem)
