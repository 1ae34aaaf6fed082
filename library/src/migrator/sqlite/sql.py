"""Read SQLite's SQL: the only place where a regular expression looks at it."""

import re

TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|\w+|[^\w\s]""")
DEFAULT = re.compile(r"\bDEFAULT \( (\S+) \)", re.IGNORECASE)


def tokens(statement: str) -> list[str]:
    """Return the words, strings and names of a statement as they are written."""
    return TOKEN.findall(statement)


def plain_defaults(words: str) -> str:
    """Return tokens joined by spaces without the parentheses that Alembic adds to a DEFAULT."""
    return DEFAULT.sub(r"DEFAULT \1", words)
