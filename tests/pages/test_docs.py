"""The pages of a rendered project hold: what they say is done, and what they show is compared."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

import migrator
from migrator.deploy import deploy
from tests.conftest import REPOSITORY, TEMPLATE_FOLDER, Renderer, Rendering
from tests.pages.blocks import Reader, blocks_of

TEMPLATE = REPOSITORY / TEMPLATE_FOLDER
LIBRARY = Path(migrator.__file__).parent
# Others run their blocks: one needs a template with two versions, the other one FastAPI.
ELSEWHERE = {"docs/updating.md", "docs/application.md"}
# The files of the pages; the name of one that not every project has is a condition.
SOURCES = {
    re.sub(r"{%.*?%}", "", path.relative_to(TEMPLATE).as_posix()): path
    for path in (*TEMPLATE.glob("*.md"), *(TEMPLATE / "docs").rglob("*.md*"))
}
PAGES = sorted(SOURCES.keys() - ELSEWHERE)
# On SQLite these say and do what others do there as well.
POSTGRESQL_IS_ENOUGH = {
    "README.md",
    "docs/fleet.md",  # which there is for PostgreSQL only
    "docs/zero-downtime.md",
    "docs/zh/migrations.md",
    "docs/zh/onboarding.md",
    "docs/zh/production.md",
}
# What is not done in a clone but in a new project: from this line on.
FROM_HERE_ON = {
    "docs/adopting.md": "# Adopting an existing database or project\n",
    "docs/onboarding.md": "## A new project\n",
}


def part(start: str, page: str, text: str) -> str:
    """What of a page's text begins in a "clone", or in a project that was "just made"."""
    before, heading, after = text.partition(FROM_HERE_ON.get(page, "no page says this"))
    lines_before = "\n" * before.count("\n")  # so that a block's line is the page's
    return before if start == "clone" else f"{lines_before}{heading}{after}"


# Which have something to do, from where, and with which database. The others are there to be read.
RUNS = [
    (start, page, database)
    for page in PAGES
    for start in ("clone", "just made")
    if any(
        block.runs
        for block in blocks_of(part(start, page, SOURCES[page].read_text(encoding="utf-8")))
    )
    for database in ("postgresql", "sqlite")
    if database == "postgresql" or page not in POSTGRESQL_IS_ENOUGH
]
# What cannot be run here, by page, with the reason that the page gives.
NOT_RUN = {
    ("docs/onboarding.md", "the address of your repository"),
    ("docs/adopting.md", "installs packages"),
    ("docs/adopting.md", "this database has no such schema"),
    ("docs/production.md", "app is your database"),
    ("docs/zh/onboarding.md", "the address of your repository"),
    ("docs/zh/production.md", "app is your database"),
    ("docs/rehearsal.md", "it is for your own tables"),
    ("docs/fleet.md", "the tenants of this page need neither"),
}


@pytest.fixture(scope="module")
def clones(renderer: Renderer) -> Iterator[Renderer]:
    """What makes renderings here; their servers end with the last of these tests."""
    with renderer.stopping():
        yield renderer


def cloned(clones: Renderer, database: str) -> Rendering:
    """A rendering with everything installed, as a clone of a repository beside it."""
    project = clones.ready(types=True, database=database)
    excluded = project.path / ".git" / "info" / "exclude"
    for command in (
        "git init --quiet --initial-branch main",
        "git config user.name Reader",
        "git config user.email reader@example.org",
    ):
        assert project.run(command).returncode == 0
    excluded.write_text(".venv\n", encoding="utf-8")  # which is a link here
    for command in (
        "git add --all",
        "git commit --quiet --message 'The project as it was made'",
        "git clone --quiet --bare . ../origin.git",
        "git remote add origin ../origin.git",
        "git fetch --quiet origin",
        "git branch --quiet --set-upstream-to origin/main",
    ):
        done = project.run(command)
        assert done.returncode == 0, done.stderr
    return project


def environment_for(folder: Path, clones: Renderer) -> dict[str, str | None]:
    """What readers have: a name for their commits, and caches that are shared here."""
    excluded = folder / "excluded"
    excluded.write_text(".venv\n", encoding="utf-8")  # which is a link here
    settings = {
        "user.name": "Reader",
        "user.email": "reader@example.org",
        "core.excludesFile": str(excluded),
    }
    environment: dict[str, str | None] = {
        "GIT_CONFIG_COUNT": str(len(settings)),
        "MYPY_CACHE_DIR": str(clones.scratch / "mypy"),
        "PRE_COMMIT_HOME": str(clones.scratch / "pre-commit"),
    }
    for number, (name, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{number}"] = name
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment


@pytest.mark.parametrize(("start", "page", "database"), RUNS)
def test_a_page_holds(
    start: str, page: str, database: str, clones: Renderer, tmp_path: Path
) -> None:
    if start == "clone":
        project = cloned(clones, database)
    else:
        project = clones.ready(types=True, database=database)
        project.make("migrate")
    try:
        with Reader(project, tmp_path, environment_for(tmp_path, clones)) as reader:
            reader.read(page, part(start, page, project.read(page)))
    finally:
        project.stop()


def test_all_pages_with_something_to_do_are_run() -> None:
    assert {page for start, page, _ in RUNS if start == "just made"} == FROM_HERE_ON.keys()
    assert {page for _, page, _ in RUNS} >= {
        "README.md",
        "docs/adopting.md",
        "docs/fleet.md",
        "docs/migrations.md",
        "docs/onboarding.md",
        "docs/production.md",
        "docs/rehearsal.md",
        "docs/zero-downtime.md",
        "docs/zh/migrations.md",
    }


def test_a_page_that_does_not_hold_is_found(clones: Renderer, tmp_path: Path) -> None:
    """What fails says where, which command, and what is different."""
    project = clones.render()
    for page, found in {
        "```sh\necho 1\n```\n\n```text\n2\n```\n": r"p:5: .*\necho 1\n(.*\n)*-2\n\+1",
        "a\n\n```sh\nfalse\ntrue\n```\n": r"p:3: this ended with 1, not 0:\nfalse",
        "```sh exit: 3\ntrue\n```\n": r"p:1: this ended with 0, not 3",
        "```text\nx\n```\n": r"p:1: there is no command",
        "```console\nx\n```\n": r"p:1: 'console' is no language",
        "```python\nx = 1\n```\n": r"p:1: the first line names no file",
        "```sh type: yes\nread -r a\n[ -t 0 ] && [ $a = no ]\n```\n": r"p:1: this ended with 1",
    }.items():
        with Reader(project, tmp_path) as reader, pytest.raises(AssertionError, match=found):
            reader.read("p", page)
    with Reader(project, tmp_path) as reader:
        reader.read(
            "p", "```sh\nexport a=1\n```\n```sh\necho $a b c\n```\n```text\n...\n1 ... c\n```"
        )
        answer = "```sh type: 好 yes\nread -r a; [ -t 0 ]; echo $a\n```\n```text\n好 yes\n```"
        reader.read("p", answer)


def test_each_page_is_rendered(clones: Renderer) -> None:
    """cookiecutter copies a file that looks binary, such as Chinese that is cut after 512 bytes."""
    project = clones.rendered()
    assert [page for page in PAGES if "cookiecutter." in project.read(page)] == []


def test_what_is_not_run_is_known(clones: Renderer) -> None:
    project = clones.rendered()
    left_out = {
        (page, block.note.removeprefix("not-run: "))
        for page in PAGES
        for block in blocks_of(project.read(page))
        if not block.runs
    }
    assert left_out == NOT_RUN


@dataclass(frozen=True)
class Message:
    """An error that the tool can give: where, its exit code, and its text or texts."""

    where: str
    exit_code: int
    texts: tuple[str, ...]


# What another program said, which the caller puts into a message of its own.
OF_OTHERS = {"processes.error_output(run)"}


def messages() -> Iterator[Message]:
    """Every construction of an error in the library, with `...` for what is not constant."""
    modules = {path: ast.parse(path.read_bytes()) for path in LIBRARY.rglob("*.py")}
    codes = {"MigratorError": 1}
    classes = [each for tree in modules.values() for each in ast.walk(tree)]
    for _ in range(3):  # subclasses of subclasses
        for each in classes:
            bases = [name_of(base) for base in getattr(each, "bases", [])]
            if isinstance(each, ast.ClassDef) and (base := next(iter(codes.keys() & bases), None)):
                own = [
                    statement.value.value
                    for statement in each.body
                    if isinstance(statement, ast.Assign)
                    and isinstance(statement.value, ast.Constant)
                    and ast.unparse(statement.targets[0]) == "exit_code"
                ]
                codes[each.name] = int(str(own[0])) if own else codes[base]
    for path, tree in modules.items():
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or name_of(call.func) not in codes or not call.args:
                continue
            if ast.unparse(call.args[0]) in OF_OTHERS:
                continue
            where = f"{path.relative_to(LIBRARY.parent)}:{call.lineno}"
            text = constant(call.args[0])
            found = (text,) if re.search(r"\w{3}", text) else tuple(strings(tree))
            yield Message(where, codes[str(name_of(call.func))], found)
    script = TEMPLATE / "scripts/deploy_migrations.py"  # where the library cannot be imported
    yield Message(script.name, 2, tuple(strings(ast.parse(script.read_bytes()))))


def name_of(node: ast.expr) -> str | None:
    """The last part of a name."""
    return getattr(node, "id", None) or getattr(node, "attr", None)


def constant(node: ast.expr) -> str:
    """The constant parts of an expression that makes a text."""
    match node:
        case ast.Constant():
            return str(node.value)
        case ast.JoinedStr():
            return "".join(constant(part) for part in node.values)
        case ast.BinOp(op=ast.Add()):
            return constant(node.left) + constant(node.right)
        case ast.Call(func=ast.Attribute(attr="join"), args=[ast.List(elts=[first, *_])]):
            return constant(first)
    return "..."


def strings(tree: ast.Module) -> Iterator[str]:
    """All texts in a module; for a message that is put together somewhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr | ast.Constant | ast.BinOp):
            yield constant(node)


def says(heading: str, text: str) -> bool:
    """Whether the words of a heading are in a message, in their order."""
    parts = [part.strip() for part in heading.split("...")]
    return bool(re.search(".*".join(map(re.escape, parts)), text, re.DOTALL))


def test_every_error_is_explained_and_every_explanation_has_its_error() -> None:
    page = (TEMPLATE / "docs" / "errors.md").read_text(encoding="utf-8")
    entries = dict(re.findall(r"^### (.+)\n(.+(?:\n.+)*)", page, re.MULTILINE))
    assert len(entries) == page.count("\n### ") > 100
    assert [text for text in entries.values() if not text.startswith("Exit ")] == []
    used = set()
    missing, wrong = [], []
    for message in messages():
        fitting = [
            heading for heading in entries if any(says(heading, text) for text in message.texts)
        ]
        used |= set(fitting)
        if not fitting:
            missing.append(f"{message.where}: {message.texts[0]}")
        elif not any(states(entries[heading], message.exit_code) for heading in fitting):
            wrong.append(f"{message.where}: exits with {message.exit_code}: {fitting}")
    stale = [f"### {heading}: no error says this" for heading in entries if heading not in used]
    problems = [*missing, *wrong, *stale]
    assert not problems, "\n".join(["docs/errors.md is not in step with migrator:", *problems])


def states(entry: str, exit_code: int) -> bool:
    """Whether an entry names this exit code."""
    codes = re.match(r"Exit (\d+)(?: or (\d+))?\.", entry)
    return bool(codes and str(exit_code) in codes.groups())


def test_the_picture_shows_commands_that_there_are(clones: Renderer) -> None:
    picture = (REPOSITORY / "docs/images/demo.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(picture)
    shown = "".join(root.itertext()).replace("\xa0", " ")
    targets = set(re.findall(r"\bmake (?:-s )?([a-z-]+)", shown))
    listed = set(re.findall(r"^ +([a-z-]+)  ", clones.rendered().make("help"), re.MULTILINE))
    assert len(targets) > 2
    assert targets <= listed
    assert not re.search(r"/(?:tmp|home|root|Users)/", shown)
    assert str(REPOSITORY) not in shown
    assert "https://" not in picture


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_what_the_readme_has_for_production_uses_its_ini(database: str, clones: Renderer) -> None:
    project = clones.rendered(database=database)
    section = project.read("README.md").partition("\n### Production")[2].partition("\n## ")[0]
    assert ".venv/bin/activate" in section
    commands = re.findall(r"`((?:make|python) [^`]+)`", section)
    assert len(commands) == 12
    for command in commands:
        if command.startswith("make "):
            done = project.run(f"{command} --dry-run PYTHON=python3")
            assert done.returncode == 0, done.stderr
            assert "-m migrator -c alembic_prod.ini " in done.stdout, command
        else:
            assert re.search(r" -c alembic_prod\.ini | scripts/deploy_migrations\.py", command)


def test_the_table_of_steps_is_the_list_of_steps() -> None:
    rows = [
        f"| {step.name} | {step.does} | {f'`--no-{step.name}`' if step.skip else ''} |"
        for step in deploy.STEPS
    ]
    table = "\n".join(["| step | what it does | flag that skips it |", "|---|---|---|", *rows])
    page = (TEMPLATE / "docs" / "production.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"^\| step \| what it does .*(?:\n\|.*)*", page, re.MULTILINE)
    assert shown == table, f"docs/production.md has another table. Paste this one:\n\n{table}\n"


def test_the_entry_for_ci_names_every_exit_code() -> None:
    errors = (LIBRARY / "errors.py").read_text(encoding="utf-8")
    codes = {"0", *re.findall(r"exit_code = (\d+)", errors)}
    script = ast.parse((TEMPLATE / "scripts/deploy_migrations.py").read_bytes())
    named = re.findall(r"(?<![\w.])\d+", ast.get_docstring(script) or "")
    assert sorted(named) == sorted(codes)


def test_each_number_in_the_ini_says_what_zero_means() -> None:
    """It is not the same for all: `lock_timeout_max = 0` is no wait without a limit."""
    text = (TEMPLATE / "alembic_prod.ini").read_text(encoding="utf-8")
    section = text.partition("\n[migrator]\n")[2].partition("\n[")[0]
    settings = re.findall(r"((?:^#.*\n)*)^(\w+) = [\d.]+$", section, re.MULTILINE)
    assert len(settings) > 10
    assert [name for comment, name in settings if not re.search(r"(?:# | )0[:,] ", comment)] == []
