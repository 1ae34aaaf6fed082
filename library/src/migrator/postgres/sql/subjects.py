"""Which tables and indexes a statement is about.

It knows what Alembic writes and what people write by hand in revisions. The parser of lint has the
whole grammar, but takes too long to start for a command that says one thing.
"""

import re

from migrator.postgres.sql.names import IDENTIFIER, QUALIFIED
from migrator.postgres.sql.tokens import bare, begins, has, tokens

NAME = rf"(?P<name>{QUALIFIED})"
ITEM = rf"(?:ONLY\s+)?{QUALIFIED}(?:\s*\*)?"
LIST = rf"(?P<names>{ITEM}(?:\s*,\s*{ITEM})*)"
IF_EXISTS = r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"
INDEX = (
    rf"CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?:CONCURRENTLY\s+)?{IF_EXISTS}"
    rf"(?:(?!ON\s)(?P<index>{QUALIFIED})\s+)?ON\s+(?:ONLY\s+)?{NAME}"
)
FORMS = {
    "alter table": rf"ALTER\s+TABLE\s+{IF_EXISTS}(?:ONLY\s+)?{NAME}",
    "create index": INDEX,
    "drop table": rf"DROP\s+TABLE\s+{IF_EXISTS}{LIST}",
}
PATTERNS = {kind: re.compile(form, re.IGNORECASE) for kind, form in FORMS.items()}
DROPPED_COLUMN = re.compile(
    rf"DROP\s+(?!CONSTRAINT\b)(?:COLUMN\s+)?{IF_EXISTS}({IDENTIFIER})", re.IGNORECASE
)


def _written(statement: str) -> tuple[str, list[str]]:
    """Return the kind of a statement and the names in it, as written."""
    statement = bare(statement)
    for kind, pattern in PATTERNS.items():
        if match := pattern.match(statement):
            groups = match.groupdict()
            if "names" in groups:
                return kind, re.findall(ITEM, groups["names"], re.IGNORECASE)
            return kind, [groups["name"]]
    return "", []


def altered_table(statement: str) -> str:
    """Return the table that an ALTER TABLE is about, as written, or nothing."""
    kind, written = _written(statement)
    return written[0] if kind == "alter table" else ""


def actions(statement: str) -> list[str]:
    """Return what an ALTER TABLE does, one by one."""
    statement = bare(statement)
    match = PATTERNS["alter table"].match(statement)
    found, depth = [""], 0
    for _, text in tokens(statement[match.end() :] if match else ""):
        depth += (text == "(") - (text == ")")
        if text == "," and not depth:
            found.append("")
        else:
            found[-1] += text
    return [action.strip() for action in found]


def concurrent_index(statement: str) -> tuple[str, str] | None:
    """Return the index and the table of CREATE INDEX CONCURRENTLY, as written, if it names both."""
    match = PATTERNS["create index"].match(bare(statement))
    if not match or not match["index"] or not has(statement, "INDEX CONCURRENTLY"):
        return None
    return match["index"], match["name"]


def index_form(definition: str) -> tuple[bool, str]:
    """Return whether an index is unique, and what it is on, without what is only spelling."""
    on = re.search(r"(?:USING\s+\w+\s*)?\(.*", definition, re.IGNORECASE | re.DOTALL)
    text = re.sub(r"^USING\s+btree", "", on[0] if on else definition, flags=re.IGNORECASE)
    return begins(definition, "CREATE UNIQUE"), re.sub(r"[\s\"]", "", text).lower()


def dropped_tables(statement: str) -> list[str]:
    """Return the tables that a DROP TABLE takes, as written."""
    kind, written = _written(statement)
    return [each.strip() for each in written] if kind == "drop table" else []


def dropped_columns(statement: str) -> list[tuple[str, str]]:
    """Return the columns that an ALTER TABLE drops, each with its table, as written."""
    kind, written = _written(statement)
    if kind != "alter table":
        return []
    found = (DROPPED_COLUMN.match(action) for action in actions(statement))
    return [(written[0], match[1]) for match in found if match]
