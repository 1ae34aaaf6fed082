"""Revisions that fail while they are traced: where, why, and what becomes of those behind them."""

import pytest

from tests.conftest import Rendering
from tests.lint.test_lint import FIRST, LINT, line_of, write
from tests.lint.test_trace import TRACE, statements, traced


def test_an_error_without_words_is_a_failure(project: Rendering) -> None:
    (found,) = traced(project, write(project, "raise ValueError"))
    assert found["failure"] == "ValueError"


def test_an_error_that_a_revision_expects_is_none(project: Rendering) -> None:
    body = """
def attempt():
    try:
        with op.get_bind().begin_nested():
            op.execute("DROP TABLE nowhere")
    except sa.exc.ProgrammingError:
        op.execute("SELECT 1")

attempt()
with op.get_context().autocommit_block():
    try:
        op.execute("DROP TABLE nowhere")
    except sa.exc.ProgrammingError:
        op.execute("SELECT 2")
"""
    found = statements(project, write(project, body))
    assert [each["statement"] for each in found][-1] == "SELECT 2"
    assert [each["breaks"] for each in found if each["breaks"]] == []


def test_an_expected_error_is_not_the_cause_of_a_later_one(project: Rendering) -> None:
    body = """
try:
    with op.get_bind().begin_nested():
        op.execute("DROP TABLE nowhere")
except sa.exc.ProgrammingError:
    pass
raise ValueError("an error of its own")
"""
    revision = write(project, body)
    *_, last = statements(project, revision)
    assert (last["line"], last["error"]) == (
        line_of(project, revision, "raise"),
        "an error of its own",
    )


def test_an_error_that_aborts_the_transaction_is_the_cause_of_the_next(project: Rendering) -> None:
    body = """
try:
    op.execute("DROP TABLE nowhere")
except sa.exc.ProgrammingError:
    pass
op.execute("SELECT 1")
"""
    (found,) = traced(project, write(project, body))
    assert found["failure"].startswith('table "nowhere" does not exist')
    (statement,) = found["statements"]
    assert (statement["statement"], statement["error"]) == ("DROP TABLE nowhere", found["failure"])


def test_a_bare_string_fails_and_the_rest_is_tried(project: Rendering) -> None:
    body = """
bind = op.get_bind()
bind.execute("CREATE TABLE old_style (id int)")
assert bind.scalar("SELECT count(*) FROM old_style WHERE 'a:b' LIKE '%'") == 0
sa.orm.Session(bind).execute("SELECT 1")
op.create_index("ix_name", "users", ["name"])
"""
    write(project, body.replace("bind = ", "import sqlalchemy.orm; bind = ", 1), name="a")
    write(project, 'op.drop_column("users", "name")', name="b", down="case_a")
    first, second = traced(project, f"{FIRST}..case_b")
    assert (first["failure"], second["failure"]) == (None, None)
    breaks = [each["breaks"] for each in first["statements"] if each["breaks"]]
    assert breaks == ["fails", "fails", "fails", "blocks-while-scanning"]
    assert "sa.text(...)" in first["statements"][0]["error"]
    assert "ban-drop-column" in {each["breaks"] for each in second["statements"]}
    # Of a revision before those that are asked for, a note says it.
    (found,) = traced(project, "case_b")
    assert found["failure"] is None
    assert "executes a bare string" in found["notes"][0]


def test_after_a_failure_the_rest_is_not_tried(project: Rendering) -> None:
    write(project, 'raise ValueError("an error of its own")', name="a")
    write(project, 'op.drop_column("users", "name")', name="b", down="case_a")
    first, second = traced(project, f"{FIRST}..head")
    (statement,) = first["statements"]
    assert statement["line"] == line_of(project, "case_a", "raise")
    assert (statement["breaks"], statement["error"]) == ("fails", "an error of its own")
    assert second["failure"] == "not tried, because case_a fails"
    assert second["statements"] == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('import os; os.environ["NOWHERE"]', "KeyError: 'NOWHERE'"),
        ('op.drop_table("nowhere")', 'ProgrammingError: table "nowhere" does not exist'),
    ],
)
def test_a_revision_before_them_that_fails_is_named(
    project: Rendering, body: str, reason: str
) -> None:
    write(project, body, name="a")
    write(project, 'op.execute("SELECT 1")', name="b", down="case_a")
    write(project, 'op.execute("SELECT 2")', name="c", down="case_b")
    for command in (TRACE, LINT):
        done = project.run(f"{command} case_c")
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert "Revision case_a fails on the shadow database" in done.stderr
        assert reason in done.stderr
