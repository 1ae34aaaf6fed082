"""`python -m migrator lint`: what it says about revisions, how, and what it lets pass."""

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.catch_cases import Case
from tests.conftest import Renderer, Rendering

FIRST = "5f2c81d0a7e4"
LINT = ".venv/bin/python -m migrator lint"


@pytest.fixture(scope="module")
def shared(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        yield renderer.ready()


@pytest.fixture
def project(shared: Rendering) -> Iterator[Rendering]:
    """The project with nothing but its first revision."""
    yield shared
    for path in (shared.path / "migrations/versions").glob("case_*.py"):
        path.unlink()


def write(project: Rendering, body: str, more: str = "", name: str = "x", down: str = FIRST) -> str:
    """Add a revision to the project; its identifier is returned."""
    revision = f"case_{name}"
    text = Case(revision, "", True, body, more).text(down)
    (project.path / f"migrations/versions/{revision}.py").write_text(text, "utf-8")
    return revision


def line_of(project: Rendering, revision: str, text: str) -> int:
    """The number of the first line of a revision that has `text` in it."""
    lines = project.read(f"migrations/versions/{revision}.py").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def found(project: Rendering, arguments: str) -> list[tuple[str, int]]:
    """Rule and line of what lint finds."""
    done = project.run(f"{LINT} --json {arguments}")
    assert done.returncode in (0, 5), done.stderr
    findings = json.loads(done.stdout)["findings"]
    assert bool(findings) == (done.returncode == 5)
    return [(each["rule"], each["line"]) for each in findings]


def test_a_fresh_project_is_without_findings(project: Rendering) -> None:
    project.make("lint-migrations")
    assert found(project, "base..head") == []


def test_a_finding_says_where_why_and_what_instead(project: Rendering) -> None:
    body = """
op.add_column("teams", sa.Column("n", sa.Integer()))
op.create_index(
    "ix_n",
    "teams",
    ["n"],
)
"""
    revision = write(project, body)
    done = project.run(f"{LINT} {revision}")
    assert done.returncode == 5
    line = line_of(project, revision, "op.create_index")
    place = f"migrations/versions/{revision}.py:{line}: require-concurrent-index-creation"
    assert place in done.stdout
    assert "CREATE INDEX ix_n ON teams (n)" in done.stdout
    assert "locks the table against writes" in done.stdout
    assert "Safe: op.create_index_concurrently(...)" in done.stdout
    assert f"1 finding in 1 revision ({revision})" in done.stderr


def test_each_statement_is_found_at_its_own_line(project: Rendering) -> None:
    body = """
for name in ("a", "b"):
    op.create_index(f"ix_{name}", "users", [name])
op.execute('''
    -- a comment; with a semicolon
    INSERT INTO teams (name) VALUES ('a;b');
    CREATE INDEX ix_c ON users (name);
''')
helper()
"""
    more = '\n\ndef helper():\n    op.drop_column("users", "name")\n'
    revision = write(project, body, more)
    index = "require-concurrent-index-creation"
    assert found(project, revision) == [
        (index, line_of(project, revision, "op.create_index")),
        (index, line_of(project, revision, "op.create_index")),
        (index, line_of(project, revision, "op.execute")),
        ("ban-drop-column", line_of(project, revision, "op.drop_column")),
    ]


def test_tables_of_an_earlier_pending_revision_are_new(project: Rendering) -> None:
    write(project, 'op.create_table("Shop s", sa.Column("n", sa.Integer()))', name="a")
    write(project, 'op.create_index("ix_n", "Shop s", ["n"])', name="b", down="case_a")
    assert found(project, f"{FIRST}..head") == []
    assert found(project, "") == []  # pending on the development database: all three
    index = ("require-concurrent-index-creation", line_of(project, "case_b", "op.create_index"))
    assert found(project, "case_b") == [index]
    assert found(project, "base..head") == [index]


def test_what_is_accepted_with_a_reason(project: Rendering) -> None:
    accept = "# migrator: allow ban-drop-column because nothing reads names since 2.3"
    write(project, f'{accept}\nop.drop_column("users", "name")')
    done = project.run(f"{LINT} head")
    assert done.returncode == 0, done.stdout
    assert "ban-drop-column is accepted: nothing reads names since 2.3" in done.stdout


@pytest.mark.parametrize(
    ("comment", "rules"),
    [
        ("allow ban-drop-column", ["ban-drop-column", "acknowledgement-without-reason"]),
        ("allow ban-drop-column because", ["ban-drop-column", "acknowledgement-without-reason"]),
        ("allow ban-drop-colum because I may", ["ban-drop-column", "unknown-acknowledgement"]),
        ("alow ban-drop-column because I may", ["ban-drop-column", "unknown-acknowledgement"]),
        ("allow ban-drop-table because I may", ["ban-drop-column", "unused-acknowledgement"]),
    ],
)
def test_what_is_not_accepted(project: Rendering, comment: str, rules: list[str]) -> None:
    revision = write(project, f'op.drop_column("users", "name")  # migrator: {comment}')
    line = line_of(project, revision, "migrator:")
    assert found(project, revision) == [(rule, line) for rule in rules]


def test_an_acknowledgement_in_a_string_is_none(project: Rendering) -> None:
    body = 'op.execute("SELECT 1 -- # migrator: allow everything")'
    assert found(project, write(project, body)) == []


def test_a_revision_that_needs_a_database_is_named(project: Rendering) -> None:
    body = 'names = sa.inspect(op.get_bind()).get_table_names()\nassert "users" in names'
    revision = write(project, body)
    assert found(project, revision) == []  # the trace has tried it
    assert found(project, f"--no-trace {revision}") == [("not-linted", 1)]
    done = project.run(f"{LINT} --no-trace {revision}")
    assert "NoInspectionAvailable" in done.stdout


@pytest.mark.parametrize(
    "body",
    [
        'op.drop_column("users", "name")',
        'op.drop_table("invoices")',
        'op.alter_column("users", "name", new_column_name="label")',
        'op.alter_column("users", "team_id", nullable=False)',
    ],
)
def test_a_contract_step_has_no_place_in_an_expand_revision(project: Rendering, body: str) -> None:
    plain = {rule for rule, _ in found(project, write(project, body))}
    expand = {rule for rule, _ in found(project, write(project, body, 'phase = "expand"'))}
    assert expand == plain | {"contract-in-expand"}


def test_a_changed_type_is_judged_by_what_it_does(project: Rendering) -> None:
    """Not by the phase: one that only widens breaks nothing."""
    body = 'op.alter_column("users", "name", type_=sa.String(10))'
    rules = [rule for rule, _ in found(project, write(project, body, 'phase = "expand"'))]
    assert rules == ["changing-column-type"]


def test_new_tables_may_be_shaped_in_an_expand_revision(project: Rendering) -> None:
    body = 'op.create_table("shops", sa.Column("n", sa.Integer()))\nop.drop_column("shops", "n")'
    assert found(project, write(project, body, 'phase = "expand"')) == []


def test_annotations(project: Rendering) -> None:
    revision = write(project, "op.execute('DROP TABLE \"100%, sure\"')")
    line = line_of(project, revision, "DROP")
    done = project.run(f"{LINT} --format github {revision}")
    path = f"migrations/versions/{revision}.py"
    pattern = rf"::error file={path},line={line},title=ban-drop-table::.*100%25, sure.*\n"
    assert re.fullmatch(pattern, done.stdout), done.stdout
    done = project.run(f"{LINT} --format gitlab {revision}")
    (entry,) = json.loads(done.stdout)
    assert entry["location"] == {"path": path, "lines": {"begin": line}}
    assert entry["check_name"] == "ban-drop-table"
    assert re.fullmatch("[0-9a-f]{64}", entry["fingerprint"])
    assert project.run(f"{LINT} --format gitlab {FIRST}").stdout.strip() == "[]"


def git(project: Rendering, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=project.path, check=True)


def test_what_a_branch_adds(renderer: Renderer) -> None:
    project = renderer.ready()
    drop = 'op.drop_column("users", "name")'
    write(project, drop, name="old")
    assert project.run(f"{LINT} --base HEAD").returncode == 2  # no repository
    git(project, "init", "--quiet", "--initial-branch=main")
    assert "2 revisions (added since HEAD)" in project.run(f"{LINT} --base HEAD").stderr
    git(project, "add", ".")
    assert "2 revisions (added since HEAD)" in project.run(f"{LINT} --base HEAD").stderr
    git(project, "commit", "--quiet", "--message=first")
    assert "no revisions (added since HEAD)" in project.run(f"{LINT} --base HEAD").stderr
    git(project, "switch", "--quiet", "--create", "branch")
    write(project, 'op.drop_table("invoices")', name="new", down="case_old")
    assert [rule for rule, _ in found(project, "--base main")] == ["ban-drop-table"]
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message=second")
    assert [rule for rule, _ in found(project, "--base main")] == ["ban-drop-table"]
    assert found(project, "--base HEAD") == []
    assert project.run(f"{LINT} --base nowhere").returncode == 2


@pytest.mark.parametrize("words", ["nowhere", "head..base", f"{FIRST} --base main", "a..b..c"])
def test_wrong_usage(project: Rendering, words: str) -> None:
    write(project, "pass")
    done = project.run(f"{LINT} {words}")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_without_squawk(project: Rendering) -> None:
    hidden = (
        "import sysconfig, os; os.environ['PATH'] = ''; sysconfig.get_path = lambda name: '/no'\n"
        "from migrator.cli import main; raise SystemExit(main(['lint', 'head']))"
    )
    (project.path / "hidden.py").write_text(hidden, "utf-8")
    write(project, "pass")
    done = project.run(".venv/bin/python hidden.py")
    (project.path / "hidden.py").unlink()
    assert done.returncode == 1
    assert "squawk is not installed here" in done.stderr


def test_what_autogenerate_writes_is_without_findings(renderer: Renderer) -> None:
    """Everything at once, on tables that are in use: expand, online and contract."""
    project = renderer.ready()
    project.make("migrate")
    path = project.path / "app/models/user.py"
    text = path.read_text("utf-8").replace(
        "from sqlalchemy import ForeignKey", "from sqlalchemy import CheckConstraint, ForeignKey"
    )
    text = text.replace("    name: Mapped[ShortText]\n", "")
    text = text.replace("team_id: Mapped[int | None]", "team_id: Mapped[int]")
    text += """
    age: Mapped[int] = mapped_column(index=True, server_default="18")
    nick: Mapped[ShortText] = mapped_column(unique=True)
    invited_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)

    __table_args__ = (CheckConstraint("age > 17", name="grown_up"),)
"""
    path.write_text(text, "utf-8")
    project.make('revision m="much" drop=users.name')
    written = [*(project.path / "migrations/versions").glob("*much*.py")]
    assert len(written) == 3, written
    done = project.run(f"{LINT} {FIRST}..head")
    assert "the revision does not say what they get in nick" in done.stdout
    for path in written:
        text = path.read_text("utf-8")
        path.write_text(text.replace('{"nick": None}', '{"nick": sa.text("email")}'), "utf-8")
    assert found(project, f"{FIRST}..head") == []
    assert found(project, f"--no-trace {FIRST}..head") == []
    done = project.run(f".venv/bin/python -m migrator trace {FIRST}..head")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_operations_that_it_recommends_exist(project: Rendering) -> None:
    code = """
import re
from alembic.operations import Operations
import migrator.operations
from migrator.lint import rules
named = set(re.findall(r"op\\.(\\w+)", " ".join(rule.safe for rule in rules.ALL.values())))
print(sorted(named)[0], sorted(name for name in named if not hasattr(Operations, name)))
"""
    (project.path / "ask.py").write_text(code, "utf-8")
    done = project.run(".venv/bin/python ask.py")
    (project.path / "ask.py").unlink()
    assert done.stdout.strip() == "add_check_validated []", done.stderr


def test_sqlite_has_nothing_to_lint(renderer: Renderer) -> None:
    project = renderer.ready(database="sqlite")
    done = project.run(f"{LINT} base..head")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Nothing to lint" in done.stderr


def test_deploys_may_ask_without_a_trace(project: Rendering) -> None:
    """findings_for_deploy: what the deploy uses where squawk happens to be installed."""
    revision = write(project, 'op.drop_column("users", "name")')
    code = f"""
from alembic.config import Config
from migrator import chain, lint
config = Config("alembic.ini")
found = lint.findings_for_deploy(config, [chain.load(config).get_revision("{revision}")])
print([each.rule for each in found])
"""
    (project.path / "ask.py").write_text(code, "utf-8")
    done = project.run(".venv/bin/python ask.py")
    (project.path / "ask.py").unlink()
    assert done.stdout.strip() == "['ban-drop-column']", done.stderr
