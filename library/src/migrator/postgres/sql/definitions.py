"""Definitions of indexes and constraints, as the catalog has them."""

import re
from collections.abc import Iterator

from migrator.postgres.sql.names import IDENTIFIER, identifiers
from migrator.postgres.sql.tokens import begins, tokens

KEYS = ("UNIQUE", "PRIMARY KEY")
ATTRIBUTES = ("DEFERRABLE", "INITIALLY", "NOT")  # NOT DEFERRABLE
OF_COLUMNS = re.compile(
    rf"USING \w+ \((?P<columns>{IDENTIFIER}(?:, {IDENTIFIER})*)\)"
    r"(?: INCLUDE \([^)]*\))?(?: NULLS NOT DISTINCT)?"
)
# Functions that SQL has a syntax for, as the catalog of PostgreSQL 14 and newer writes their calls.
SYNTAX = re.compile(
    r"\b(EXTRACT|NORMALIZE|OVERLAY|POSITION|SUBSTRING|TRIM|COLLATION FOR) ?\("
    r"| AT TIME ZONE | OVERLAPS | IS (NOT )?(NF\w+ )?NORMALIZED\b"
)
NOT_DISTINCT = ["NULLS", "NOT", "DISTINCT"]


def index_definition(statement: str, index: str, table: str) -> str:
    """Return what a CREATE INDEX of the catalog has after the table: `USING btree (...)`.

    Args:
        index: its name, as the catalog has it.
        table: likewise.
    """
    rest = statement.split(" INDEX ", 1)[-1]
    for name in (index, table):
        rest = rest.split(name.replace('"', '""'), 1)[-1]
    return f"USING {rest.split(' USING ', 1)[-1]}"


def index_columns(definition: str) -> tuple[str, ...]:
    """Return the columns of an index of whole columns for all rows, nothing of another one.

    Args:
        definition: what `index_definition` returns.
    """
    match = OF_COLUMNS.fullmatch(definition)
    return identifiers(match["columns"]) if match else ()


def calls_as_syntax(expression: str) -> bool:
    """Return whether a definition calls a function that SQL has a syntax for."""
    return SYNTAX.search(expression) is not None


def is_key(definition: str) -> bool:
    """Return whether a constraint is UNIQUE or a primary key, which can be made of an index."""
    return begins(definition, *KEYS)


def key_index(definition: str) -> tuple[str, str]:
    """Return the definition of the index of a UNIQUE constraint or a primary key, and the rest.

    The rest is what only the constraint has: `DEFERRABLE INITIALLY DEFERRED`.
    """
    words: list[str] = []
    index, depth, at = "", 0, 0
    for kind, text in tokens(definition):
        depth += (text == "(") - (text == ")")
        if kind == "word" and not depth and index and text.upper() in ATTRIBUTES:
            return _with_nulls(index, words), definition[at:].strip()
        if depth or index:
            index += text
        elif kind == "word":
            words.append(text.upper())
        at += len(text)
    return _with_nulls(index, words), ""


def _with_nulls(index: str, words: list[str]) -> str:
    nulls = " NULLS NOT DISTINCT" if words[-3:] == NOT_DISTINCT else ""
    return f"USING btree {index.strip()}{nulls}"


def repeatable(definition: str) -> str:
    """Return a definition that PostgreSQL, when it has read it, writes as this one.

    It writes `b IN ('x')` as `b::text = ANY ((ARRAY['x'::character varying])::text[])`, and reads
    that as a cast of each element, unless the array has a cast of its own.
    """
    found = list(tokens(definition))
    written, start = "", 0
    for at, end in _arrays([each.text for each in found]):
        body = "".join(each.text for each in found[at:end])
        kind = body.rpartition("::")[2]
        cast = f"::{kind}[]" if "::" in body and kind.replace(" ", "").isalnum() else ""
        written += "".join(each.text for each in found[start:end]) + "]" + cast
        start = end + 1
    return written + "".join(each.text for each in found[start:])


def _arrays(texts: list[str]) -> Iterator[tuple[int, int]]:
    """Yield where the elements of each array begin and end whose parentheses have a cast."""
    for start, text in enumerate(texts[:-1]):
        if text.upper() == "ARRAY" and texts[start + 1] == "[" and "]" in texts[start:]:
            end = texts.index("]", start)
            if texts[end + 1 : end + 4] == [")", ":", ":"]:
                yield start + 2, end
