"""The page of a history: one HTML file that needs no network, with its data as JSON."""

import base64
import hashlib
import json
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

from migrator.diagrams import lanes
from migrator.diagrams.lanes import Node
from migrator.diagrams.table_changes import TableChange

HERE = Path(__file__).parent
# Nothing in the data can become markup or a script: it is text, and only our script runs.
IN_SCRIPTS = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; script-src '{hash}'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
{body}<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


@dataclass(frozen=True)
class Revision:
    """One revision. `changes` is None where they are not known, and `sql` is empty then, too,
    if it cannot be rendered.

    Attributes:
        on_branch: the branch adds it to the main branch.
        depends: those of `parents` that it only depends on.
    """

    revision: str
    message: str
    file: str
    date: str
    phase: str
    parents: tuple[str, ...]
    depends: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    on_branch: bool = False
    changes: tuple[TableChange, ...] | None = None
    sql: str = ""


@dataclass(frozen=True)
class Database:
    """A database, and the revisions that it is at; `note` says why they are not known."""

    name: str
    at: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class History:
    """All that the page shows: revisions newest first.

    Attributes:
        branch: what `Revision.on_branch` means, in words.
        branch_changes: what the branch changes as a whole.
        notes: what is not shown, and why.
    """

    title: str
    revisions: tuple[Revision, ...]
    databases: tuple[Database, ...] = ()
    branch: str = ""
    branch_changes: tuple[TableChange, ...] = ()
    tables: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def write(history: History) -> str:
    """Return the page."""
    script = _asset("history_page.js")
    digest = hashlib.sha256(script.encode()).digest()
    return PAGE.format(
        hash=f"sha256-{base64.b64encode(digest).decode()}",
        title=escape(f"{history.title}: history"),
        style=_asset("history_page.css"),
        body=_asset("history_page.html"),
        data=_data(history).translate(IN_SCRIPTS),
        script=script,
    )


def _data(history: History) -> str:
    rows = lanes.rows([Node(each.revision, each.parents) for each in history.revisions])
    data: dict[str, Any] = asdict(history)
    for revision, row in zip(data["revisions"], rows, strict=True):
        revision["row"] = asdict(row)
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
