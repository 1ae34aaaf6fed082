"""What a trigger's function does with the rows that others write, by the words of its PL/pgSQL.

libpg_query's parser of PL/pgSQL reads no function that returns a trigger.
"""

from collections.abc import Sequence
from itertools import pairwise

from migrator.postgres import sql

RAISES, RETURNS_NULL = "raises", "returns null"
SAYS = ("DEBUG", "LOG", "INFO", "NOTICE", "WARNING")  # levels of RAISE that refuse nothing
# A statement begins behind them.
STARTS = (";", "BEGIN", "THEN", "ELSE", "LOOP", ">")
# Of a column that gets the time of the change, no code expects what it wrote.
TIMES = (
    *("NOW", "CURRENT_TIMESTAMP", "CURRENT_DATE", "LOCALTIMESTAMP", "CLOCK_TIMESTAMP"),
    *("STATEMENT_TIMESTAMP", "TRANSACTION_TIMESTAMP"),
)


def effects(body: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return whether a function raises or returns NULL, and which columns of NEW it sets.

    A column that it sets only where it is NULL is one that nobody has written.
    """
    words = sql.words(body)
    facts, columns = set[str](), list[str]()
    for place, word in enumerate(words):
        before = words[place - 1] if place else ";"
        behind = words[place + 1 : place + 4]
        if before not in STARTS:
            continue
        if word == "ASSERT" or (word == "RAISE" and behind[:1] not in [(";",), *map(_one, SAYS)]):
            facts.add(RAISES)
        elif word == "RETURN" and behind[:1] == ("NULL",):
            facts.add(RETURNS_NULL)
        elif word == "NEW" and behind[:1] == (".",) and len(behind) > 1:
            column, rest = behind[1], words[place + 3 :]
            value = rest[: rest.index(";")] if ";" in rest else rest
            if not {*value} & {*TIMES} and not _fills(words, column, value):
                columns.append(column.lower())
    return frozenset(facts), tuple(dict.fromkeys(columns))


def fields(body: str) -> tuple[str, ...]:
    """Return the columns of NEW that a function names, in any of its statements.

    There are none if it looks for which table it runs, or goes on after an error.
    """
    words = sql.words(body)
    if not {"TG_TABLE_NAME", "TG_RELNAME", "TG_RELID", "EXCEPTION"}.isdisjoint(
        _outside_raise(words)
    ):
        return ()
    places = (
        place for place in range(2, len(words)) if tuple(words[place - 2 : place]) == ("NEW", ".")
    )
    return tuple(dict.fromkeys(words[place].lower() for place in places))


def _outside_raise(words: Sequence[str]) -> set[str]:
    """Return the words without the EXCEPTION of RAISE EXCEPTION."""
    return {word for before, word in pairwise(["", *words]) if before != "RAISE"}


def _one(word: str) -> tuple[str]:
    return (word,)


def _fills(words: Sequence[str], column: str, value: Sequence[str]) -> bool:
    """Return whether the value is for a column that is NULL."""
    named = ("NEW", ".", column)
    conditions = (_has(words, (*named, "IS", "NULL")), _has(value, ("COALESCE", "(", *named)))
    return any(conditions)


def _has(words: Sequence[str], wanted: Sequence[str]) -> bool:
    size = len(wanted)
    return any(tuple(words[n : n + size]) == tuple(wanted) for n in range(len(words)))
