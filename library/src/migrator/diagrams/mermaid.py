"""An entity-relationship diagram in Mermaid, which GitHub and GitLab draw.

They do not draw with Mermaid's newest version, so this keeps to what version 10 takes: names of
columns are ASCII there, and a type has no comma. What cannot be written is in the comment beside.
"""

import re
from collections.abc import Collection, Iterator

from migrator.diagrams.entities import Column, Name, Reference, Table

COLUMNS = 100  # of one table
COMMENT = 80  # characters of a column's comment
DEFAULT_SCHEMA = "public"
# PostgreSQL's own short names.
SHORT = {
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "time with time zone": "timetz",
    "time without time zone": "time",
    "double precision": "float8",
    "character varying": "varchar",
    "bit varying": "varbit",
    "character": "char",
}
LONG = re.compile(
    r"^(timestamp|time|double precision|character varying|bit varying|character)"
    r"(\(\d+\))?( with(?:out)? time zone)?(?=\W|$)"
)
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_\-\[\]()]*")
NO_WORD = re.compile(r"[^A-Za-z0-9_]")
# Mermaid would take them for keys, also as the beginning of a name.
KEYS = re.compile(r"(?:pk|fk|uk)\b", re.IGNORECASE)
# What ends a text, begins a directive, an entity, a tag or a formula, is Markdown in a label, or is
# taken for the statement `direction TB` anywhere in a line.
SPECIAL = re.compile(
    r'["%\\#;&<>`*~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])| (?=TB|BT|RL|LR)', re.IGNORECASE
)
EMPHASIS = re.compile("_.*_")


def diagram(tables: Collection[Table]) -> list[str]:
    """Return the lines of a diagram. A table that these refer to is a box without columns."""
    lines = ["erDiagram"]
    for table in tables:
        lines += _entity(table)
    for table in tables:
        lines += (_relationship(table.name, each) for each in table.references)
    return lines


def name(table: Name) -> str:
    """Return a table's name; one with a dot in a part has quotes around that part."""
    parts = table[1:] if len(table) > 1 and table[0] == DEFAULT_SCHEMA else table
    return ".".join(f'"{part}"' if "." in part else part for part in parts)


def _entity(table: Table) -> Iterator[str]:
    yield f"    {_quoted(name(table.name))} {{"
    for column in table.columns[:COLUMNS]:
        yield f"        {_attribute(column)}"
    if (left := len(table.columns) - COLUMNS) > 0:
        yield f'        and more "{left} more columns"'
    yield "    }"


def _attribute(column: Column) -> str:
    kind, whole = _type(column.type)
    word = _word(column.name)
    words = [
        column.name if word != column.name or EMPHASIS.fullmatch(word) else "",
        whole,
        "nullable" if column.nullable else "",
        _shortened(column.comment),
    ]
    said = "; ".join(filter(None, words))
    keys = f" {', '.join(column.keys)}" if column.keys else ""
    return f"{kind} {word}{keys}" + (f" {_quoted(said)}" if said else "")


def _type(written: str) -> tuple[str, str]:
    """Return a type as one word, and all of it if the word does not say it."""
    short = LONG.sub(_short, written)
    if WORD.fullmatch(short) and not KEYS.match(short):
        return short, ""
    bare = re.sub(r"\(.*?\)", "", short)
    word = _word(NO_WORD.sub("_", bare.removesuffix("[]")).strip("_") or "any")
    return word + ("[]" if bare.endswith("[]") else ""), short


def _short(match: re.Match[str]) -> str:
    whole = f"{match[1]}{match[3] or ''}"
    return f"{SHORT.get(whole, whole)}{match[2] or ''}"


def _word(text: str) -> str:
    """Return a name as Mermaid takes it."""
    word = NO_WORD.sub("_", text)
    if word != text:
        word = word.strip("_")
    return word if word[:1].isalpha() and not KEYS.fullmatch(word) else f"_{word}"


def _relationship(table: Name, reference: Reference) -> str:
    one = "|o" if reference.optional else "||"
    many = "o|" if reference.unique else "o{"
    said = _quoted(", ".join(reference.columns))
    return f"    {_quoted(name(reference.to))} {one}--{many} {_quoted(name(table))} : {said}"


def _quoted(text: str) -> str:
    escaped = SPECIAL.sub(lambda match: f"#{ord(match[0])};", " ".join(text.split()))
    return f'"{escaped or " "}"'


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= COMMENT else f"{line[: COMMENT - 3]}..."
