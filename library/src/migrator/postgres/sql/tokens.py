"""SQL as tokens: strings, quoted names, comments and words, and what is made of them."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

# Whatever may hide a semicolon comes first.
TOKEN = re.compile(
    r"""(?P<string> [eE]'(?:\\.|''|[^'\\])*' | '(?:''|[^'])*')
    | (?P<quoted> "(?:""|[^"])*")
    | (?P<dollar> (?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag))
    | (?P<comment> --[^\n]* | /\*)
    | (?P<word> [\w$]+)
    | (?P<space> \s+)
    | (?P<other> .)""",
    re.VERBOSE | re.DOTALL,
)
COMMENT_EDGE = re.compile(r"/\*|\*/")
# What `words` has in place of a string and of a quoted name.
STRING, QUOTED = "'", '"'


class Token(NamedTuple):
    """A piece of SQL; `kind` is string, quoted, dollar, comment, word, space or other."""

    kind: str
    text: str


def tokens(sql: str) -> Iterator[Token]:
    """Yield the tokens of `sql`; their texts together are `sql` again."""
    start = 0
    while match := TOKEN.match(sql, start):
        end = match.end()
        if match.group() == "/*":
            end = _end_of_comment(sql, end)
        yield Token(str(match.lastgroup if match.lastgroup != "tag" else "dollar"), sql[start:end])
        start = end


def _end_of_comment(sql: str, start: int) -> int:
    """Return where a block comment ends; PostgreSQL's may hold others."""
    depth = 1
    for edge in COMMENT_EDGE.finditer(sql, start):
        depth += 1 if edge.group() == "/*" else -1
        if not depth:
            return edge.end()
    return len(sql)


def split(sql: str, *, comments: bool = False) -> list[str]:
    """Return the statements in `sql`, each without its semicolon.

    Args:
        comments: keep them; else a space replaces each.
    """
    found, depth, before = [""], 0, ""
    for kind, text in tokens(sql):
        if kind == "word":  # BEGIN ATOMIC ... END is the body of a function, with semicolons in it
            word = text.upper()
            if depth:
                depth += {"CASE": 1, "END": -1}.get(word, 0)
            elif (before, word) == ("BEGIN", "ATOMIC"):
                depth = 1
            before = word
        if text == ";" and not depth:
            found.append("")
        else:
            found[-1] += " " if kind == "comment" and not comments else text
    return [statement.strip() for statement in found if statement.strip()]


def bare(statement: str) -> str:
    """Return a statement without the space and the comments before it."""
    rest = statement
    for kind, text in tokens(statement):
        if kind not in ("space", "comment"):
            break
        rest = rest[len(text) :]
    return rest


@lru_cache(maxsize=4096)
def words(statement: str) -> tuple[str, ...]:
    """Return the words of a statement in capitals, and its punctuation, without comments.

    A string is a STRING and a quoted name is QUOTED, so that what is in them is taken for no word.
    """
    replaced = {"string": STRING, "dollar": STRING, "quoted": QUOTED}
    return tuple(
        replaced.get(kind, text.upper())
        for kind, text in tokens(statement)
        if kind not in ("space", "comment")
    )


def begins(statement: str, *phrases: str) -> bool:
    """Return whether a statement begins with one of the phrases, as `DROP TABLE`."""
    found = words(statement)
    return any(found[: len(wanted)] == wanted for wanted in map(_phrase, phrases))


def has(statement: str, *phrases: str) -> bool:
    """Return whether a statement has one of the phrases, outside strings and comments."""
    found = words(statement)
    return any(
        found[start : start + len(wanted)] == wanted
        for wanted in map(_phrase, phrases)
        for start in range(len(found) - len(wanted) + 1)
    )


def _phrase(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def body(statement: str) -> str:
    """Return the code in a DO block; nothing if the statement is none."""
    if not begins(statement, "DO"):
        return ""
    found = [text for kind, text in tokens(statement) if kind in ("string", "dollar")]
    quoted = max(found, key=len, default="''")
    if not quoted.startswith("$"):
        return quoted.lstrip("eE")[1:-1].replace("''", "'")
    tag = quoted[: quoted.index("$", 1) + 1]
    return quoted.removeprefix(tag).removesuffix(tag)
