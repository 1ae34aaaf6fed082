"""Read SQLite's SQL: the only place where a regular expression looks at it.

Names have four forms of quotes: https://www.sqlite.org/lang_keywords.html.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

TOKEN = re.compile(
    r"(?P<space>\s+|--[^\n]*|/\*.*?\*/)"
    r"|(?P<text>[xX]?'(?:[^']|'')*')"
    r'|(?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])'
    r"|(?P<word>[^\W\d][\w$]*)"
    r"|(?P<other>[\d.]+(?:[eE][+-]?\d+)?|<=|>=|<>|!=|==|\|\||->>|->|<<|>>|.)",
    re.DOTALL,
)
PIECE = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|\w+|[^\w\s]""")
UNIQUE_INDEX = re.compile(r"create unique index .*? \( (?P<columns>[^()]+) \)")
DEFAULT = re.compile(r"\bDEFAULT \( (\S+) \)", re.IGNORECASE)


class Token(NamedTuple):
    """`text` is without the quotes of an identifier; `kind` is text, quoted, word or other."""

    kind: str
    text: str

    def is_word(self, *words: str) -> bool:
        """Tell whether it is one of these keywords."""
        return self.kind == "word" and self.text.upper() in words


def tokens(sql: str) -> list[Token]:
    """Return the tokens of `sql`, without spaces and comments."""
    return list(_tokens(sql))


def written(found: Sequence[Token]) -> str:
    """Return tokens as one text, the same however they were spaced and quoted."""
    return " ".join(token.text if token.kind == "text" else token.text.lower() for token in found)


def listed(found: Sequence[Token]) -> list[list[Token]]:
    """Split tokens at the commas that are in no parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in found:
        depth += (token.text == "(") - (token.text == ")") if token.kind == "other" else 0
        if token == Token("other", ",") and not depth:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def inside(found: Sequence[Token], start: int) -> tuple[Sequence[Token], int]:
    """Return what is in the parentheses that open at `start`, and the place behind them."""
    depth = 0
    for place in range(start, len(found)):
        if found[place].kind == "other":
            depth += (found[place].text == "(") - (found[place].text == ")")
        if not depth:
            return found[start + 1 : place], place + 1
    return found[start + 1 :], len(found)


def _tokens(sql: str) -> Iterator[Token]:
    for match in TOKEN.finditer(sql):
        kind, text = str(match.lastgroup), match.group()
        if kind == "quoted":
            end = text[-1]
            yield Token(kind, text[1:-1].replace(end * 2, end))
        elif kind != "space":
            yield Token(kind, text)


def quoted(name: str) -> str:
    """Return a name as SQL can always have it."""
    return '"' + name.replace('"', '""') + '"'


def laid_out(sql: str) -> str:
    """Return a statement with one space between its words, CREATE TABLE with a line for each part.

    Comments go; what is in quotes stays as it is.
    """
    parts, depth = [""], 0
    for match in TOKEN.finditer(sql):
        text = " " if match.lastgroup == "space" else match.group()
        other = match.lastgroup == "other"
        depth += (text == "(") - (text == ")") if other else 0
        ends = other and not depth and text == ")"
        if ends and len(parts) > 1:
            parts.append("")
        parts[-1] += "" if text == " " and parts[-1].endswith((" ", "(")) else text
        if other and (
            (text == "(" and depth == 1 and len(parts) == 1) or (text, depth) == (",", 1)
        ):
            parts.append("")
    if not sql.lstrip().upper().startswith("CREATE TABLE"):
        return "".join(parts).strip()
    first, *body, last = [part.strip() for part in parts]
    return "\n".join([first, *(f"    {part}" for part in body), last])


def unique_index_columns(definition: str) -> tuple[str, ...]:
    """Return the columns of a unique index of whole columns for all rows, nothing of another one.

    Args:
        definition: its statement, as `written` returns it.
    """
    match = UNIQUE_INDEX.fullmatch(definition)
    return tuple(match["columns"].split(" , ")) if match else ()


def pieces(statement: str) -> list[str]:
    """Return the words, strings and names of a statement as they are written."""
    return PIECE.findall(statement)


def plain_defaults(words: str) -> str:
    """Return tokens joined by spaces without the parentheses that Alembic adds to a DEFAULT."""
    return DEFAULT.sub(r"DEFAULT \1", words)
