"""Differences that a team accepts, from the file accepted_drift.toml beside the revisions.

[[difference]]
between = "database"  # and the revisions, at a deploy; or "models", and the revisions
object = "index public.users.ix_users_report"  # as messages name it; * stands for any text
property = "definition"  # only this one; without it, the object itself and all of it
reason = "for the monthly report, made by hand"
"""

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path
from typing import Any

from migrator.catalog import Difference
from migrator.errors import UsageError

FILE = "accepted_drift.toml"
KEYS = {"between", "object", "property", "reason"}
BETWEEN = ("database", "models")


@dataclass
class AcceptedDrift:
    """The entries for one comparison, and which of them have met a difference."""

    entries: list[dict[str, str]] = field(default_factory=list)
    met: set[int] = field(default_factory=set)

    def others(self, differences: Iterable[Difference]) -> list[Difference]:
        """Return the differences that no entry accepts."""
        return [each for each in differences if not self._accepts(each)]

    @property
    def whole(self) -> tuple[str, ...]:
        """The patterns of objects that are accepted with all of their properties."""
        return tuple(each["object"] for each in self.entries if not each.get("property"))

    def unused(self) -> list[str]:
        """Return a sentence for each entry that met no difference."""
        return [
            f"{FILE} accepts a difference of {entry['object']}, and there is none: delete it"
            for number, entry in enumerate(self.entries)
            if number not in self.met
        ]

    def _accepts(self, difference: Difference) -> bool:
        # What belongs to an accepted table is accepted with it.
        owner = f"table {'.'.join(difference.key.name[:-1])}"
        found = False
        for number, entry in enumerate(self.entries):
            known = entry.get("property", "")
            whole = fnmatchcase(str(difference.key), entry["object"])
            if (whole or fnmatchcase(owner, entry["object"])) and known in (
                "",
                difference.property,
            ):
                self.met.add(number)
                found = True
        return found


def read(folder: Path, between: str) -> AcceptedDrift:
    """Read the entries for a comparison; none if there is no such file.

    Args:
        folder: that of the revisions, with env.py.
        between: what is compared with the revisions: `database` or `models`.

    Raises:
        UsageError: the file is not as described above.
    """
    file = folder / FILE
    try:
        content: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return AcceptedDrift()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file.name} cannot be read: {error}.") from None
    entries = content.get("difference", [])
    for entry in entries:
        wrong = sorted(entry.keys() - KEYS)
        lacks = [key for key in ("between", "object", "reason") if not entry.get(key)]
        if wrong or lacks or entry["between"] not in BETWEEN:
            raise UsageError(
                f"An entry of {file.name} is wrong: {entry}. It has between (database or models),"
                " object, reason, and perhaps property."
            )
    return AcceptedDrift([entry for entry in entries if entry["between"] == between])


def add(folder: Path, between: str, differences: Iterable[Difference], reason: str) -> None:
    """Accept differences, each by an entry at the end of the file."""
    written = ""
    for each in differences:
        pairs = {"between": between, "object": escape(str(each.key))}
        pairs |= {"property": each.property} if each.property else {}
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in pairs.items()]
        written += "\n".join(["", "[[difference]]", *lines, f'reason = "{reason}"', ""])
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(written.lstrip("\n") if not file.tell() else written)
