"""Rows that a revision cannot work with: they are ours and not those of production."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import psycopg

from migrator.trace.names import Names
from migrator.trace.place import Place
from migrator.trace.traced_statement import Step

OF_ROWS = ("21", "22", "23")  # the classes of errors that depend on them
OF_PYTHON = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
NOT_NULL = "23502"
EVERY = "*"


@dataclass
class Rows:
    """What has to be other than usual.

    `full` are tables (schema.name) to be filled without NULL, `empty` those to be left without
    rows; `*` is all of them. `failed` are by revision the steps that fail with whatever rows.
    """

    full: set[str] = field(default_factory=set)
    empty: set[str] = field(default_factory=set)
    failed: dict[str, list[Step]] = field(default_factory=dict)

    def change(self, error: "RowsDoNotFit") -> None:
        """Leave out the rows that do not fit a revision.

        If rows of any kind are, that is remembered, and what comes after it is tried without.
        """
        if error.step:
            self.failed.setdefault(error.revision, []).append(error.step)
            self.empty.add(error.table)
        elif error.table in self.full:
            self.empty.add(error.table)
        else:
            self.full.add(error.table)

    def without(self) -> list[str]:
        """Return the tables that are without rows; EVERY if it is all of them."""
        return sorted(name.removeprefix("public.") for name in self.empty)

    def remind(self, revision: str, steps: list[Step]) -> None:
        """Let the steps fail that did so with rows."""
        for failed in self.failed.get(revision, ()):
            if failed.of_python:
                steps.append(failed)
            again = [each for each in steps if _same(each, failed)]
            if again:
                again[0].error = again[0].error or failed.error
            else:
                steps.append(failed)


class RowsDoNotFit(Exception):
    """A revision fails because of the rows of `table`; `*` if the server does not say which.

    With a `step`, all rows would be in its way.
    """

    def __init__(self, revision: str, table: str, step: Step | None = None) -> None:
        self.revision, self.table, self.step = revision, table, step


def refused(
    error: BaseException | None, rows: Rows, names: Mapping[int, Names]
) -> tuple[str, bool]:
    """Return of which table the rows do not fit, if they do not; and whether none would.

    None would where a column is NULL that must not be, and that is not among those (`names`)
    that were there before.
    """
    while error and not isinstance(error, psycopg.Error):
        error = error.__cause__  # our operations and SQLAlchemy say it in their own words
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    if not isinstance(error, psycopg.Error) or not (state or "").startswith(OF_ROWS):
        return "", False
    named = error.diag.table_name
    table = f"{error.diag.schema_name}.{named}" if named else EVERY
    if table in rows.empty:  # the rows of others were copied into it
        table = EVERY
    if EVERY in rows.empty:
        return "", False
    column = ("column", table.removeprefix("public."), error.diag.column_name)
    there = {(kind, whose, name) for each in names.values()
             for (kind, *_), (whose, name) in each.items()}  # fmt: skip
    old = ("table", "", column[1]) in there
    return table, state == NOT_NULL and old and column not in there


def is_about_rows(error: BaseException, steps: Sequence[Step], rows: Rows) -> bool:
    """Return whether Python failed that had read rows: without any, the revision may go on."""
    read = any(step.read and not step.place.own for step in steps)
    return isinstance(error, OF_PYTHON) and read and EVERY not in rows.empty


def _same(one: Step, other: Step) -> bool:
    place: tuple[Place, str] = one.place, one.sql
    return place == (other.place, other.sql)
