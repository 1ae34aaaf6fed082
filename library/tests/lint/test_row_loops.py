"""Loops over rows in a revision's Python: which of them are over few."""

import textwrap

import pytest

from migrator.lint.history import learned
from migrator.lint.known_schema import Schema
from migrator.lint.python_code import Code
from migrator.lint.statements import read

HEAD = (
    "import sqlalchemy as sa\nfrom alembic import op\n\ndef upgrade():\n    bind = op.get_bind()\n"
)
TABLE = "CREATE TABLE users (id bigint PRIMARY KEY, name text UNIQUE, age int)"
UPDATE = 'sa.text("UPDATE users SET age = 1 WHERE id = :i")'
WRITE = f'bind.execute({UPDATE}, {{"i": row}})'
TEXT = 'bind.execute(sa.text("SELECT id FROM users{}"))'


def schema() -> Schema:
    """What the loops are over."""
    return learned(read(TABLE).actions, sure=True)


def found(body: str) -> list[bool]:
    """Of each line that changes a row in a loop, whether it is one of few."""
    code = Code.of(HEAD + textwrap.indent(body, "    "))
    return [each.is_of_few(schema()) for each in code.row_writes]


@pytest.mark.parametrize(
    ("source", "few"),
    [
        (TEXT.format(""), False),
        (TEXT.format(" WHERE age = 3"), False),
        (TEXT.format(" WHERE name = 'a'"), True),
        (TEXT.format(" WHERE name IN ('a', 'b')"), True),
        (TEXT.format(" LIMIT 100") + ".all()", True),
        ("bind.execute(sa.text(\"VALUES ('a'), ('b')\"))", True),
        ("bind.execute(sa.select(t.c.id).where(t.c.name == 'users')).all()", True),
        ("bind.execute(sa.select(t.c.id).where(t.c.age == 1)).all()", False),
        ("session.query(User).filter(User.id.in_([1, 2]))", True),
        ("session.query(User).filter_by(name='users')", True),
        ("session.query(User).all()", False),
    ],
)
def test_a_loop_over_a_query(source: str, few: bool) -> None:
    text = "# users\n"
    assert found(f"{text}for row in {source}:\n    {WRITE}\n") == [few]
    assert found(f"{text}rows = {source}\nfor row in rows:\n    {WRITE}\n") == [few]


@pytest.mark.parametrize(
    "body",
    [
        f"for row in (1, 2):\n    {WRITE}\n",
        f"names = [1, 2]\nfor row in names:\n    {WRITE}\n",
        f"age = {TEXT.format('')}.scalar()\nfor row in range(3):\n    {WRITE}\n",
    ],
)
def test_a_loop_over_a_list_is_none(body: str) -> None:
    assert found(body) == []


@pytest.mark.parametrize(
    "body",
    [
        f"rows = {TEXT.format('')}\nbind.execute({UPDATE}, [dict(i=r.id) for r in rows])",
        f"rows = [dict(i=r.id) for r in {TEXT.format('')}]\nbind.execute({UPDATE}, rows)",
        "found = session.query(User).all()\nsession.bulk_update_mappings(User, found)",
    ],
)
def test_a_statement_for_each_of_a_list(body: str) -> None:
    assert found(body) == [False]


def test_a_name_of_another_function_is_another_one() -> None:
    other = f"\n\ndef downgrade():\n    rows = {TEXT.format('')}\n"
    code = Code.of(HEAD + f"    rows = [1]\n    for row in rows:\n        {WRITE}\n" + other)
    assert code.row_writes == ()


def test_a_loop_over_what_a_function_of_the_file_reads() -> None:
    helper = "\n\ndef everyone(bind):\n    return bind.execute(sa.text('SELECT id FROM users'))\n"
    code = Code.of(HEAD + f"    for row in everyone(bind):\n        {WRITE}\n" + helper)
    assert [each.is_of_few(schema()) for each in code.row_writes] == [False]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("import time\ntime.sleep(1)", (7,)),
        ("import time\nwith op.get_context().autocommit_block():\n    time.sleep(1)", ()),
        ("import requests\nrequests.get('http://x')", (7,)),
        ("from time import sleep\nsleep(1)", (7,)),
    ],
)
def test_pauses(body: str, lines: tuple[int, ...]) -> None:
    assert Code.of(HEAD + textwrap.indent(body, "    ")).pauses == lines
