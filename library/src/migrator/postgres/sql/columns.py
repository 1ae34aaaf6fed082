"""What one action of an ALTER TABLE does to a column."""

import re

from migrator.postgres.sql.names import IDENTIFIER, name
from migrator.postgres.sql.tokens import begins, has

COLUMN = rf"(?:COLUMN\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>{IDENTIFIER})"
ADD = re.compile(
    rf"ADD\s+(?!(?:CONSTRAINT|CHECK|FOREIGN|PRIMARY|UNIQUE|EXCLUDE)\b){COLUMN}", re.IGNORECASE
)
DEFAULT = re.compile(rf"ALTER\s+{COLUMN}\s+SET\s+DEFAULT\b", re.IGNORECASE)
NOT_NULL = re.compile(rf"ALTER\s+{COLUMN}\s+SET\s+NOT\s+NULL\b", re.IGNORECASE)
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


def removes(action: str) -> bool:
    """Return whether an action drops or renames something that is no constraint."""
    return begins(action, "DROP", "RENAME") and not begins(
        action, "DROP CONSTRAINT", "RENAME CONSTRAINT"
    )


def _named(form: re.Pattern[str], action: str) -> str:
    match = form.match(action)
    return name(match["name"]) if match else ""
