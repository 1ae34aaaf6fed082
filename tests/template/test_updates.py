"""`cruft create` and `cruft update`, from one tagged version of the template to the next.

The next version is made here: this one, with a change in a file of each kind.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import (
    REPOSITORY,
    TEMPLATE_FOLDER,
    Answer,
    Renderer,
    Rendering,
    every_choice,
    files_of,
    users_environment,
)

OLD, NEW = "2026.11.1", "2026.12.1"
ENV: dict[str, str | None] = {
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}
GONE = "migrator/gone.py"  # is in the old version only
NEWS = "migrator/news.py"  # is in the new one only
# Files of each kind that the new version changes.
YOURS = (
    "README.md",
    "app/settings.py",
    "app/models/user.py",
    "migrations/versions/2026_11_22_0900-5f2c81d0a7e4_teams_users_and_invoices.py",
    "schema.sql",
    "tests/test_models.py",
)
THEIRS = ("migrations.mk", "migrator/plan.py", "migrator/console.py")
SHARED = ("Makefile", "alembic.ini", "alembic_prod.ini", "migrations/env.py", "tests/conftest.py")
# What a comment at the end of a file looks like, where ruff and people expect it.
MARK = {".sql": "-- {}\n", ".md": "\n{}\n", ".py": "\n\n# {}\n"}


@dataclass
class Template:
    """A git repository of the template, with a tag for each version."""

    path: Path
    renderer: Renderer

    def cruft(self, command: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Runs `cruft COMMAND` in `folder`."""
        return self.run([sys.executable, "-m", "cruft", *shlex.split(command)], folder)

    def run(self, command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
        changes = {
            "COOKIECUTTER_CONFIG": str(self.renderer.config),
            "TMPDIR": str(self.renderer.hooks),
            "PWD": str(folder),
            **ENV,
        }
        return subprocess.run(
            command,
            cwd=folder,
            env=users_environment(changes),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=600,
            check=False,
        )

    def create(self, folder: Path, version: str, answers: dict[str, Answer]) -> Rendering:
        """What `cruft create` makes of a version."""
        folder.mkdir(parents=True)
        given = shlex.quote(json.dumps(answers))
        done = self.cruft(
            f"create {self.path} --no-input --checkout {version} --extra-context {given}", folder
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return Rendering(next(folder.iterdir()), answers)


@pytest.fixture(scope="module")
def template(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Template:
    path = tmp_path_factory.mktemp("template") / "alembic-starter"
    shutil.copytree(renderer.template, path)
    made = Template(path, renderer)
    inner = path / TEMPLATE_FOLDER
    git(path, "init --quiet --initial-branch=main")
    (inner / GONE).write_text('"""What the next version does without."""\n', encoding="utf-8")
    commit(path, OLD)
    (inner / GONE).unlink()
    (inner / NEWS).write_text('"""What is new."""\n', encoding="utf-8")
    for name in (*YOURS, *THEIRS, *SHARED):
        mark(inner / name, "from the template")
    commit(path, NEW)
    return made


@pytest.fixture(scope="module")
def releases(template: Template, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rendering]:
    """Both versions as rendered, with cruft's own file."""
    folder = tmp_path_factory.mktemp("releases")
    return {version: template.create(folder / version, version, {}) for version in (OLD, NEW)}


@pytest.fixture
def project(releases: dict[str, Rendering], tmp_path: Path) -> Rendering:
    """A project that was made from the old version, in a repository of its own."""
    shutil.copytree(releases[OLD].path, tmp_path / "my_service")
    git(tmp_path / "my_service", "init --quiet --initial-branch=main")
    git(tmp_path / "my_service", "add --all")
    git(tmp_path / "my_service", "commit --quiet --message=first")
    return Rendering(tmp_path / "my_service", releases[OLD].answers)


def git(folder: Path, command: str) -> str:
    done = Rendering(folder, {}).run(f"git {command}", env=ENV)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commit(folder: Path, tag: str) -> None:
    git(folder, "add --all")
    git(folder, f"commit --quiet --message={tag}")
    git(folder, f"tag {tag}")


def mark(path: Path, text: str) -> None:
    """Adds a comment at the end."""
    line = MARK.get(path.suffix, "# {}\n").format(text)
    path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")


def first_line(path: Path, text: str) -> None:
    """Changes the first line, far from where the template changes something."""
    line, _, rest = path.read_text(encoding="utf-8").partition("\n")
    path.write_text(f"{line} {text}\n{rest}", encoding="utf-8")


def lists(project: Rendering) -> tuple[list[str], list[str]]:
    """The files of the user and those of the template, as the project says it."""
    tool = tomllib.loads(project.read("pyproject.toml"))["tool"]
    return tool["cruft"]["skip"], tool["alembic-starter"]["replaced"]


def below(files: dict[str, bytes], places: list[str]) -> dict[str, bytes]:
    return {
        name: content
        for name, content in files.items()
        if any(name == place or name.startswith(f"{place}/") for place in places)
    }


def blocks(project: Rendering) -> list[list[str]]:
    """The commands of docs/updating.md, for these versions and the cruft that is installed."""
    found = re.findall(r"```sh\n(.*?)```", project.read("docs/updating.md"), re.DOTALL)
    cruft = f"{shlex.quote(sys.executable)} -m cruft"
    return [
        block.replace("uvx cruft", cruft).replace("VERSION", NEW).strip().split("\n")
        for block in found
    ]


def type_in(template: Template, project: Rendering, lines: list[str]) -> str:
    """Runs the lines as a user types them, and returns what was said."""
    said = ""
    for line in lines:
        done = template.run(shlex.split(line), project.path)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        said += done.stdout + done.stderr
    return said


def own_files(project: Rendering) -> dict[str, bytes]:
    return {name: text for name, text in project.files().items() if not name.startswith(".git/")}


@pytest.mark.parametrize("answers", every_choice().values(), ids=every_choice().keys())
def test_cruft_create_gives_what_cookiecutter_gives(
    answers: dict[str, Answer], renderer: Renderer, tmp_path: Path
) -> None:
    repository = tmp_path / "template"
    shutil.copytree(renderer.template, repository)
    git(repository, "init --quiet --initial-branch=main")
    commit(repository, OLD)
    texts: dict[str, Answer] = {
        "project_name": '订单 "Orders" & Co\'s',
        "description": "收 #1: a \\ b",
    }
    made = Template(repository, renderer).create(tmp_path / "made", OLD, texts | answers)
    plain = renderer.rendered(**texts, **answers)
    files = made.files()
    state = json.loads(files.pop(".cruft.json"))
    assert files == plain.files()
    assert state["checkout"] == OLD
    assert not [name for name in state["context"]["cookiecutter"] if "password" in name]


def test_each_file_has_one_owner_and_is_there(releases: dict[str, Rendering]) -> None:
    project = releases[NEW]
    yours, theirs = lists(project)
    files = own_files(project)
    for place in (*yours, *theirs):
        assert below(files, [place]), place
    assert not below(files, yours).keys() & below(files, theirs).keys()
    assert theirs == ["migrations.mk", "migrator"]
    assert below(files, yours).keys() >= set(YOURS)
    assert below(files, theirs).keys() >= set(THEIRS)
    assert not below(files, [*yours, *theirs]).keys() & set(SHARED)


def test_the_pages_say_what_the_lists_say(releases: dict[str, Rendering]) -> None:
    project = releases[NEW]
    yours, theirs = lists(project)
    rows = re.findall(
        r"^\| (yours|the template's) \| (.*?) \|", project.read("docs/updating.md"), re.M
    )
    named = {whose: sorted(name.strip("`/") for name in row.split(", ")) for whose, row in rows}
    assert named == {"yours": sorted(yours), "the template's": sorted(theirs)}
    for name in (*theirs, "docs/updating.md"):
        assert name in project.read("README.md")
    page = (REPOSITORY / "docs/updating.md").read_text(encoding="utf-8")
    assert "[tool.cruft] skip" in page
    assert "[tool.alembic-starter] replaced" in page


def test_an_edited_project_is_updated_without_conflict(
    template: Template, project: Rendering, releases: dict[str, Rendering]
) -> None:
    path = project.path
    yours, theirs = lists(project)
    for name in YOURS:
        first_line(path / name, "")
        mark(path / name, "from the user")
    (path / "app/models/team.py").unlink()
    (path / "app/models/product.py").write_text('"""Mine."""\n', encoding="utf-8")
    (path / "migrations/versions/mine.py").write_text('revision = "1"\n', encoding="utf-8")
    (path / "tests/test_mine.py").write_text('"""Mine."""\n', encoding="utf-8")
    (path / ".pre-commit-config.yaml").unlink()
    for name in SHARED:
        first_line(path / name, "# from the user" if name == "Makefile" else "")
    git(path, "add --all")
    git(path, "commit --quiet --message=mine")
    before = own_files(project)

    _, update, *_ = blocks(project)
    said = type_in(template, project, update)
    assert "conflict" not in said

    after = own_files(project)
    assert git(path, "ls-files --unmerged") == ""
    assert not [name for name in after if name.endswith((".rej", ".orig"))]
    assert below(after, yours) == below(before, yours)
    assert below(after, theirs) == below(own_files(releases[NEW]), theirs)
    assert NEWS in after
    assert GONE not in after
    for name in ("tests/test_mine.py", "app/models/product.py"):
        assert after[name] == before[name]
    assert ".pre-commit-config.yaml" not in after
    assert "# from the user" in project.read("Makefile").partition("\n")[0]
    for name in SHARED:
        assert "from the template" in project.read(name), name
    state = json.loads(project.read(".cruft.json"))
    assert state["commit"] == git(template.path, f"rev-parse {NEW}").strip()


def test_an_updated_project_still_works(
    template: Template, renderer: Renderer, project: Rendering
) -> None:
    """The commands of the page, to the end."""
    (project.path / ".venv").symlink_to(renderer.environment(project, ""))
    # The project's .gitignore has the folder, and this is a link.
    (project.path / ".git/info/exclude").write_text(".venv\n", encoding="utf-8")
    _, update, finish, _ = blocks(project)
    type_in(template, project, update)
    project.used = True
    try:
        said = type_in(template, project, finish)
    finally:
        project.stop()
    assert "passed" in said
    assert git(project.path, "status --porcelain") == ""
    done = template.cruft("check --checkout " + NEW, project.path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_conflict_is_shown_where_it_is_and_nowhere_else(
    template: Template, project: Rendering, releases: dict[str, Rendering]
) -> None:
    path = project.path
    for name in ("Makefile", "README.md", "migrator/plan.py"):
        mark(path / name, "from the user, in the same place")
    git(path, "commit --quiet --all --message=mine")
    _, update, _, theirs = blocks(project)
    said = type_in(template, project, update)
    assert "with conflicts" in said
    status = git(path, "status --short")
    assert set(re.findall(r"^UU (.*)$", status, re.MULTILINE)) == {"Makefile", "migrator/plan.py"}
    assert "<<<<<<<" in project.read("Makefile")
    assert "from the template" in project.read("alembic.ini"), "the others are merged"
    assert "from the template" not in project.read("README.md")

    type_in(template, project, theirs)
    mine, replaced = lists(project)
    assert below(own_files(project), replaced) == below(own_files(releases[NEW]), replaced)
    assert re.findall(r"^UU (.*)$", git(path, "status --short"), re.M) == ["Makefile"]
    assert mine


def test_a_project_of_cookiecutter_s_can_be_linked(
    template: Template, releases: dict[str, Rendering], project: Rendering
) -> None:
    expected = project.read(".cruft.json")
    git(project.path, "rm --quiet .cruft.json")
    git(project.path, "commit --quiet --message='without it'")
    link, update, *_ = blocks(project)
    answers = shlex.quote(json.dumps(releases[OLD].answers))
    link[0] = link[0].replace(NEW, OLD).replace("TEMPLATE", str(template.path))
    type_in(template, project, [f"{link[0]} --no-input --extra-context {answers}", *link[1:]])
    linked = json.loads(project.read(".cruft.json"))
    assert linked["commit"] == json.loads(expected)["commit"]
    type_in(template, project, update)
    assert "from the template" in project.read("migrator/plan.py")


def test_uncommitted_work_is_not_touched(template: Template, project: Rendering) -> None:
    mark(project.path / "Makefile", "not committed")
    before = own_files(project)
    done = template.cruft(f"update --skip-apply-ask --checkout {NEW}", project.path)
    assert done.returncode != 0
    assert "clean" in done.stdout + done.stderr
    assert own_files(project) == before
    assert files_of(project.path).keys() >= before.keys()
