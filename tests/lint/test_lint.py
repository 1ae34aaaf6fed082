"""`python -m migrator lint`: what it says about revisions, how, and what it lets pass."""

import json
import re
import shlex

import pytest
import sqlalchemy as sa
import yaml

from tests.conftest import Renderer, Rendering
from tests.lint.catch_cases import Case

FIRST = "5f2c81d0a7e4"
LINT = ".venv/bin/python -m migrator lint"


def write(project: Rendering, body: str, more: str = "", name: str = "x", down: str = FIRST) -> str:
    """Add a revision to the project; its identifier is returned."""
    revision = f"case_{name}"
    text = Case(revision, "", True, body, more).text(down)
    versions = project.path / "migrations/versions"
    (versions / f"{revision}.py").write_text(text, "utf-8")
    # Python takes a file of the same size and second for the old one.
    for compiled in versions.glob(f"__pycache__/{revision}.*"):
        compiled.unlink()
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
for name in ("email", "name"):
    op.create_index(f"ix_{name}", "users", [name])
op.execute('''
    -- a comment; with a semicolon
    INSERT INTO teams (name) VALUES ('a;b');
    CREATE INDEX ix_c ON users (id);
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
    project.make("upgrade to=5f2c81d0a7e4")
    assert found(project, "") == []  # pending in the development database: both
    index = ("require-concurrent-index-creation", line_of(project, "case_b", "op.create_index"))
    assert found(project, "case_b") == [index]
    assert found(project, "base..head") == [index]


def test_a_finding_is_suppressed_with_a_reason(project: Rendering) -> None:
    accept = "# migrator: allow ban-drop-column because nothing reads names since 2.3"
    write(project, f'{accept}\nop.drop_column("users", "name")')
    done = project.run(f"{LINT} head")
    assert done.returncode == 0, done.stdout
    assert ": ban-drop-column\n    Suppressed: nothing reads names since 2.3\n" in done.stdout


@pytest.mark.parametrize(
    ("comment", "rules"),
    [
        ("allow ban-drop-column", ["ban-drop-column", "suppression-without-reason"]),
        ("allow ban-drop-column because", ["ban-drop-column", "suppression-without-reason"]),
        ("allow ban-drop-colum because I may", ["ban-drop-column", "unknown-suppression"]),
        ("alow ban-drop-column because I may", ["ban-drop-column", "unknown-suppression"]),
        ("allow ban-drop-table because I may", ["ban-drop-column", "unused-suppression"]),
    ],
)
def test_what_suppresses_nothing(project: Rendering, comment: str, rules: list[str]) -> None:
    revision = write(project, f'op.drop_column("users", "name")  # migrator: {comment}')
    line = line_of(project, revision, "migrator:")
    assert found(project, revision) == [(rule, line) for rule in rules]


def test_a_suppression_in_a_string_is_none(project: Rendering) -> None:
    body = 'op.execute("SELECT 1 -- # migrator: allow everything")'
    assert found(project, write(project, body)) == []


def test_a_revision_that_needs_a_database_is_named(project: Rendering) -> None:
    body = 'assert op.get_bind().execute(sa.text("SELECT 1")).scalar() == 1'
    revision = write(project, body)
    assert found(project, revision) == []  # the trace has tried it
    assert found(project, f"--no-trace {revision}") == [("not-linted", 1)]
    done = project.run(f"{LINT} --no-trace {revision}")
    assert "NeedsDatabase" in done.stdout


def test_an_inspector_is_answered_without_a_database(project: Rendering) -> None:
    """By what the history says, with what the revision itself has done up to there."""
    body = """
look = sa.inspect(op.get_bind())
if not look.has_table("fresh"):
    op.create_table("fresh", sa.Column("id", sa.Integer(), primary_key=True))
    op.create_index("ix_fresh", "fresh", ["id"])
look = sa.inspect(op.get_bind())
assert "ix_fresh" in [each["name"] for each in look.get_indexes("fresh")]
if "name" in {each["name"] for each in look.get_columns("users")}:
    op.create_index("ix_name", "users", ["name"])
users = sa.Table("users", sa.MetaData(), autoload_with=op.get_bind())
op.get_bind().execute(users.delete().where(users.c.name > "x"))
"""
    revision = write(project, body)
    rules = [rule for rule, _ in found(project, f"--no-trace {revision}")]
    assert rules == ["require-concurrent-index-creation", "bulk-write"]


def test_that_it_was_tried_instead_is_said_and_may_be_suppressed(project: Rendering) -> None:
    """For who lints without a trace; with one that comment is not out of date."""
    body = """
# migrator: allow not-linted because it looks at the tables first
assert op.get_bind().execute(sa.text("SELECT 1")).scalar() == 1
"""
    revision = write(project, body)
    assert found(project, f"--no-trace {revision}") == []
    done = project.run(f"{LINT} {revision}")
    assert done.returncode == 0, done.stdout
    assert ": not-linted\n    Dismissed: the revision ran" in done.stdout


def test_what_runs_only_where_there_is_a_database(project: Rendering) -> None:
    """What the trace has seen is read like what was rendered."""
    body = """
if not op.get_context().as_sql:
    op.execute("SET LOCAL statement_timeout = 0; DROP INDEX ix_users_team_id")
op.execute("SELECT 1")
"""
    revision = write(project, body)
    line = line_of(project, revision, "DROP INDEX")
    assert found(project, revision) == [("require-concurrent-index-deletion", line)]


def test_several_statements_at_once_of_a_revision_that_needs_a_database(
    project: Rendering,
) -> None:
    body = """
assert "users" in sa.inspect(op.get_bind()).get_table_names()
op.execute("SET LOCAL statement_timeout = 0; ALTER TABLE users DROP COLUMN name")
"""
    rules = {rule for rule, _ in found(project, write(project, body, 'phase = "expand"'))}
    assert rules == {"ban-drop-column", "contract-in-expand"}


def test_a_connection_of_its_own_does_not_reach_the_database_in_use(project: Rendering) -> None:
    """Neither when it is tried nor when it is rendered."""
    body = """
import os
with sa.create_engine(os.environ["DATABASE_URL"]).begin() as connection:
    connection.execute(sa.text("CREATE TABLE spilled (n int)"))
"""
    url = project.make("-s db-url").strip()
    write(project, body)
    for arguments in ("--no-trace case_x", "case_x"):
        done = project.run(f"{LINT} {arguments}", env={"DATABASE_URL": url})
        assert done.returncode in (0, 5), done.stderr
    engine = sa.create_engine(url)
    assert "spilled" not in sa.inspect(engine).get_table_names()
    engine.dispose()


def test_concurrently_after_a_look_at_the_database(project: Rendering) -> None:
    body = """
assert "users" in sa.inspect(op.get_bind()).get_table_names()
with op.get_context().autocommit_block():
    op.create_index("ix_n", "users", ["name"], postgresql_concurrently=True)
"""
    assert found(project, write(project, body)) == []


@pytest.mark.parametrize(
    ("statement", "rules"),
    [
        (
            "IF now() > '2020-01-01' THEN ALTER TABLE users RENAME name TO label; END IF;",
            ["column"],
        ),
        ("ALTER TABLE users RENAME TO people; EXCEPTION WHEN others THEN NULL;", ["table"]),
        ("FOR i IN 1..3 LOOP UPDATE users SET name = 'x'; END LOOP;", ["bulk-write"]),
        ("CREATE TABLE users (id int); ALTER TABLE users DROP name;", ["ban-drop-column"]),
        ("UPDATE users SET name = 'x' WHERE id = 1 RETURNING id INTO i;", []),
        ("PERFORM 1; -- then; DROP TABLE users;\n RAISE NOTICE 'then drop table users;';", []),
    ],
)
def test_what_stands_in_a_do_block(project: Rendering, statement: str, rules: list[str]) -> None:
    block = f"DO LANGUAGE plpgsql $x$ DECLARE i int; BEGIN {statement} END $x$"
    revision = write(project, f"op.execute({block!r})")
    line = line_of(project, revision, "DECLARE")
    names = {"column": "renaming-column", "table": "renaming-table"}
    expected = [(names.get(rule, rule), line) for rule in rules]
    assert found(project, f"--no-trace {revision}") == expected


def test_a_function_is_only_made(project: Rendering) -> None:
    body = """
op.execute("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $x$ DELETE FROM users; $x$")
"""
    assert found(project, write(project, body)) == []


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("DROP SCHEMA extra CASCADE", "ban-drop-table"),
        ("ALTER TABLE users SET SCHEMA extra", "renaming-table"),
        ("ALTER SCHEMA extra RENAME TO other", "renaming-table"),
        ("ALTER TYPE mood RENAME VALUE 'happy' TO 'glad'", "renaming-enum-value"),
    ],
)
def test_other_ways_to_move_or_remove(project: Rendering, statement: str, rule: str) -> None:
    made = "CREATE SCHEMA extra CREATE TABLE x (n int); CREATE TYPE mood AS ENUM ('happy')"
    write(project, f"op.execute({made!r})", name="a")
    revision = write(project, f"op.execute({statement!r})", name="b", down="case_a")
    line = line_of(project, revision, "op.execute")
    assert found(project, f"--no-trace {revision}") == [(rule, line)]
    assert found(project, revision) == [(rule, line)]  # once, though the trace sees it too
    revision = write(project, f"op.execute({statement!r})", 'phase = "expand"', "b", "case_a")
    assert {rule for rule, _ in found(project, revision)} == {rule, "contract-in-expand"}


def test_a_table_that_may_have_been_there_is_not_new(project: Rendering) -> None:
    body = """
op.execute("CREATE TABLE IF NOT EXISTS users (id bigint)")
op.drop_column("users", "name")
"""
    revision = write(project, body)
    rule = ("ban-drop-column", line_of(project, revision, "op.drop_column"))
    assert found(project, revision) == [rule]
    body = """
op.execute("CREATE TABLE IF NOT EXISTS shops (id bigint)")
op.create_index("ix_shops", "shops", ["id"])
"""
    assert found(project, write(project, body)) == []  # the trace has seen that it was not
    body = """
op.execute("CREATE TABLE IF NOT EXISTS shops (team bigint)")
op.create_foreign_key("fk_shops", "shops", "teams", ["team"], ["id"])
"""
    assert found(project, write(project, body)) == []


def test_a_foreign_key_is_dismissed_only_if_nothing_has_to_be_read(project: Rendering) -> None:
    """With an index on its column no full scan is seen, whatever it reads."""
    body = 'op.create_foreign_key("fk_again", "users", "teams", ["team_id"], ["id"])'
    rules = [rule for rule, _ in found(project, write(project, body))]
    assert "adding-foreign-key-constraint" in rules
    body = 'op.execute("ALTER TABLE users ADD COLUMN other_team bigint REFERENCES teams")'
    assert found(project, write(project, body)) == []


def test_what_was_not_tried_is_said(project: Rendering) -> None:
    """After a failure that is suppressed, nobody knows what the rest does."""
    body = """
# migrator: allow ban-concurrent-index-creation-in-transaction because of a bet
op.create_index("ix_n", "users", ["name"], postgresql_concurrently=True)
op.execute("ALTER TABLE users ADD COLUMN n int")
"""
    first = write(project, body, name="a")
    second = write(project, 'op.execute("SELECT 1")', name="b", down="case_a")
    # What is behind another revision is one finding, however many there are.
    write(project, 'op.execute("SELECT 2")', name="c", down="case_b")
    assert found(project, f"{FIRST}..head") == [
        ("not-tried", line_of(project, first, "ALTER")),
        ("not-tried", line_of(project, second, "SELECT")),
    ]
    done = project.run(f"{LINT} {FIRST}..head")
    assert "not tried, because case_a fails, nor what is behind it (1 revision)" in " ".join(
        done.stdout.split()
    )
    done = project.run(f"{LINT} {first}")
    assert "Seen: CREATE INDEX CONCURRENTLY cannot run inside a transaction" in done.stdout


def test_a_suppressed_rule_does_not_hide_that_it_fails(project: Rendering) -> None:
    body = """
# migrator: allow ban-drop-table because nobody reads it
op.drop_table("nowhere")
"""
    revision = write(project, body)
    assert found(project, revision) == [("fails", line_of(project, revision, "op.drop_table"))]
    body = """
# migrator: allow adding-required-field because it has no rows
op.add_column("users", sa.Column("n", sa.Integer(), nullable=False))
"""
    assert found(project, write(project, body)) == []  # which says that it does


def test_a_suppression_that_counts_in_one_of_two_commits(project: Rendering) -> None:
    """In a branch the table is new; before the second commit it was not."""
    write(project, 'op.create_table("shops", sa.Column("n", sa.Integer()))', name="a")
    accept = "# migrator: allow require-concurrent-index-creation because it has ten rows"
    body = f'{accept}\nop.create_index("ix_n", "shops", ["n"])'
    revision = write(project, body, name="b", down="case_a")
    assert found(project, revision) == []
    assert found(project, f"{FIRST}..head") == []
    wrong = body.replace("require-concurrent-index-creation", "ban-drop-column")
    revision = write(project, wrong, name="b", down="case_a")
    assert [rule for rule, _ in found(project, f"{FIRST}..head")] == ["unused-suppression"]


def test_a_trace_heeds_what_lint_heeds(project: Rendering) -> None:
    accept = "# migrator: allow require-concurrent-index-creation because it has ten rows"
    revision = write(project, f'{accept}\nop.create_index("ix_n", "users", ["name"])')
    assert found(project, revision) == []
    done = project.run(f".venv/bin/python -m migrator trace {revision}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "blocks-while-scanning" in done.stdout


ADDED = 'op.add_column("users", sa.Column("n", sa.Integer(){}))'
REQUIRED = 'op.set_not_null("users", "{}")'
OPERATIONS = "from migrator.operations import op\n"


EXPAND = 'phase = "expand"'
NON_TRANSACTIONAL = f"{EXPAND}\ntransactional = False"
OLD = 'phase = "online"'  # as revisions said it before they had `transactional`


@pytest.mark.parametrize("attributes", [EXPAND, NON_TRANSACTIONAL, OLD])
@pytest.mark.parametrize(
    "body",
    [REQUIRED.format("team_id"), 'op.alter_column("users", "team_id", nullable=False)'],
)
def test_old_code_may_leave_a_column_empty(project: Rendering, attributes: str, body: str) -> None:
    revision = write(project, OPERATIONS + body, attributes)
    rules = [rule for rule, _ in found(project, revision)]
    assert "contract-in-expand" in rules
    for contract in ('phase = "contract"', 'phase = "contract"\ntransactional = False'):
        revision = write(project, OPERATIONS + body, contract)
        assert "contract-in-expand" not in [rule for rule, _ in found(project, revision)]


@pytest.mark.parametrize("attributes", [NON_TRANSACTIONAL, OLD])
@pytest.mark.parametrize(
    ("added", "rules"),
    [
        (ADDED.format(', server_default="5"'), []),
        (
            ADDED.format("")
            + '\nop.alter_column("users", "n", server_default=sa.text("random()"))',
            [],
        ),
        (ADDED.format(""), ["contract-in-expand"]),
    ],
)
def test_a_new_column_with_a_default_is_filled_by_old_code_too(
    project: Rendering, added: str, rules: list[str], attributes: str
) -> None:
    """As autogenerate writes it: expand, then expand (non-transactional)."""
    write(project, added, EXPAND, "a")
    fill = 'op.backfill("users", {"n": 5}, key="id")\n'
    write(project, OPERATIONS + fill + REQUIRED.format("n"), attributes, "b", "case_a")
    for arguments in ("case_b", f"{FIRST}..head", "--no-trace case_b"):
        assert [rule for rule, _ in found(project, arguments)] == rules


def test_gitlab_shows_findings_on_the_lines_and_in_the_log(renderer: Renderer) -> None:
    with renderer.stopping():
        project = renderer.ready(ci="gitlab")
        job = yaml.safe_load(project.read(".gitlab-ci.yml"))["plan"]
        (report,) = job["artifacts"]["reports"].values()
        (line,) = [each for each in job["script"] if "migrator lint" in each]
        project.make("migrate")
        write(project, 'op.drop_column("users", "name")')
        done = project.run(f"bash -c {shlex.quote(line)}")
        assert done.returncode == 5
        assert "ban-drop-column" in done.stdout
        (entry,) = json.loads(project.read(report))
        assert entry["check_name"] == "ban-drop-column"


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
    revision = write(project, "op.execute('DROP TABLE IF EXISTS \"100%, sure\"')")
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


@pytest.mark.parametrize("words", ["nowhere", "head..base", f"{FIRST} --base main", "a..b..c"])
def test_wrong_usage(project: Rendering, words: str) -> None:
    write(project, "pass")
    done = project.run(f"{LINT} {words}")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_what_autogenerate_writes_is_without_findings(renderer: Renderer) -> None:
    """Everything at once, on tables that are in use: both phases, in and outside transactions."""
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
    assert len(written) == 4, written
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
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "Nothing to lint" in done.stderr


def test_a_file_that_cannot_be_imported_is_a_finding_among_others(project: Rendering) -> None:
    """It keeps its place in the history, and what comes after it is checked."""
    write(project, "pass", "import nowhere_to_be_found", name="lost")
    after = write(project, 'op.drop_column("teams", "name")', name="after", down="case_lost")
    rules = {rule for rule, _ in found(project, f"--no-trace {FIRST}..{after}")}
    assert rules == {"unreadable-revision", "ban-drop-column"}
    rules = {rule for rule, _ in found(project, f"{FIRST}..{after}")}
    assert {"unreadable-revision", "ban-drop-column"} <= rules
    done = project.run(f"{LINT} {after}")
    assert (
        "case_lost.py (ModuleNotFoundError: No module named 'nowhere_to_be_found')" in done.stderr
    )
    assert done.returncode == 5
    assert "ban-drop-column" in done.stdout


def test_a_file_that_is_no_python_keeps_its_place(project: Rendering) -> None:
    broken = write(project, "op.execute('", name="broken")
    assert found(project, f"--no-trace {broken}") == [("unreadable-revision", 1)]
