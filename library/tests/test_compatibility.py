"""What code that still runs notices of a change, by its SQL alone."""

import pytest

from migrator.lint.compatibility import Columns

ADD = "ALTER TABLE t ADD COLUMN c int"


@pytest.mark.parametrize(
    ("statement", "noticed", "on_new"),
    [
        ("CREATE INDEX ix ON t (a)", False, False),
        ("CREATE UNIQUE INDEX ix ON t (a)", True, True),
        ("CREATE UNIQUE INDEX CONCURRENTLY ix ON t (c)", True, False),
        ("CREATE UNIQUE INDEX ix ON other (c)", True, True),
        ("DROP INDEX CONCURRENTLY IF EXISTS ix", True, True),
        ("ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID", True, True),
        ("ALTER TABLE t ADD CONSTRAINT k CHECK (c > 0)", True, False),
        ('ALTER TABLE t ADD FOREIGN KEY ("c") REFERENCES u (id)', True, False),
        ("ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX ix", False, False),
        ("ALTER TABLE t VALIDATE CONSTRAINT k", False, False),
        ("ALTER TABLE t DROP CONSTRAINT IF EXISTS k", True, True),
        ("ALTER TABLE t ALTER a DROP DEFAULT", True, True),
        ("ALTER TABLE t ALTER a SET DEFAULT 1, ALTER a DROP NOT NULL", False, False),
        ("DROP VIEW v", True, True),
        ("DROP FUNCTION IF EXISTS f(int)", True, True),
    ],
)
def test_noticed(statement: str, noticed: bool, on_new: bool) -> None:
    assert Columns().is_noticed(statement) == noticed
    columns = Columns()
    columns.learn(ADD)
    assert columns.is_noticed(statement) == on_new
    assert not Columns(sure=False).is_noticed(statement)


def test_what_a_change_makes_for_itself() -> None:
    """The constraint that helps op.set_not_null, and an index that an attempt left INVALID."""
    helper = "ALTER TABLE t ADD CONSTRAINT h CHECK (a IS NOT NULL) NOT VALID"
    drop = "ALTER TABLE t DROP CONSTRAINT h"
    columns = Columns()
    assert not columns.is_noticed(helper, ["ALTER TABLE t VALIDATE CONSTRAINT h", drop])
    assert columns.is_noticed(drop)
    columns.learn(helper)
    assert not columns.is_noticed(drop)
    assert not columns.is_noticed("DROP INDEX ix", nested=True)
    assert not columns.is_noticed("DROP VIEW v", ["CREATE VIEW v AS SELECT 1"])
