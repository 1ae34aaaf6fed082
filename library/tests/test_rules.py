"""The rules of lint: each whole in its file, and those that need no trace tried on statements."""

import pkgutil
import types
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script

import migrator.operations  # noqa: F401 - adds ours to Alembic's
from migrator.lint import rendering, rules, sql_findings, suppressions, traced_statements
from migrator.lint.finding import Finding
from migrator.lint.history import History
from migrator.lint.observed import Observed
from migrator.lint.rule import Rule, uncovered
from migrator.lint.rules import ALL
from migrator.trace.place import Place
from migrator.trace.traced_statement import Step, Traced

BY_SQL = [rule for rule in ALL.values() if rule.action or rule.code]


def test_a_rule_is_called_as_its_file() -> None:
    files = [module.name.replace("_", "-") for module in pkgutil.iter_modules(rules.__path__)]
    assert [*ALL] == sorted(files)


@pytest.mark.parametrize("rule", ALL.values(), ids=ALL.keys())
def test_a_rule_says_what_it_matches_why_and_what_instead(rule: Rule) -> None:
    matches = (rule.action, rule.code, rule.revision, rule.observed, rule.comment)
    assert rule.untried or any(matches)
    assert rule.reason.endswith(".")
    assert rule.safe.endswith(".") or rule.name == "fails"
    assert rule.example.unsafe != rule.example.safe
    assert (rule.covers | rule.announces) <= ALL.keys()
    assert rule.name not in rule.covers


def rendered(name: str, body: str, folder: Path) -> rendering.Rendered:
    """What a revision with this body renders; its phase is the first line, if it has one."""
    lines = body.strip().splitlines()
    head = [lines.pop(0)] if lines[0].startswith("phase = ") else []
    path = folder / f"{name}.py"
    text = [*head, "def upgrade():", *(f"    {line}" for line in lines), "    pass"]
    path.write_text("\n".join(text), encoding="utf-8")
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True})
    module = types.ModuleType(name)
    module.__file__ = str(path)
    module.__dict__.update(op=Operations(context), sa=sa)
    module.__dict__.update(revision=name, down_revision=None)
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)
    return rendering.render_one(Script(module, name, str(path)), context)


def found_in(revisions: list[rendering.Rendered]) -> list[Finding]:
    """What the rules find in each, where the history tells nothing."""
    every = (sql_findings.find([each], {}, History(), together=False) for each in revisions)
    return [finding for found in every for finding in found]


def test_what_needs_no_trace_is_found_in_the_sql(tmp_path: Path) -> None:
    unsafe = [rendered(f"u{n}", rule.example.unsafe, tmp_path) for n, rule in enumerate(BY_SQL)]
    found = found_in(unsafe)
    for number, rule in enumerate(BY_SQL):
        assert rule.name in {each.rule for each in found if each.revision == f"u{number}"}
    # What the trace has to dismiss is found by the form of the safe statement, too.
    certain = [rule for rule in BY_SQL if not rule.dismiss]
    safe = [rendered(f"s{n}", rule.example.safe, tmp_path) for n, rule in enumerate(certain)]
    assert [each.rule for each in found_in(safe) if not ALL[each.rule].dismiss] == []


def test_a_rule_that_says_more_covers_those_behind_it() -> None:
    step = Step(
        "TRUNCATE t",
        Place(1, False),
        locks=frozenset({(1, "AccessExclusiveLock")}),
        rewritten=frozenset({1}),
        scanned=frozenset({1}),
        held=frozenset({1}),
    )

    def broken(step: Step) -> list[str]:
        seen = Observed(step, frozenset({1}))
        rules = [rule for rule in ALL.values() if rule.observed and rule.observed(seen)]
        return [rule.name for rule in uncovered(rules, ALL)]

    assert broken(step) == ["truncate-table"]
    step.sql = "SELECT f()"
    assert broken(step) == ["blocks-while-rewriting"]
    step.rewritten = frozenset()
    assert broken(step) == ["blocks-while-scanning"]
    step.locks, step.held = frozenset(), frozenset({1, 2})
    assert broken(step) == ["blocks-while-scanning"]
    step.error = "no"
    assert broken(step) == ["fails"]


def test_statements_that_only_the_trace_has_seen_are_read_too(tmp_path: Path) -> None:
    one = rendered("one", "raise ValueError", tmp_path)
    assert (one.statements, one.failure) == ((), "ValueError: ")
    steps = [
        Step("SELECT 1; UPDATE t SET a = %(a)s", Place(2, False)),
        Step("ValueError", Place(2, False), error="x", of_python=True),
    ]
    (full,) = traced_statements.with_traced([one], [Traced(one.script, steps)])
    assert [each.sql for each in full.statements] == ["UPDATE t SET a = $1"]


@pytest.mark.parametrize(
    ("comment", "rule", "reason", "breaks"),
    [
        ("allow bulk-write because few", "bulk-write", "few", []),
        ("allow bulk-write", "bulk-write", "", ["suppression-without-reason"]),
        ("allow bulk-writes because few", "", "", ["unknown-suppression"]),
        ("alow bulk-write because few", "", "", ["unknown-suppression"]),
        ("allow unused-suppression because few", "", "", ["unknown-suppression"]),
    ],
)
def test_suppressions(
    tmp_path: Path, comment: str, rule: str, reason: str, breaks: list[str]
) -> None:
    path = tmp_path / "revision.py"
    path.write_text(f"text = '# migrator: allow x'\nx = 1  # migrator: {comment}\n", "utf-8")
    (found,) = suppressions.read(str(path))
    assert (found.line, found.rule, found.reason) == (2, rule, reason)
    said = suppressions.apply([], [found], "one", str(path), {"bulk-write"})
    assert [each.rule for each in said] == (breaks or ["unused-suppression"])
