"""The deploy's look at pending revisions: what it refuses, what it lets pass, and its faults.

An env.py that renders nothing stops no deploy: but it is always said.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Renderer, Rendering
from tests.deploy.deploying import Stage, prepare, staged
from tests.lint.catch_cases import Case

FIRST = 'op.execute("CREATE TABLE users (id bigint PRIMARY KEY, name text, nick varchar(9))")'
DEPLOY = ".venv/bin/python -m migrator -c alembic_prod.ini deploy"
DROP = 'op.drop_column("users", "name")'
READS = 'assert op.get_bind().execute(sa.text("SELECT 1")).scalar() == 1'


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        yield prepare(renderer)


@pytest.fixture
def stage(project: Rendering) -> Iterator[Stage]:
    """The database is at step1, which has made the table `users`; it has a row."""
    with staged(project) as stage:
        stage.write("step1", Case("step1", "", True, FIRST).text(None))
        stage.begin(
            "CREATE TABLE users (id bigint PRIMARY KEY, name text, nick varchar(9))",
            "INSERT INTO users VALUES (1, 'a', 'b')",
        )
        yield stage


def pending(stage: Stage, body: str, more: str = "", name: str = "step2") -> None:
    """Adds a revision; `more` stands above its upgrade()."""
    before = f"step{int(name.removeprefix('step')) - 1}"
    stage.write(name, Case(name, "", True, body, more).text(before))


def run(stage: Stage, arguments: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """Deploys with lint; `settings` are variables."""
    env = {"MIGRATOR_DRIFT": "false", "MIGRATOR_BACKUP": "false", "DATABASE_URL": stage.url}
    done = stage.project.run(f"{DEPLOY} {arguments}", env=env | settings)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def lint_line(stage: Stage, arguments: str = "", **settings: str) -> dict[str, Any]:
    """What a deploy that succeeds says about lint."""
    done = run(stage, f"--json {arguments}", **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    (line,) = [line for line in lines if line["step"] == "lint"]
    assert isinstance(line, dict)
    return line


@pytest.mark.parametrize(
    ("body", "rule", "more"),
    [
        (DROP, "ban-drop-column", ""),
        (DROP, "contract-in-expand", 'phase = "expand"'),
        ('op.set_not_null("users", "name")', "contract-in-expand", 'phase = "online"'),
        ('op.drop_table("users")', "ban-drop-table", ""),
        ('op.alter_column("users", "name", new_column_name="label")', "renaming-column", ""),
        ('op.add_column("users", sa.Column("n", sa.Integer(), nullable=False))', "required", ""),
        ('op.create_index("ix", "users", ["name"])', "require-concurrent-index-creation", ""),
        (
            'op.create_foreign_key("fk", "users", "teams", ["team_id"], ["id"])',
            "adding-foreign-key-constraint",
            "",
        ),
        ('op.create_check_constraint("ck", "users", "id > 0")', "constraint-missing", ""),
        ('op.create_unique_constraint("uq", "users", ["name"])', "disallowed-unique", ""),
        ('op.execute("LOCK TABLE users")', "lock-table", ""),
        ('op.execute("TRUNCATE users")', "truncate-table", ""),
        ("op.execute(\"UPDATE users SET nick = 'x'\")", "bulk-write", ""),
        ('op.execute("DO $$ BEGIN DELETE FROM users; END $$")', "bulk-write", ""),
        (
            'op.create_index("ix", "users", ["name"], postgresql_concurrently=True)',
            "ban-concurrent-index-creation-in-transaction",
            "",
        ),
        ("pass  # migrator: allow everything because I may", "unknown-suppression", ""),
        (f"{DROP}\n{READS}", "ban-drop-column", ""),
        (
            'if sa.inspect(op.get_bind()).has_table("users"):\n    op.drop_table("users")',
            "ban-drop-table",
            "",
        ),
    ],
)
def test_it_refuses_what_needs_no_trace(stage: Stage, body: str, rule: str, more: str) -> None:
    pending(stage, f"from migrator.operations import op\n{body}", more)
    done = run(stage)
    assert done.returncode == 5, done.stdout + done.stderr
    assert rule in done.stderr
    assert "Nothing was changed" in done.stderr
    assert stage.at == "step1"
    assert stage.ask("SELECT direction, failure ->> 'step' FROM migration_log") == [
        ("failed upgrade", "lint")
    ]


def test_all_pending_revisions_are_looked_at_and_the_refusal_stays_short(stage: Stage) -> None:
    pending(stage, "pass")
    pending(stage, "\n".join(['op.execute("TRUNCATE users")'] * 5), name="step3")
    done = run(stage)
    assert done.returncode == 5
    assert "5 findings in the pending revisions: step3: truncate-table" in done.stderr
    assert "and 2 more" in done.stderr


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ('op.alter_column("users", "nick", type_=sa.Text())', ""),
        (
            'op.execute("CREATE MATERIALIZED VIEW v AS SELECT 1 AS n")\n'
            'op.execute("CREATE INDEX ix ON v (n)")',
            "",
        ),
        (f'{READS}\nop.execute("SELECT 1")', "not-linted"),
    ],
)
def test_what_only_a_trace_can_tell_is_named_and_applied(
    stage: Stage, body: str, rule: str
) -> None:
    """CI may have let it pass, with good reason."""
    pending(stage, body)
    line = lint_line(stage)
    assert line["status"] == "done"
    assert line["undecided"] == ([{"revision": "step2", "rule": rule}] if rule else [])
    assert (f"only a trace in CI can tell: step2: {rule}" in line["message"]) == bool(rule)
    assert stage.at == "step2"


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        ("ban-drop-column", DROP),
        ("bulk-write", "op.execute(\"UPDATE users SET nick = 'x' WHERE id > 0\")"),
        ("not-linted", READS),
        ("require-concurrent-index-creation", 'op.create_index("ix", "users", ["name"])'),
    ],
)
def test_what_is_suppressed_in_the_revision(stage: Stage, rule: str, body: str) -> None:
    """Also where only the trace in CI has found it."""
    pending(stage, f"# migrator: allow {rule} because it has one row\n{body}")
    line = lint_line(stage)
    assert (line["message"], line["undecided"]) == ("no findings", [])
    assert stage.at == "step2"


def test_an_accepted_risk_is_said_and_recorded(stage: Stage) -> None:
    pending(stage, DROP)
    line = lint_line(stage, "--accept-risk 'nobody is here'")
    assert line["status"] == "warning"
    assert "accepted (nobody is here): step2: ban-drop-column" in line["message"]
    assert stage.ask("SELECT revision, accepted_risk FROM migration_log") == [
        ("step2", "nobody is here")
    ]


def test_a_database_without_rows_takes_any_history(stage: Stage) -> None:
    """Nobody waits for its tables, and no code runs: only what has a row is in use."""
    stage.ask("DELETE FROM users RETURNING id")
    pending(stage, DROP)
    line = lint_line(stage)
    assert (line["status"], "no table has a row" in line["message"]) == ("skipped", True)
    assert stage.at == "step2"


def test_leaving_it_out_is_said(stage: Stage) -> None:
    pending(stage, DROP)
    line = lint_line(stage, "--no-lint")
    assert (line["status"], line["message"]) == ("skipped", "skipped: --no-lint")


@pytest.mark.parametrize(
    ("offline", "words"),
    [
        ("pass", "does not run them offline"),
        ('raise KeyError("REGION")', "fails offline (KeyError: 'REGION')"),
    ],
)
def test_an_env_that_renders_nothing_stops_no_deploy_but_lint(
    stage: Stage, offline: str, words: str
) -> None:
    env = stage.project.path / "migrations/env.py"
    before = env.read_text("utf-8")
    pending(stage, DROP)
    part = before[before.index("context.configure(") : before.index("    else:\n")]
    env.write_text(before.replace(part, f"{offline}\n"), "utf-8")
    try:
        done = stage.project.run(
            ".venv/bin/python -m migrator lint --no-trace step2", env={"DATABASE_URL": stage.url}
        )
        line = lint_line(stage)
    finally:
        env.write_text(before, "utf-8")
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert line["status"] == "warning"
    assert words in line["message"]
