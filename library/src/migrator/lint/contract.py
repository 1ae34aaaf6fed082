"""What breaks code that still runs, whatever it locks: drops, renames, and NOT NULL.

Not a change of type: one that only widens breaks nothing, and of the others squawk and the trace
tell.
"""

import re
from collections.abc import Iterator

from alembic.script import Script, ScriptDirectory

from migrator.lint.statements import IDENTIFIER, actions, name, subject
from migrator.revisions import graph

# What --phase expand applies while the old code runs.
BEFORE = ("expand", "online")
# With phase = "contract" the code that used it is gone.
ALLOWED_LATER = frozenset({"ban-drop-column", "ban-drop-table"})
# What squawk has no rule for.
UNKNOWN_TO_SQUAWK = {
    "ban-drop-table": r"DROP\s+SCHEMA\b.*\bCASCADE\b",
    "renaming-table": r"ALTER\s+(?:TABLE\b.*\bSET\s+SCHEMA|SCHEMA\b.*\bRENAME\s+TO)\b",
    "renaming-enum-value": r"ALTER\s+TYPE\b.*\bRENAME\s+VALUE\b",
}
PATTERNS = {
    rule: re.compile(form, re.IGNORECASE | re.DOTALL) for rule, form in UNKNOWN_TO_SQUAWK.items()
}
GONE = re.compile(r"DROP\s+TABLE\b", re.IGNORECASE)
GONE_FROM_TABLE = re.compile(r"(?:DROP|RENAME)\b(?!\s+CONSTRAINT\b)", re.IGNORECASE)
COLUMN = rf"(?:COLUMN\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>{IDENTIFIER})"
ADD = re.compile(
    rf"ADD\s+(?!(?:CONSTRAINT|CHECK|FOREIGN|PRIMARY|UNIQUE|EXCLUDE)\b){COLUMN}", re.IGNORECASE
)
DEFAULT = re.compile(rf"ALTER\s+{COLUMN}\s+SET\s+DEFAULT\b", re.IGNORECASE)
VALUE = re.compile(r"\b(?:DEFAULT|GENERATED|(?:SMALL|BIG)?SERIAL)\b", re.IGNORECASE)
NOT_NULL = re.compile(rf"ALTER\s+{COLUMN}\s+SET\s+NOT\s+NULL\b", re.IGNORECASE)


def renames(sql: str) -> Iterator[str]:
    """Yield the rules that a statement breaks and that squawk does not know."""
    return (rule for rule, pattern in PATTERNS.items() if pattern.match(sql))


def earlier(directory: ScriptDirectory, script: Script) -> list[Script]:
    """Return the revisions of the same change before an online one, oldest first.

    Autogenerate puts it behind the expand revision of the change.
    """
    if graph.phase(script) != "online":
        return []
    found = []
    for parent in script._versioned_down_revisions:
        below = directory.get_revision(parent)
        if below and graph.phase(below) in BEFORE:
            found += [*earlier(directory, below), below]
    return found


class Columns:
    """The columns that a change adds and fills by itself: code before it may leave them out.

    Args:
        sure: False if it is not known what all of the change does.
    """

    def __init__(self, *, sure: bool = True) -> None:
        self._sure = sure
        self._added: set[tuple[str, str]] = set()
        self._filled: set[tuple[str, str]] = set()

    def learn(self, sql: str) -> None:
        """Note the columns that a statement adds, and the defaults that it sets."""
        for table, action in _actions(sql):
            if match := ADD.match(action):
                self._added.add((table, name(match["name"])))
            value = match if match and VALUE.search(action) else DEFAULT.match(action)
            if value:
                self._filled.add((table, name(value["name"])))

    def breaks(self, sql: str) -> bool:
        """Return whether code that does not know of the change fails after a statement."""
        if GONE.match(sql) or any(renames(sql)):
            return True
        required = set()
        for table, action in _actions(sql):
            if GONE_FROM_TABLE.match(action):
                return True
            if match := NOT_NULL.match(action):
                required.add((table, name(match["name"])))
        return self._sure and not required <= self._added & self._filled


def _actions(sql: str) -> Iterator[tuple[str, str]]:
    about = subject(sql)
    if about.kind == "alter table":
        for action in actions(sql):
            yield about.names[0], action
