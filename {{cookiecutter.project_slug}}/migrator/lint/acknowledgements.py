"""Findings that were accepted in the revision, with a reason.

    # migrator: allow adding-required-field because nobody writes to it yet

One comment allows one rule in the whole revision. One that says nothing is a finding itself.
"""

import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from migrator.lint.finding import Finding
from migrator.lint.rules import ACKNOWLEDGEMENTS, ALLOWED, TRACE

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


def apply(
    findings: Sequence[Finding],
    acknowledged: Sequence[Acknowledgement],
    revision: str,
    path: str,
    *,
    judged: Sequence[Finding] = (),
    traced: bool = True,
) -> Iterator[Finding]:
    """Yield one revision's findings, the accepted ones with their reasons, and what is wrong.

    Args:
        judged: findings that were cleared; to have allowed them is no mistake.
        traced: False if the trace did not run, so that its rules cannot be found unused.
    """
    reasons = {each.rule: each.reason for each in acknowledged if not each.problem}
    for finding in findings:
        yield replace(finding, accepted=reasons.get(finding.rule, ""))
    used = {finding.rule for finding in (*findings, *judged)}
    for each in acknowledged:
        problem = each.problem
        if not problem and each.rule not in used and (traced or each.rule not in TRACE):
            problem = "unused-acknowledgement"
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
