"""The rule about settings that outlive their revision, and a lock timeout that is off."""

import pytest

from migrator.lint.rule import Candidate
from migrator.lint.rules import ALL


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
    ],
)
def test_unsafe(statement: str) -> None:
    rule = ALL["session-state"].statement
    assert rule and rule(Candidate(statement))
    assert rule(Candidate(statement, later=("RESET other_setting", "SELECT 1")))


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
        ("UPDATE t SET role = 1 WHERE id = 1", ()),
    ],
)
def test_safe(statement: str, later: tuple[str, ...]) -> None:
    rule = ALL["session-state"].statement
    assert rule and not rule(Candidate(statement, later=later))
