"""What one action of an ALTER TABLE does to a column."""

import re

from migrator.postgres.sql.names import IDENTIFIER

COLUMN = rf"(?:COLUMN\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>{IDENTIFIER})"
TYPE = re.compile(
    rf"ALTER\s+{COLUMN}\s+(?:SET\s+DATA\s+)?TYPE\s+(?P<type>.*?)"
    r"(?:\s+COLLATE\s+\S+)?(?:\s+USING\s+(?P<using>.*))?$",
    re.IGNORECASE | re.DOTALL,
)


def retyped(action: str) -> tuple[str, str, str] | None:
    """Return the column that gets another type, as written, the type, and what USING says."""
    match = TYPE.match(action)
    return (match["name"], match["type"], match["using"] or "") if match else None
