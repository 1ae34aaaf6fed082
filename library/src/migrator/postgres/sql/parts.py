"""The parts of a statement that an operation takes as arguments; nothing where one is not known."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from migrator.postgres.sql.names import IDENTIFIER, QUALIFIED, identifiers, plain
from migrator.postgres.sql.subjects import INDEX
from migrator.postgres.sql.tokens import bare, tokens

FLAGS = re.IGNORECASE | re.DOTALL
INDEX_START = re.compile(rf"{INDEX}\s*(?:USING\s+(?P<method>\w+)\s*)?(?=\()", FLAGS)
UNIQUE_INDEX = re.compile(r"CREATE\s+UNIQUE\b", re.IGNORECASE)
WHERE = re.compile(r"\s*WHERE\s+(?P<condition>.*)$", FLAGS)
NAMED = rf"ADD\s+(?:CONSTRAINT\s+(?P<name>{IDENTIFIER})\s+)?"
FOREIGN_KEY = re.compile(rf"{NAMED}FOREIGN\s+KEY\s*(?=\()", FLAGS)
REFERENCES = re.compile(rf"\s*REFERENCES\s+(?P<table>{QUALIFIED})\s*(?=\()", FLAGS)
ON_DELETE = re.compile(r"\s*ON\s+DELETE\s+(CASCADE|SET\s+NULL|SET\s+DEFAULT|RESTRICT)\s*$", FLAGS)
CHECK = re.compile(rf"{NAMED}CHECK\s*(?=\()", FLAGS)
UNIQUE = re.compile(rf"{NAMED}UNIQUE\s*(?=\()", FLAGS)
UPDATE = re.compile(rf"UPDATE\s+(?:ONLY\s+)?(?P<table>{QUALIFIED})\s+SET\s+", FLAGS)
ASSIGNMENT = re.compile(rf"\s*(?P<column>{IDENTIFIER})\s*=(?P<value>.*)$", FLAGS)
ADD_COLUMN = re.compile(
    rf"ADD\s+(?:COLUMN\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(?P<column>{IDENTIFIER})\s+(?P<type>.*?)"
    r"(?:\s+NOT\s+NULL)?\s*$",
    FLAGS,
)
DROP_INDEX = re.compile(
    rf"DROP\s+INDEX\s+(?:CONCURRENTLY\s+)?(?:IF\s+EXISTS\s+)?(?P<name>{QUALIFIED})\s*$", FLAGS
)
NOT_NULL = re.compile(
    rf"ALTER\s+(?:COLUMN\s+)?(?P<column>{IDENTIFIER})\s+SET\s+NOT\s+NULL\s*$", FLAGS
)
RENAME = re.compile(
    rf"RENAME\s+(?:COLUMN\s+)?(?P<old>{IDENTIFIER})\s+TO\s+(?P<new>{IDENTIFIER})\s*$", FLAGS
)


@dataclass(frozen=True)
class Index:
    """An index as CREATE INDEX describes it."""

    name: str
    table: tuple[str, ...]
    columns: tuple[str, ...]
    unique: bool
    method: str
    where: str


@dataclass(frozen=True)
class Constraint:
    """A constraint as ADD CONSTRAINT describes it; `target` is what a foreign key refers to."""

    name: str
    columns: tuple[str, ...] = ()
    condition: str = ""
    target: tuple[str, ...] = ()
    target_columns: tuple[str, ...] = ()
    on_delete: str = ""


@dataclass(frozen=True)
class Update:
    """An UPDATE of one table, without FROM and RETURNING."""

    table: tuple[str, ...]
    values: tuple[tuple[str, str], ...]
    where: str


def index(statement: str) -> Index | None:
    """Return the index that a CREATE INDEX describes."""
    statement = bare(statement)
    match = INDEX_START.match(statement)
    if not match or not match["index"]:
        return None
    inside, rest = _brackets(statement[match.end() :])
    where = WHERE.match(rest)
    if rest.strip() and not where:  # INCLUDE, WITH, TABLESPACE
        return None
    return Index(
        plain(match["index"]),
        identifiers(match["name"]),
        tuple(_items(inside)),
        bool(UNIQUE_INDEX.match(statement)),
        (match["method"] or "").lower(),
        where["condition"].strip() if where else "",
    )


def foreign_key(action: str) -> Constraint | None:
    """Return the foreign key that an action of ALTER TABLE adds."""
    match = FOREIGN_KEY.match(action)
    if not match or not match["name"]:
        return None
    columns, rest = _brackets(action[match.end() :])
    references = REFERENCES.match(rest)
    if not references:
        return None
    targets, rest = _brackets(rest[references.end() :])
    on_delete = ON_DELETE.match(rest)
    if rest.strip() and not on_delete:
        return None
    return Constraint(
        plain(match["name"]),
        _names(columns),
        target=identifiers(references["table"]),
        target_columns=_names(targets),
        on_delete=" ".join(on_delete[1].upper().split()) if on_delete else "",
    )


def check(action: str) -> Constraint | None:
    """Return the CHECK constraint that an action of ALTER TABLE adds."""
    match = CHECK.match(action)
    inside, rest = _brackets(action[match.end() :]) if match else ("", "")
    if not match or not match["name"] or rest.strip():
        return None
    return Constraint(plain(match["name"]), condition=inside.strip())


def unique(action: str) -> Constraint | None:
    """Return the UNIQUE constraint that an action of ALTER TABLE adds."""
    match = UNIQUE.match(action)
    inside, rest = _brackets(action[match.end() :]) if match else ("", "")
    if not match or not match["name"] or rest.strip():
        return None
    return Constraint(plain(match["name"]), _names(inside))


def added_column(action: str) -> tuple[str, str] | None:
    """Return the column that an action adds and its type, if that is all that it says of it."""
    match = ADD_COLUMN.match(action)
    if not match or re.search(
        r"\b(?:DEFAULT|REFERENCES|CHECK|UNIQUE|PRIMARY|GENERATED|COLLATE|CONSTRAINT)\b",
        match["type"],
        re.IGNORECASE,
    ):
        return None
    return plain(match["column"]), " ".join(match["type"].split())


def dropped_index(statement: str) -> tuple[str, ...]:
    """Return the index that a DROP INDEX drops, if it drops one."""
    match = DROP_INDEX.match(bare(statement))
    return identifiers(match["name"]) if match else ()


def required_column(action: str) -> str:
    """Return the column that an action makes NOT NULL."""
    match = NOT_NULL.match(action)
    return plain(match["column"]) if match else ""


def renamed_column(action: str) -> tuple[str, str] | None:
    """Return the old and the new name of the column that an action renames."""
    match = RENAME.match(action)
    return (plain(match["old"]), plain(match["new"])) if match else None


def update(statement: str) -> Update | None:
    """Return what an UPDATE sets, if it reads no other table."""
    statement = bare(statement)
    match = UPDATE.match(statement)
    if not match:
        return None
    assigned, where = _at_word(statement[match.end() :], "WHERE")
    if any(_at_word(text, word)[1] for text in (assigned, where) for word in ("FROM", "RETURNING")):
        return None
    found = [ASSIGNMENT.match(each) for each in _items(assigned)]
    values = [(plain(one["column"]), one["value"].strip()) for one in found if one]
    if len(values) < len(found) or not values:
        return None
    return Update(identifiers(match["table"]), tuple(values), where.strip())


def _brackets(text: str) -> tuple[str, str]:
    """Return what is in the brackets that a text begins with, and what is behind them."""
    depth, at = 0, 0
    for _, token in tokens(text):
        depth += (token == "(") - (token == ")")
        at += len(token)
        if not depth:
            break
    return text[1 : at - 1], text[at:]


def _items(text: str) -> Iterator[str]:
    depth, item = 0, ""
    for _, token in tokens(text):
        depth += (token == "(") - (token == ")")
        if token == "," and not depth:
            yield item.strip()
            item = ""
        else:
            item += token
    yield item.strip()


def _names(text: str) -> tuple[str, ...]:
    return tuple(plain(each) for each in _items(text))


def _at_word(text: str, word: str) -> tuple[str, str]:
    """Return what is before and behind a word outside of brackets."""
    depth, at = 0, 0
    for kind, token in tokens(text):
        depth += (token == "(") - (token == ")")
        if kind == "word" and not depth and token.upper() == word:
            return text[:at], text[at + len(token) :]
        at += len(token)
    return text, ""
