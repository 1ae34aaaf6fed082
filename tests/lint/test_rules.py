"""Every rule: its example is caught and the safe form is not, and a new rule is one new file."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrator.lint.rules import ALL
from tests.conftest import REPOSITORY, TEMPLATE_FOLDER, Renderer, Rendering
from tests.lint.catch_cases import SCHEMA, Case
from tests.lint.test_catch_matrix import ASK

LIBRARY = REPOSITORY / "library/src"
PAGE = REPOSITORY / TEMPLATE_FOLDER / "docs/zero-downtime.md"
OWN = "from migrator.operations import op\n"


def case(name: str, body: str) -> Case:
    """A revision with the body of an example, whose phase stands above upgrade()."""
    phase, _, rest = body.strip().partition("\n") if "phase = " in body else ("", "", body)
    return Case(name, "", True, OWN + rest, phase)


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Iterator[Rendering]:
    """A project with nothing but the schema that the examples are about."""
    with renderer.stopping():
        project = renderer.ready()
        versions = project.path / "migrations/versions"
        for path in versions.glob("*.py"):
            path.unlink()
        (versions / "before.py").write_text(
            Case("before", "", False, SCHEMA).text(None), encoding="utf-8"
        )
        yield project


def verdicts(
    project: Rendering, cases: list[Case], env: dict[str, str | None] | None = None
) -> dict[str, list[str]]:
    """The rules that each of the revisions breaks, each as if it came alone."""
    (project.path / "cases").mkdir(exist_ok=True)
    for each in cases:
        path = project.path / f"cases/{each.name}.py"
        path.write_text(each.text("before"), encoding="utf-8")
    names = " ".join(each.name for each in cases)
    done = project.run(f".venv/bin/python {ASK} {names}", env=env)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_the_examples_of_all_rules(project: Rendering) -> None:
    cases = []
    for number, rule in enumerate(ALL.values()):  # an identifier has at most 32 characters
        cases += [case(f"unsafe_{number}", rule.example.unsafe)]
        cases += [case(f"safe_{number}", rule.example.safe)]
    found = verdicts(project, cases)
    pairs = {name: (found[f"unsafe_{n}"], found[f"safe_{n}"]) for n, name in enumerate(ALL)}
    assert {name: pair for name, pair in pairs.items() if name not in pair[0] or pair[1]} == {}


def test_the_page_has_an_entry_for_each_rule() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("\n## Rules\n")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)) == sorted(ALL)


def test_adding_a_rule_as_contributing_says(project: Rendering, tmp_path: Path) -> None:
    """In a copy of the library: the file that it shows, and nothing else."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("\n## Adding a rule\n")[2].partition("\n## ")[0]
    assert len(section.partition("```python")[0].strip().splitlines()) <= 10
    (block,) = re.findall(r"^```python\n# (\S+)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    file, code = block
    copy = tmp_path / "library/src"
    shutil.copytree(LIBRARY, copy, ignore=shutil.ignore_patterns("__pycache__"))
    added = tmp_path / file
    assert added.parent.is_dir() and not added.exists()
    env: dict[str, str | None] = {"PYTHONPATH": str(copy)}
    name = added.stem.replace("_", "-")
    example = dict(re.findall(r"^ +(unsafe|safe)='(.*)',$", code, re.MULTILINE))
    cases = [case(f"new_{kind}", body) for kind, body in sorted(example.items())]
    assert verdicts(project, cases, env) == {"new_safe": [], "new_unsafe": []}
    added.write_text(code, encoding="utf-8")
    assert verdicts(project, cases, env) == {"new_safe": [], "new_unsafe": [name]}
