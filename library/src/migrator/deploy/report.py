"""What a deploy says while it works: lines for people, or JSON lines for machines.

The keys of a JSON line come from where the step is done; those of a revision from `runner`.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from migrator.console import note, remark, say, verbosity
from migrator.errors import without_secrets


class Report:
    """Says each step as it is done, and keeps what was said.

    Args:
        as_json: one JSON object for each line: time, step, status, message and the step's data.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.rows: list[tuple[str, str]] = []

    def done(self, step: str, message: str, **data: Any) -> None:
        """Say what a step found or did, as a result."""
        self.rows.append((step, message))
        self._tell("done", step, message, data)

    def skipped(self, step: str, why: str) -> None:
        """Say that a step was left out, and why."""
        self.rows.append((step, why))
        self._tell("skipped", step, why, {})

    def warn(self, step: str, message: str, **data: Any) -> None:
        """Say what somebody should look at, though the deploy goes on."""
        self.rows.append((step, f"⚠ {message}"))
        self._tell("warning", step, message, data)

    def waiting(self, step: str, message: str, **data: Any) -> None:
        """Say for what or whom the deploy waits."""
        self._tell("waiting", step, message, data)

    def progress(self, step: str, message: str) -> None:
        """Say how far it is, to people only: on stderr also with JSON."""
        remark(f"{step:<8} {message}")

    def end(self, error: BaseException | None = None, exit_code: int = 0) -> None:
        """Say how it ended, to machines; people have read it, or read the error next."""
        details = {name: without_secrets(text) for name, text in getattr(error, "details", ())}
        data: Mapping[str, Any] = getattr(error, "data", {})
        message = self.rows[-1][1] if self.rows else ""
        if verbosity.is_quiet() and not error and not self.as_json:
            results = [row for row in self.rows if row[0] in ("done", "next")]
            for step, text in results or self.rows[-1:]:
                say(f"{step:<8} {text}")
        if error:
            message = without_secrets(str(error)) or "stopped"
        if self.as_json:
            status = "failed" if error else "done"
            data = data or {name.replace(" ", "_"): text for name, text in details.items()}
            self._tell(status, "end", message, {"exit_code": exit_code, **data})
        if path := os.environ.get("GITHUB_STEP_SUMMARY"):
            with suppress(OSError):  # a page that nobody can write is no reason to fail
                self._summarise(Path(path), message if error else "", details)

    def _tell(self, status: str, step: str, message: str, data: dict[str, Any]) -> None:
        if self.as_json:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            line = {"time": now, "step": step, "status": status, "message": message, **data}
            say(json.dumps(line, ensure_ascii=False, default=str))
            return
        text = f"{step:<8} {message}"
        if status == "warning":
            note(text)
        elif status == "waiting":
            remark(text)
        elif not verbosity.is_quiet():
            say(text)

    def _summarise(self, path: Path, failure: str, details: dict[str, str]) -> None:
        """Append the deploy to the page that GitHub shows for a workflow's run."""
        rows = [*self.rows, *([("failed", failure)] if failure else []), *details.items()]
        lines = ["### Database migration", "", "| step | |", "|---|---|"]
        for step, text in rows:
            lines.append(f"| {step} | {' '.join(text.split()).replace('|', chr(92) + '|')} |")
        with path.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
