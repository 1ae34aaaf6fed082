"""Constants, types and parameters in SQL."""

import re

CONSTANT = re.compile(r"'((?:[^']|'')*)'|(?<![\w.\"'])(-?\d+(?:\.\d+)?)")
# psycopg's forms of a parameter.
PARAMETER = re.compile(r"%(?:\(\w+\))?[sbt](?!\w)")
# What SQLAlchemy's text() takes for a parameter.
BIND = re.compile(r"(?<![:\w\\]):(?=\w+(?![:\w]))")


def constants(expression: str) -> list[str]:
    """Return the texts and numbers in an expression, each once, in their order."""
    found = (text.replace("''", "'") or digits for text, digits in CONSTANT.findall(expression))
    return list(dict.fromkeys(found))


def base_type(kind: str) -> str:
    """Return a type without the numbers in brackets, as `numeric` for `numeric(4,2)`."""
    return re.sub(r"\(.*\)", "", kind)


def length(kind: str) -> int:
    """Return the length in brackets of a type, as 4 for `bit(4)`; 1 if it has none."""
    found = re.search(r"\((\d+)\)", kind)
    return int(found[1]) if found else 1


def digits(kind: str) -> tuple[int, int]:
    """Return how many digits a numeric type has before and after the point."""
    found = re.search(r"\((\d+)(?:,\s*(-?\d+))?\)", kind)
    precision, scale = (int(found[1]), int(found[2] or 0)) if found else (1, 0)
    return max(precision - scale, 0), max(scale, 0)


def numbered(statement: str) -> str:
    """Return a statement with $1 for each parameter of psycopg, which is SQL."""
    return PARAMETER.sub("$1", statement)


def for_text(statement: str) -> str:
    """Return a statement as SQLAlchemy's text() takes it: without parameters."""
    return BIND.sub(r"\\:", statement)
