"""Lint and trace together: every unsafe form is caught, and none of its safe counterparts.

Revisions stand side by side on one that was deployed long before; the verdict about each is asked
for in one process, as for a merge request.
"""

import json
from pathlib import Path

import pytest

from tests.conftest import Renderer
from tests.lint.catch_cases import ROWS, SCHEMA, Case, cases

FIRST = "5f2c81d0a7e4"
CASES = cases()
ASK = Path(__file__).with_name("asking.py")


@pytest.fixture(scope="session")
def verdicts(renderer: Renderer) -> dict[str, list[str]]:
    """The rules that each case breaks."""
    found: dict[str, list[str]] = renderer.once("verdicts", lambda: ask(renderer, SCHEMA, CASES))
    return found


def ask(
    renderer: Renderer, schema: str, cases: list[Case], options: str = ""
) -> dict[str, list[str]]:
    """Has all cases judged in one project, after a revision that makes the schema."""
    with renderer.stopping():
        project = renderer.ready()
        renderer.serve(project)
        versions = project.path / "migrations/versions"
        for path in versions.glob("*.py"):
            path.unlink()
        before = Case("before", "", False, schema)
        (versions / "before.py").write_text(before.text(None), "utf-8")
        (project.path / "cases").mkdir()
        for case in cases:
            (project.path / f"cases/{case.name}.py").write_text(case.text("before"), "utf-8")
        names = " ".join(case.name for case in cases)
        done = project.run(f".venv/bin/python {ASK} {options} {names}")
        assert done.returncode == 0, done.stderr
        judged: dict[str, list[str]] = json.loads(done.stdout)
        return judged


@pytest.mark.parametrize("case", [c for c in CASES if c.unsafe], ids=lambda case: case.name)
def test_unsafe(case: Case, verdicts: dict[str, list[str]]) -> None:
    assert verdicts[case.name] != [], case.body


@pytest.mark.parametrize("case", [c for c in CASES if not c.unsafe], ids=lambda case: case.name)
def test_safe(case: Case, verdicts: dict[str, list[str]]) -> None:
    assert verdicts[case.name] == [], case.body


def test_the_matrix_is_whole() -> None:
    main = [(case.row, case.unsafe) for case in CASES if case.main]
    assert main == [(row, unsafe) for row in ROWS for unsafe in (True, False)]
    assert len(ROWS) == 17
