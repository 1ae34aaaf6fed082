"""Stored results of rehearsals: whether a revision was rehearsed as it is now, and the outcome."""

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic.script import Script

from migrator.config.context import Context
from migrator.console import quantities

KEPT = 20  # results; older ones are removed


@dataclass(frozen=True)
class Rehearsed:
    """One revision in one rehearsal that succeeded: `facts` are those of its JSON."""

    started_at: datetime
    source: str
    facts: dict[str, Any]

    @property
    def described(self) -> str:
        """It in words, with its seconds and its strongest lock."""
        words = f"rehearsed on {self.source}: {quantities.duration(self.facts['seconds'])}"
        if lock := self.facts["strongest_lock"]:
            words += f", longest {lock['mode']} {quantities.duration(lock['seconds'])}"
        return words


def folder(context: Context) -> Path:
    """Return where the results are kept."""
    return context.folder / context.settings.rehearsal_folder


def digest(script: Script) -> str:
    """Return a hash of the text of a revision, the same whatever its line ends are."""
    text = Path(str(script.module.__file__)).read_bytes().replace(b"\r\n", b"\n")
    return hashlib.sha256(text).hexdigest()


def keep(context: Context, result: dict[str, Any]) -> Path:
    """Write a result, and remove the oldest beyond `KEPT`.

    Raises:
        OSError: it cannot be written.
    """
    where = folder(context)
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = where / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.json"
    path.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for old in sorted(where.glob("2*.json"))[:-KEPT]:
        with suppress(OSError):
            old.unlink()
    return path


def of(context: Context, scripts: Iterable[Script]) -> dict[str, Rehearsed]:
    """Return by revision the newest rehearsal of the file as it is now, where there is one."""
    found: dict[str, Rehearsed] = {}
    wanted: dict[str, str] | None = None
    for path in sorted(folder(context).glob("2*.json"), reverse=True):
        wanted = wanted or {each.revision: digest(each) for each in scripts}
        with suppress(OSError, ValueError, KeyError, TypeError):  # not one of ours
            result = json.loads(path.read_text(encoding="utf-8"))
            if not result["succeeded"]:
                continue
            started = datetime.fromisoformat(result["started_at"])
            for facts in result["revisions"]:
                name = facts["revision"]
                if facts["applied"] and wanted.get(name) == facts["sha256"]:
                    source = result["source"]["described"]
                    found.setdefault(name, Rehearsed(started, source, facts))
    return found
