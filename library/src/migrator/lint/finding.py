"""What a check says about one statement of one revision."""

import textwrap
from dataclasses import dataclass

SHOWN = 200  # characters of a statement: enough to recognise it


@dataclass(frozen=True)
class Finding:
    """Something that would stop a service, or break the code that still runs.

    `source` is who says so (squawk, trace or migrator), `evidence` what the trace saw,
    `accepted` the reason from the revision's acknowledgement, if there is one.
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
    accepted: str = ""


def shorten(sql: str) -> str:
    """Return a statement on one line, cut where it gets long."""
    return textwrap.shorten(sql, SHOWN, placeholder=" ...")
