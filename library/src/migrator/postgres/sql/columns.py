"""What one action of an ALTER TABLE does to a column."""

import re

from migrator.postgres.sql.names import IDENTIFIER, name
from migrator.postgres.sql.tokens import begins, has

COLUMN = rf"(?:COLUMN\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>{IDENTIFIER})"
ADD = re.compile(
    rf"ADD\s+(?!(?:CONSTRAINT|CHECK|FOREIGN|PRIMARY|UNIQUE|EXCLUDE)\b){COLUMN}", re.IGNORECASE
)
DEFAULT = re.compile(rf"ALTER\s+{COLUMN}\s+SET\s+DEFAULT\b", re.IGNORECASE)
DROP_DEFAULT = re.compile(rf"ALTER\s+{COLUMN}\s+DROP\s+DEFAULT\b", re.IGNORECASE)
CONSTRAINT = re.compile(
    rf"(?P<word>ADD|DROP)\s+CONSTRAINT\s+(?:IF\s+EXISTS\s+)?(?P<name>{IDENTIFIER})", re.IGNORECASE
)
UNNAMED = ("ADD CHECK", "ADD FOREIGN KEY", "ADD PRIMARY KEY", "ADD UNIQUE", "ADD EXCLUDE")
NOT_NULL = re.compile(rf"ALTER\s+{COLUMN}\s+SET\s+NOT\s+NULL\b", re.IGNORECASE)
TYPE = re.compile(
    rf"ALTER\s+{COLUMN}\s+(?:SET\s+DATA\s+)?TYPE\s+(?P<type>.*?)"
    r"(?:\s+COLLATE\s+\S+)?(?:\s+USING\s+(?P<using>.*))?$",
    re.IGNORECASE | re.DOTALL,
)
FILLS = ("DEFAULT", "GENERATED", "SERIAL", "SMALLSERIAL", "BIGSERIAL")


def added(action: str) -> str:
    """Return the column that an action adds, or nothing."""
    return _named(ADD, action)


def filled(action: str) -> str:
    """Return the column that gets values by itself from then on, or nothing."""
    new = added(action)
    return new if new and has(action, *FILLS) else _named(DEFAULT, action)


def required(action: str) -> str:
    """Return the column that an action makes NOT NULL, or nothing."""
    return _named(NOT_NULL, action)


def drops_default(action: str) -> bool:
    """Return whether an action drops the default of a column."""
    return bool(DROP_DEFAULT.match(action))


def adds_constraint(action: str) -> bool:
    """Return whether an action adds a constraint that no unique index enforces already."""
    new = begins(action, "ADD CONSTRAINT", *UNNAMED)
    return new and not has(action, "USING INDEX")


def constraint(action: str, word: str) -> str:
    """Return the constraint that an action adds or drops, by that word, or nothing."""
    match = CONSTRAINT.match(action)
    return name(match["name"]) if match and match["word"].upper() == word else ""


def retyped(action: str) -> tuple[str, str, str] | None:
    """Return the column that gets another type, as written, the type, and what USING says."""
    match = TYPE.match(action)
    return (match["name"], match["type"], match["using"] or "") if match else None


def removes(action: str) -> bool:
    """Return whether an action drops or renames something that is no constraint."""
    return begins(action, "DROP", "RENAME") and not begins(
        action, "DROP CONSTRAINT", "RENAME CONSTRAINT"
    )


def _named(form: re.Pattern[str], action: str) -> str:
    match = form.match(action)
    return name(match["name"]) if match else ""
