"""CREATE TABLE of SQLite, read for what no pragma tells.

That is: names and deferrability of constraints, ON CONFLICT, COLLATE, AUTOINCREMENT, the
expressions of CHECK and of generated columns. The grammar is that of
https://www.sqlite.org/lang_createtable.html.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from migrator.sqlite.sql import Token, inside, listed, tokens, written

TABLE_LEVEL = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")
KEY = ("UNIQUE", "PRIMARY")


@dataclass
class Constraint:
    """A constraint of the table or of a column: its kind, its columns and what else it says."""

    kind: str
    columns: tuple[str, ...] = ()
    name: str = ""
    condition: str = ""
    on_conflict: str = ""
    references: str = ""


@dataclass
class Column:
    """What a column definition says beside its type, NOT NULL and DEFAULT."""

    collation: str = ""
    generated: str = ""
    not_null_conflict: str = ""


@dataclass
class CreateTable:
    """The statement, by column and by constraint."""

    columns: dict[str, Column] = field(default_factory=dict)
    constraints: list[Constraint] = field(default_factory=list)
    autoincrement: bool = False


def parse(sql: str) -> CreateTable:
    """Read a CREATE TABLE statement as sqlite_master has it."""
    found = tokens(sql)
    table = CreateTable()
    opening = next((n for n, token in enumerate(found) if token == Token("other", "(")), None)
    if opening is None:  # CREATE TABLE ... AS SELECT is stored with its columns
        return table
    body, _ = inside(found, opening)
    for item in listed(body):
        if item and item[0].is_word(*TABLE_LEVEL):
            _constraints(item, table, "")
        elif item:
            table.columns[item[0].text] = Column()
            _constraints(item[1:], table, item[0].text)
    return table


def _constraints(item: Sequence[Token], table: CreateTable, column: str) -> None:
    """Read the constraints in `item`; those of a column follow its type."""
    place, name = 0, ""
    own = table.columns.get(column, Column())
    while place < len(item):
        token = item[place]
        if token.is_word("CONSTRAINT"):
            name, place = item[place + 1].text, place + 2
            continue
        if token.is_word("CHECK", "AS"):
            expression, place = inside(item, place + 1)
            if token.is_word("CHECK"):
                table.constraints.append(
                    Constraint("check", name=name, condition=written(expression))
                )
            else:
                own.generated = written(expression)
        elif token.is_word(*KEY) and (
            token.is_word("UNIQUE") or (place + 1 < len(item) and item[place + 1].is_word("KEY"))
        ):
            place = _key(item, place, table, column, name)
        elif token.is_word("REFERENCES", "FOREIGN"):
            place = _foreign_key(item, place, table, column, name)
        elif token.is_word("COLLATE"):
            own.collation, place = item[place + 1].text.upper(), place + 2
        elif token.is_word("NOT"):
            own.not_null_conflict, place = _conflict(item, place + 2)
        elif token.is_word("AUTOINCREMENT"):
            table.autoincrement, place = True, place + 1
        elif token == Token("other", "("):
            _, place = inside(item, place)  # of a type or a default
        else:
            place += 1
            continue
        name = ""


def _key(item: Sequence[Token], place: int, table: CreateTable, column: str, name: str) -> int:
    kind = "unique" if item[place].is_word("UNIQUE") else "primary key"
    place += 1 if kind == "unique" else 2
    columns: tuple[str, ...] = (column,)
    if place < len(item) and item[place] == Token("other", "("):
        names, place = inside(item, place)
        columns = tuple(_key_column(part) for part in listed(names) if part)
    elif place < len(item) and item[place].is_word("ASC", "DESC"):
        if item[place].is_word("DESC"):
            columns = (f"{column} desc",)
        place += 1
    conflict, place = _conflict(item, place)
    table.constraints.append(Constraint(kind, columns, name, on_conflict=conflict))
    return place


def _key_column(part: Sequence[Token]) -> str:
    """Return the name, with COLLATE and DESC if the key says so."""
    return " ".join(filter(None, [part[0].text, written(part[1:]).removesuffix("asc").strip()]))


def _foreign_key(
    item: Sequence[Token], place: int, table: CreateTable, column: str, name: str
) -> int:
    """Read to the end of the clause: a column's other constraints may follow it."""
    columns: tuple[str, ...] = (column,)
    if item[place].is_word("FOREIGN"):
        names, place = inside(item, place + 2)
        columns = tuple(part[0].text for part in listed(names) if part)
    start, place = place, place + 2
    while place < len(item) and not item[place].is_word("CONSTRAINT", "CHECK", "UNIQUE", "PRIMARY"):
        if item[place] == Token("other", "("):
            _, place = inside(item, place)
        elif _ends_reference(item, place):
            break
        else:
            place += 1
    said = written(item[start:place])
    table.constraints.append(Constraint("foreign key", columns, name, references=said))
    return place


def _ends_reference(item: Sequence[Token], place: int) -> bool:
    token, after = item[place], item[place + 1 : place + 2]
    if token.is_word("DEFAULT"):  # but ON DELETE SET DEFAULT does not
        return not item[place - 1].is_word("SET")
    if token.is_word("NOT"):  # but NOT DEFERRABLE does not
        return not (after and after[0].is_word("DEFERRABLE"))
    return token.is_word("COLLATE", "AS", "GENERATED")


def _conflict(item: Sequence[Token], place: int) -> tuple[str, int]:
    if place + 2 < len(item) and item[place].is_word("ON") and item[place + 1].is_word("CONFLICT"):
        return item[place + 2].text.lower(), place + 3
    return "", place
