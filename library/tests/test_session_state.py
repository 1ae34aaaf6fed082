"""The rule about settings that outlive their revision, and a lock timeout that is off."""

import pytest

from migrator.lint.candidate import Candidate, Placed
from migrator.lint.rendering import Statement
from migrator.lint.rules import ALL
from migrator.lint.statements import read
from migrator.trace.place import Place


def is_found(statement: str, later: tuple[str, ...]) -> bool:
    """Whether an action of the statement breaks the rule, with these statements behind it."""
    rule = ALL["session-state"].action
    assert rule
    behind = tuple(
        Placed(action, Statement(text, Place(1, False)), 0)
        for text in later
        for action in read(text).actions
    )
    return any(rule(Candidate(action, later=behind)) for action in read(statement).actions)


@pytest.mark.parametrize(
    "statement",
    [
        "SET lock_timeout = 0",
        "SET LOCAL lock_timeout = 0",
        "SET LOCAL lock_timeout TO '0ms'",
        "SELECT set_config('lock_timeout', '0', true)",
        "SELECT pg_catalog.set_config('search_path', '', false)",
        "SET search_path = other, public",
        "SET SESSION search_path TO other",
        "SET ROLE app",
        "SET SESSION AUTHORIZATION app",
        "SET TIME ZONE 'UTC'",
        "-- why\nset statement_timeout = 0",
        "SET my.setting = 'x'",
        "SET LOCAL lock_timeout = '5min'",
        "SET lock_timeout = '31s'",
        "SELECT pg_advisory_lock(7)",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    ],
)
def test_unsafe(statement: str) -> None:
    assert is_found(statement, ())
    assert is_found(statement, ("RESET other_setting", "SELECT 1"))


@pytest.mark.parametrize(
    ("statement", "later"),
    [
        ("SET LOCAL search_path = other", ()),
        ("SET LOCAL ROLE app", ()),
        ("SET LOCAL lock_timeout = '10ms'", ()),
        ("SET LOCAL statement_timeout = 0", ()),
        ("SELECT set_config('search_path', 'other', true)", ()),
        ("SELECT 'SET ROLE app'", ()),
        ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", ()),
        ("SET CONSTRAINTS ALL DEFERRED", ()),
        ("SET search_path = other", ("SELECT 1", "RESET search_path")),
        ("SET search_path = other", ("SET search_path TO DEFAULT",)),
        ("SET ROLE app", ("RESET ROLE",)),
        ("SET ROLE app", ("SET ROLE NONE",)),
        ("SET TIME ZONE 'UTC'", ("RESET ALL",)),
        ("RESET ROLE", ()),
        ("SET lock_timeout = '5s'", ("ALTER TABLE t ADD x int", "RESET lock_timeout")),
        ("SELECT pg_advisory_lock(7)", ("SELECT pg_advisory_unlock(7)",)),
        ("UPDATE t SET role = 1 WHERE id = 1", ()),
    ],
)
def test_safe(statement: str, later: tuple[str, ...]) -> None:
    assert not is_found(statement, later)


@pytest.mark.parametrize(
    "statement", ["RESET lock_timeout", "SET lock_timeout TO DEFAULT", "RESET ALL"]
)
def test_back_to_no_limit(statement: str) -> None:
    assert is_found(statement, ("ALTER TABLE t ADD x int",))
    assert not is_found(statement, ("RESET ROLE",))
