"""Read a statement of PostgreSQL just far enough to know what it is about: which tables.

It knows what Alembic writes and what people write by hand in revisions; squawk has the whole
grammar, but does not say which table a finding is about.
"""

import re
from dataclasses import dataclass

# Whatever may hide a semicolon: strings, quoted names, dollar quotes, comments.
TOKEN = re.compile(
    r"""[eE]'(?:\\.|''|[^'\\])*' | '(?:''|[^'])*' | "(?:""|[^"])*" | (?P<tag>\$\w*\$).*?(?P=tag)
    | --[^\n]* | /\*.*?\*/ | [\w$]+ | . """,
    re.VERBOSE | re.DOTALL,
)
IDENTIFIER = r'(?:"(?:[^"]|"")+"|[\w$]+)'
NAME = rf"(?P<name>{IDENTIFIER}(?:\s*\.\s*{IDENTIFIER})*)"
LIST = rf"(?P<names>(?:ONLY\s+)?{IDENTIFIER}(?:\s*\.\s*{IDENTIFIER})*(?:\s*,\s*[^,;()]+)*?)"
IF_EXISTS = r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"
TRAILER = re.compile(r"\s+(?:CASCADE|RESTRICT|RESTART|CONTINUE|IN)\b.*$", re.IGNORECASE | re.DOTALL)
INDEX = rf"CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?:CONCURRENTLY\s+)?{IF_EXISTS}"
FORMS = {
    "alter table": rf"ALTER\s+TABLE\s+{IF_EXISTS}(?:ONLY\s+)?{NAME}",
    "create index": rf"{INDEX}(?:(?!ON\s){IDENTIFIER}\s+)?ON\s+(?:ONLY\s+)?{NAME}",
    "create table": r"CREATE\s+(?:(?:UNLOGGED|TEMP|TEMPORARY)\s+)?(?:TABLE|MATERIALIZED\s+VIEW)\s+"
    rf"{IF_EXISTS}{NAME}",
    "drop table": rf"DROP\s+TABLE\s+{IF_EXISTS}{LIST}\s*$",
    "drop index": rf"DROP\s+INDEX\s+(?:CONCURRENTLY\s+)?{IF_EXISTS}{LIST}\s*$",
    "truncate": rf"TRUNCATE\s+(?:TABLE\s+)?{LIST}\s*$",
    "lock": rf"LOCK\s+(?:TABLE\s+)?{LIST}\s*$",
    "update": rf"UPDATE\s+(?:ONLY\s+)?{NAME}",
    "delete": rf"DELETE\s+FROM\s+(?:ONLY\s+)?{NAME}",
    "reindex": rf"REINDEX\s+(?:\([^)]*\)\s*)?(?:TABLE|INDEX)\s+(?:CONCURRENTLY\s+)?{NAME}",
    "vacuum": rf"(?:VACUUM|CLUSTER)\s+(?:\([^)]*\)\s*)?(?:FULL\s+|VERBOSE\s+|ANALYZE\s+)*{NAME}",
}
PATTERNS = {kind: re.compile(form, re.IGNORECASE) for kind, form in FORMS.items()}
# What begins a statement in PL/pgSQL that is not its own, and what may stand before that.
VERBS = {"alter", "cluster", "create", "delete", "drop", "lock", "reindex", "truncate", "update"}
BEFORE = {"begin", "else", "loop", "then"}


@dataclass(frozen=True)
class Subject:
    """The kind of a statement ("" if it is none of FORMS) and the tables or indexes in it."""

    kind: str
    names: tuple[str, ...]


def split(sql: str) -> list[str]:
    """Return the statements in `sql`, each without its semicolon and the comments before it."""
    found, current = [], ""
    for token in TOKEN.finditer(sql):
        text = token.group()
        if text == ";":
            found.append(current.strip())
            current = ""
        elif not text.startswith(("--", "/*")):
            current += text
        else:
            current += " "
    return [statement for statement in (*found, current.strip()) if statement]


def nested(statement: str) -> list[str]:
    """Return the statements in a DO block, as far as they are not PL/pgSQL's own."""
    if not re.match(r"DO\b", statement, re.IGNORECASE):
        return []
    quoted = [match for match in TOKEN.finditer(statement) if match.group()[0] in "$'"]
    bodies = [
        match.group().removeprefix(match["tag"]).removesuffix(match["tag"])
        if match["tag"]
        else match.group()[1:-1].replace("''", "'")
        for match in quoted
    ]
    return [found for part in split(max(bodies, key=len, default="")) if (found := _inner(part))]


def _inner(part: str) -> str:
    before = "begin"
    for token in TOKEN.finditer(part):
        word = token.group().lower()
        if before in BEFORE and word in VERBS:
            return part[token.start() :]
        before = before if word.isspace() else word
    return ""


def actions(statement: str) -> list[str]:
    """Return what an ALTER TABLE does, one by one."""
    match = PATTERNS["alter table"].match(statement)
    found, current, depth = [], "", 0
    for token in TOKEN.finditer(statement[match.end() :] if match else ""):
        text = token.group()
        depth += (text == "(") - (text == ")")
        if text == "," and not depth:
            found.append(current.strip())
            current = ""
        else:
            current += text
    return [*found, current.strip()]


def subject(statement: str) -> Subject:
    """Return what a statement is about; names as PostgreSQL keeps them, without `public.`."""
    for kind, pattern in PATTERNS.items():
        text = TRAILER.sub("", statement) if "names" in pattern.groupindex else statement
        if match := pattern.match(text):
            groups = match.groupdict()
            listed = re.split(r"\s*,\s*", groups["names"]) if "names" in groups else []
            return Subject(kind, tuple(name(each) for each in listed or [groups["name"]]))
    return Subject("", ())


def name(text: str) -> str:
    """Return a name as PostgreSQL keeps it: unquoted in small letters, without `public.`."""
    only = re.sub(r"^ONLY\s+|\s*\*$", "", text.strip(), flags=re.IGNORECASE)
    parts = [part.group() for part in re.finditer(IDENTIFIER, only)]
    plain = [p[1:-1].replace('""', '"') if p.startswith('"') else p.lower() for p in parts]
    return ".".join(plain[1:] if len(plain) > 1 and plain[0] == "public" else plain)
