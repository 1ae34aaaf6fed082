"""Something of the same name is taken for done only if it is the same thing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import psycopg

from tests.operations.operating import Project

UNIQUE, INDEX = "op.add_unique_concurrently", "op.create_index_concurrently"
CHECK, KEY = "op.add_check_validated", "op.add_foreign_key_validated"
ADD = "ALTER TABLE t ADD CONSTRAINT x"
# By name: what is there, the operation, and a part of what the catalog says of either.
OTHERS = {
    "fewer columns": ("CREATE INDEX x ON t (a)", f'{INDEX}("x", "t", ["a", "b"])', "(a)", "(a, b)"),
    "more columns": ("CREATE INDEX x ON t (a, b)", f'{INDEX}("x", "t", ["a"])', "(a, b)", "(a)"),
    "partial": (
        "CREATE INDEX x ON t (a) WHERE b > 50",
        f'{INDEX}("x", "t", ["a"])',
        "WHERE",
        "(a)",
    ),
    "whole": (
        "CREATE INDEX x ON t (a)",
        f'{INDEX}("x", "t", ["a"], postgresql_where=sa.text("t.b > 50"))',
        "(a)",
        "WHERE (b > 50)",
    ),
    "expression": (
        "CREATE INDEX x ON t (upper(c))",
        f'{INDEX}("x", "t", [sa.text("lower(c)")])',
        "upper(c)",
        "lower(c)",
    ),
    "method": (
        "CREATE INDEX x ON t USING hash (a)",
        f'{INDEX}("x", "t", ["a"])',
        "USING hash",
        "USING btree",
    ),
    "order": (
        "CREATE INDEX x ON t (a DESC)",
        f'{INDEX}("x", "t", ["a"])',
        "DESC",
        "USING btree (a)",
    ),
    "include": (
        "CREATE INDEX x ON t (a) INCLUDE (b)",
        f'{INDEX}("x", "t", ["a"])',
        "INCLUDE",
        "USING btree (a)",
    ),
    "operator class": (
        "CREATE INDEX x ON t (c text_pattern_ops)",
        f'{INDEX}("x", "t", ["c"])',
        "text_pattern_ops",
        "(c)",
    ),
    "not unique": (
        "CREATE INDEX x ON t (a)",
        f'{INDEX}("x", "t", ["a"], unique=True)',
        "USING btree (a)",
        "UNIQUE",
    ),
    "other table": ("CREATE INDEX x ON u (a)", f'{INDEX}("x", "t", ["a"])', "public.u", "(a)"),
    "unique of an index": (
        "CREATE UNIQUE INDEX x ON t (a)",
        f'{UNIQUE}("x", "t", ["a", "b"])',
        "(a)",
        "(a, b)",
    ),
    "unique": (f"{ADD} UNIQUE (a)", f'{UNIQUE}("x", "t", ["a", "b"])', "(a)", "UNIQUE (a, b)"),
    "deferrable": (
        f"{ADD} UNIQUE (a)",
        f'{UNIQUE}("x", "t", ["a"], deferrable=True)',
        "UNIQUE (a)",
        "DEFERRABLE",
    ),
    "check": (f"{ADD} CHECK (a > 0)", f'{CHECK}(op.f("x"), "t", "a > 1")', "a > 0", "a > 1"),
    "check, not valid": (
        f"{ADD} CHECK (a > 0) NOT VALID",
        f'{CHECK}(op.f("x"), "t", "a >= 0")',
        "a > 0",
        "a >= 0",
    ),
    "another kind": (f"{ADD} UNIQUE (a)", f'{CHECK}(op.f("x"), "t", "a > 1")', "UNIQUE", "CHECK"),
    "foreign key": (
        f"{ADD} FOREIGN KEY (a) REFERENCES u (id)",
        f'{KEY}("x", "t", "u", ["b"], ["id"])',
        "FOREIGN KEY (a)",
        "FOREIGN KEY (b)",
    ),
    "on delete": (
        f"{ADD} FOREIGN KEY (a) REFERENCES u (id)",
        f'{KEY}("x", "t", "u", ["a"], ["id"], ondelete="CASCADE")',
        "u(id)",
        "ON DELETE CASCADE",
    ),
    "referred table": (
        f"{ADD} FOREIGN KEY (a) REFERENCES u (id)",
        f'{KEY}("x", "t", "t", ["a"], ["id"], referent_schema="s")',
        "public.u(id)",
        "s.t(id)",
    ),
    "referred column": (
        f"{ADD} FOREIGN KEY (a) REFERENCES u (id)",
        f'{KEY}("x", "t", "u", ["a"], ["a"])',
        "u(id)",
        "u(a)",
    ),
    "not null": (
        "ALTER TABLE t ADD CONSTRAINT t_a_is_filled CHECK (a > 0) NOT VALID",
        'op.set_not_null("t", "a")',
        "a > 0",
        "a IS NOT NULL",
    ),
}
SAME = {
    "index": (
        "CREATE INDEX x ON t USING btree (lower(c) DESC, b) INCLUDE (a) WHERE (b + 0) > 5",
        f'{INDEX}("x", "t", [sa.text("lower(c) DESC"), "b"], postgresql_include=["a"],'
        ' postgresql_where=sa.text("t.b+0>5"))',
    ),
    "index of an enum": (
        "CREATE INDEX x ON t (m) WHERE m IN ('one', 'two')",
        f'{INDEX}("x", "t", ["m"], postgresql_where=sa.text("m IN (\'one\', \'two\')"))',
    ),
    "index, then a constraint": (
        "CREATE UNIQUE INDEX x ON t (a, b)",
        f'{UNIQUE}("x", "t", ["a", "b"])',
    ),
    "unique": (
        f"{ADD} UNIQUE (a, b) DEFERRABLE INITIALLY DEFERRED",
        f'{UNIQUE}("x", "t", ["a", "b"], deferrable=True, initially="DEFERRED")',
    ),
    "check": (
        f"{ADD} CHECK (c IN ('a', 'b')) NOT VALID",
        f'{CHECK}(op.f("x"), "t", "c in (\'a\',\'b\')")',
    ),
    "foreign key": (
        f"{ADD} FOREIGN KEY (a) REFERENCES u (id) ON DELETE CASCADE NOT VALID",
        f'{KEY}("x", "t", "u", ["a"], ["id"], ondelete="cascade")',
    ),
    "foreign key to itself": (
        f"{ADD} FOREIGN KEY (a) REFERENCES t (id)",
        f'{KEY}("x", "t", "t", ["a"], ["id"])',
    ),
    "foreign key to a table of the same name": (
        f"{ADD} FOREIGN KEY (a) REFERENCES s.t (id)",
        f'{KEY}("x", "t", "t", ["a"], ["id"], referent_schema="s")',
    ),
    "not null": (
        "ALTER TABLE t ADD CONSTRAINT t_a_is_filled CHECK (a IS NOT NULL) NOT VALID",
        'op.set_not_null("t", "a")',
    ),
}
MADE = """
DROP SCHEMA IF EXISTS s CASCADE; DROP TABLE IF EXISTS t, u CASCADE; DROP TYPE IF EXISTS mood;
CREATE TYPE mood AS ENUM ('one', 'two', 'three'); CREATE SCHEMA s;
CREATE TABLE s.t (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, a int, b int, c text, m mood);
CREATE TABLE u (id int PRIMARY KEY, a int UNIQUE);
"""
# Each case runs in the same upgrade: what it says is kept, and the next one begins anew.
TRIES = """
import json
from migrator.errors import MigratorError
cases, said = json.loads({cases!r}), {{}}
for name, (made, call, *_) in cases.items():
    with op.get_context().autocommit_block():
        op.execute({made!r})
        op.execute(made)
    try:
        exec(call, {{"op": op, "sa": sa}})
    except MigratorError as error:
        said[name] = str(error)
op.execute("CREATE TABLE said AS SELECT " + chr(36) + "a" + chr(36) + json.dumps(said) + chr(36)
           + "a" + chr(36) + "::json AS json")
"""


def said(project: Project, url: str, cases: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """What the operation of each case says, if it is refused."""
    project.write(TRIES.format(cases=json.dumps(cases), made=MADE))
    project.alembic(url)
    with psycopg.connect(url) as connection:
        (found,) = connection.execute("SELECT json FROM said").fetchone() or ({},)
    return dict(found)


def test_another_one(project: Project, url: str) -> None:
    found = said(project, url, OTHERS)
    assert set(found) == set(OTHERS)
    for name, (_, _, there, wanted) in OTHERS.items():
        name_of = "t_a_is_filled" if name == "not null" else "x"
        assert re.search(rf"another (index|constraint) {name_of} on t already: ", found[name])
        _, _, both = found[name].partition("already: ")
        first, _, second = both.partition("; the revision wants ")
        assert there in first, found[name]
        assert wanted in second, found[name]


def test_the_same(project: Project, url: str) -> None:
    assert said(project, url, SAME) == {}
    with psycopg.connect(url) as connection:
        left = "SELECT count(*) FROM pg_class WHERE relname LIKE 'migrator_%'"
        assert connection.execute(left).fetchone() == (0,)
