"""`make update`, and `cruft update` as it is, from one tagged version of the template to the next.

The next version is made here: this one, with a change in a file of each kind.
"""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import subprocess
import tarfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from migrator.errors import UsageError
from migrator.template import programs
from migrator.template.merge import Outcome, Update, temporary_folder
from tests.conftest import (
    REPOSITORY,
    TEMPLATE_FOLDER,
    Answer,
    Renderer,
    Rendering,
    every_choice,
    literally,
)
from tests.template.versions import (
    LIBRARY,
    Template,
    below,
    first_line,
    git,
    mark,
    new_template,
    own_files,
    repository,
    uv_folder,
)

OLD, BETWEEN, NEW = "2026.9.9", "between", "2026.10.0"
# The last commit before the migration tool became a library.
BEFORE_THE_LIBRARY = "4c96218f8aa785b96a31ac4c231e080d5fb3b075"
SOURCE = f"{LIBRARY}/src/migrator"
GONE = f"{SOURCE}/gone.py"  # is in the old version only
NEWS = f"{SOURCE}/news.py"  # is in the new one only
# Files of each kind that the new version changes.
YOURS = (
    "README.md",
    "app/settings.py",
    "app/models/user.py",
    "migrations/versions/2026_11_22_0900-5f2c81d0a7e4_teams_users_and_invoices.py",
    "migrations/catalog.txt",
    "schema.sql",
    "tests/test_models.py",
)
THEIRS = ("migrations.mk", f"{SOURCE}/revisions/pending.py", f"{SOURCE}/errors.py")
SHARED = ("Makefile", "alembic.ini", "alembic_prod.ini", "migrations/env.py", "tests/conftest.py")
# They say where a rendering came from, and so differ with the way that it was made.
RECORDS = (f"{LIBRARY}/template.json", f"{SOURCE}/commit.txt")


@pytest.fixture(scope="module")
def template(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Template:
    made = new_template(renderer, tmp_path_factory.mktemp("git") / "alembic-starter")
    inner = made.path / TEMPLATE_FOLDER
    (inner / GONE).write_text('"""What the next version does without."""\n', encoding="utf-8")
    made.commit(OLD)
    for name in SHARED[:2]:
        mark(inner / name, "between two releases")
    made.commit(BETWEEN)
    (inner / GONE).unlink()
    (inner / NEWS).write_text('"""What is new."""\n', encoding="utf-8")
    for name in (*YOURS, *THEIRS, *SHARED):
        mark(inner / name, "from the template")
    made.commit(NEW)
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
    return repository(Rendering(tmp_path / "my_service", releases[OLD].answers))


@pytest.fixture
def python(renderer: Renderer) -> str:
    """A Python with the library, as `make setup` installs it."""
    return str(renderer.environment(renderer.rendered(), "") / "bin/python")


def lists(project: Rendering) -> tuple[list[str], list[str]]:
    """The files of the user and those of the template, as the project says it."""
    tool = tomllib.loads(project.read("pyproject.toml"))["tool"]
    return tool["cruft"]["skip"], tool["alembic-starter"]["replaced"]


def blocks(project: Rendering) -> dict[str, list[str]]:
    """The commands of docs/updating.md, by the heading that they are under."""
    sections = re.split(r"^## (.*)$", project.read("docs/updating.md"), flags=re.MULTILINE)[1:]
    return {
        heading: "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
        for heading, text in zip(sections[::2], sections[1::2], strict=True)
    }


def update(
    template: Template, project: Rendering, python: str, options: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the command that `make update` runs, without the project's own environment."""
    return template.run([python, "-m", "migrator", "update", *shlex.split(options)], project.path)


def applied(
    project: Rendering, monkeypatch: pytest.MonkeyPatch, to: str = "", **changes: Answer
) -> Outcome:
    """Update a project, without the checks that the command ends with."""
    monkeypatch.setenv("PATH", str(uv_folder(project.path)), prepend=":")
    with temporary_folder() as scratch:
        change = Update(project.path, scratch, changes)
        target = change.target(to)
        assert target
        change.check_answers(target)
        return change.apply(target)


@pytest.mark.parametrize("answers", every_choice().values(), ids=every_choice().keys())
def test_cruft_create_gives_what_cookiecutter_gives(
    answers: dict[str, Answer], template: Template, renderer: Renderer, tmp_path: Path
) -> None:
    texts: dict[str, Answer] = {
        "project_name": '订单 "Orders" & Co\'s',
        "description": "收 #1: a \\ b",
    }
    made = template.create(tmp_path / "made", NEW, texts | answers)
    given = [f"{name}={answer}" for name, answer in (texts | answers).items()]
    plain = template.cookiecutter(tmp_path / "plain", *given)
    files = made.files()
    state = json.loads(files.pop(".cruft.json"))
    assert files == plain.files()
    assert state["checkout"] == NEW
    assert not [name for name in state["context"]["cookiecutter"] if "password" in name]


def test_each_file_has_one_owner_and_is_there(releases: dict[str, Rendering]) -> None:
    project = releases[NEW]
    yours, theirs = lists(project)
    files = own_files(project)
    for place in (*yours, *theirs):
        assert below(files, [place]), place
    assert not below(files, yours).keys() & below(files, theirs).keys()
    assert theirs == ["migrations.mk", "vendor"]
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


def test_the_pinned_cruft_is_the_one_that_is_tested_here() -> None:
    metadata = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    needs = [*metadata["project"]["dependencies"], *metadata["dependency-groups"]["dev"]]
    assert programs.CRUFT.replace("==", ">=").removesuffix(".0") in needs
    assert programs.COOKIECUTTER.replace("==", ">=") in needs


def edit(project: Rendering, yours: Sequence[str] = YOURS) -> dict[str, bytes]:
    """Change files of each kind as people do, commit that, and return the project's files."""
    path = project.path
    for name in yours:
        mark(path / name, "from the user")
    (path / "app/models/product.py").write_text('"""Mine."""\n', encoding="utf-8")
    (path / "tests/test_mine.py").write_text('"""Mine."""\n', encoding="utf-8")
    (path / ".pre-commit-config.yaml").unlink()
    for name in SHARED:
        first_line(path / name, "# from the user" if name == "Makefile" else "")
    git(path, "add --all")
    git(path, "commit --quiet --message=mine")
    return own_files(project)


def assert_updated(
    project: Rendering, before: dict[str, bytes], releases: dict[str, Rendering], commit: str
) -> None:
    """Each file is as its owner wants it, and nothing is in conflict."""
    yours, theirs = lists(project)
    after = own_files(project)
    assert git(project.path, "ls-files --unmerged") == ""
    assert not [name for name in after if name.endswith((".rej", ".orig"))]
    assert below(after, yours) == below(before, yours)
    new = own_files(releases[NEW])
    for name in RECORDS:
        assert (name in after) == (name in new)
    assert {n: text for n, text in below(after, theirs).items() if n not in RECORDS} == {
        n: text for n, text in below(new, theirs).items() if n not in RECORDS
    }
    assert after[f"{SOURCE}/commit.txt"].decode().strip() == commit
    assert NEWS in after
    assert GONE not in after
    for name in ("tests/test_mine.py", "app/models/product.py"):
        assert after[name] == before[name]
    assert ".pre-commit-config.yaml" not in after
    assert "# from the user" in project.read("Makefile").partition("\n")[0]
    for name in SHARED:
        assert "from the template" in project.read(name), name
    assert json.loads(project.read(".cruft.json"))["commit"] == commit


def test_cruft_alone_updates_an_edited_project_without_conflict(
    template: Template, project: Rendering, releases: dict[str, Rendering]
) -> None:
    before = edit(project)
    done = template.cruft(f"update --skip-apply-ask --checkout {NEW}", project.path)
    assert done.returncode == 0, done.stderr
    assert "conflict" not in done.stdout + done.stderr
    assert_updated(project, before, releases, git(template.path, f"rev-parse {NEW}").strip())


def test_make_update_brings_a_project_of_cookiecutter_s_to_the_newest_release(
    template: Template, releases: dict[str, Rendering], tmp_path: Path
) -> None:
    """The commands of the page, to the end, with answers that cruft alone would run as code."""
    text = '{{ 7*7 }} {% x %} "收" \\d'
    project = template.cookiecutter(
        tmp_path / "made",
        *(f"description={literally(text)}", "--checkout", OLD),
        template=template.path.as_uri(),
    )
    project.make("setup")  # with a uv of its own, which `make update` needs
    repository(project)
    # make check would find an edit of the snapshot, rightly.
    snapshot = ("migrations/catalog.txt", "schema.sql")
    before = edit(project, [name for name in YOURS if name not in snapshot])
    mark(project.path / SOURCE / "errors.py", "an edit that goes")
    (project.path / SOURCE / "mine.py").write_text('"""Mine."""\n', encoding="utf-8")
    (project.path / LIBRARY / "LICENSE").unlink()
    git(project.path, "add --all")
    git(project.path, "commit --quiet --message='where I should not'")
    commit = git(template.path, f"rev-parse {NEW}").strip()

    lines = blocks(project)["Each time"]
    assert lines[1] == "make update"
    said = ""
    project.used = True
    try:
        for line in lines:
            done = template.run(shlex.split(line), project.path)
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
            said += done.stdout
        version = project.run(".venv/bin/python -m migrator --version").stdout
    finally:
        project.stop()
    assert f"Updated to {NEW} ({commit}); nothing is committed yet." in said
    removed = re.findall(r"^  (vendor/.*)$", said, re.MULTILINE)
    assert removed == [
        f"{LIBRARY}/LICENSE (deleted)",
        f"{SOURCE}/errors.py (edited)",
        f"{SOURCE}/mine.py (added)",
    ]
    assert " passed" in said and "All checks passed. Review" in said
    assert version.strip().endswith(f"(commit {commit})")
    assert git(project.path, "status --porcelain") == ""
    assert_updated(project, before, releases, commit)
    state = json.loads(project.read(".cruft.json"))
    assert state["checkout"] == NEW and "skip" not in state
    assert state["context"]["cookiecutter"]["description"] == text
    assert json.loads(project.read(f"{LIBRARY}/template.json"))["answers"]["description"] == text

    again = project.run("make update")
    assert again.returncode == 0
    assert "Nothing to do" in again.stdout
    check = template.cruft(f"check --checkout {NEW}", project.path)
    assert check.returncode == 0, check.stdout


def test_a_project_of_between_two_releases_gets_no_change_twice(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linked to the last release instead, what it has already would end as .rej files."""
    project = repository(
        template.cookiecutter(
            tmp_path / "made", "--checkout", BETWEEN, template=template.path.as_uri()
        )
    )
    done = applied(project, monkeypatch)
    assert done.conflicts == [] and done.removed == []
    for name in SHARED[:2]:
        assert project.read(name).count("between two releases") == 1
        assert project.read(name).count("from the template") == 1


def test_a_newer_project_is_not_taken_back(template: Template, tmp_path: Path, python: str) -> None:
    """The branch is ahead of the newest release, as it is on most days."""
    ahead = Template(Path(shutil.copytree(template.path, tmp_path / "ahead")), template.renderer)
    git(ahead.path, f"tag --delete {NEW}")
    project = repository(ahead.create(tmp_path / "made", "main", {}))
    done = update(ahead, project, python)
    assert done.returncode == 0 and "Nothing to do" in done.stdout
    assert git(project.path, "status --porcelain") == ""


def test_without_a_release_the_branch_is_taken(
    template: Template, project: Rendering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    untagged = Path(shutil.copytree(template.path, tmp_path / "untagged"))
    for tag in (OLD, BETWEEN, NEW):
        git(untagged, f"tag --delete {tag}")
    state = json.loads(project.read(".cruft.json")) | {"template": str(untagged)}
    (project.path / ".cruft.json").write_text(json.dumps(state), encoding="utf-8")
    git(project.path, "commit --quiet --all --message=moved")
    done = applied(project, monkeypatch)
    assert (done.target.name, done.conflicts) == ("main", [])
    assert NEWS in project.files()


def test_a_conflict_is_shown_where_it_is_and_nowhere_else(
    template: Template, releases: dict[str, Rendering], tmp_path: Path, python: str
) -> None:
    """Also where git never had the template's files as they were: they were edited at once."""
    shutil.copytree(releases[OLD].path, tmp_path / "my_service")
    project = Rendering(tmp_path / "my_service", {})
    for name in ("Makefile", "README.md", f"{SOURCE}/revisions/pending.py"):
        mark(project.path / name, "from the user, in the same place")
    repository(project)
    done = update(template, project, python)
    assert done.returncode == 1
    assert "changed the same lines of Makefile: resolve" in done.stderr
    assert f"  {SOURCE}/revisions/pending.py (edited)" in done.stdout
    status = git(project.path, "status --short")
    assert set(re.findall(r"^UU (.*)$", status, re.MULTILINE)) == {"Makefile"}
    assert "<<<<<<<" in project.read("Makefile")
    assert "from the template" in project.read("alembic.ini"), "the others are merged"
    assert "from the template" not in project.read("README.md")
    assert not [name for name in project.files() if name.endswith(".rej")]
    replaced = lists(project)[1]
    assert below(own_files(project), replaced) == below(own_files(releases[NEW]), replaced)


def test_what_was_deleted_stays_deleted(
    project: Rendering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """vendor/ too: the package comes from somewhere else then."""
    git(project.path, "rm -r --quiet vendor compose.yaml")
    git(project.path, "commit --quiet --message=away")
    done = applied(project, monkeypatch)
    assert done.conflicts == [] and done.removed == []
    assert not (project.path / "vendor").exists()
    assert not (project.path / "compose.yaml").exists()
    assert "from the template" in project.read("migrations.mk")


def test_an_answer_can_be_changed(project: Rendering, monkeypatch: pytest.MonkeyPatch) -> None:
    assert blocks(project)["When an answer is no longer offered"] == [
        "make update answer=python_version=3.12"
    ]
    done = applied(project, monkeypatch, python_version="3.12", ci="gitlab")
    assert done.conflicts == []
    assert 'requires-python = ">=3.12"' in project.read("pyproject.toml")
    assert ".gitlab-ci.yml" in project.files()
    state = json.loads(project.read(".cruft.json"))["context"]["cookiecutter"]
    assert (state["python_version"], state["ci"]) == ("3.12", "gitlab")


def test_a_choice_that_is_gone_is_a_sentence(
    template: Template,
    project: Rendering,
    tmp_path: Path,
    python: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    future = Template(Path(shutil.copytree(template.path, tmp_path / "future")), template.renderer)
    for name in ("cookiecutter.json", "hooks/pre_gen_project.py"):
        text = (future.path / name).read_text(encoding="utf-8")
        (future.path / name).write_text(text.replace('"3.11", ', ""), encoding="utf-8")
    future.commit("2027.11.0")
    state = json.loads(project.read(".cruft.json")) | {"template": str(future.path)}
    (project.path / ".cruft.json").write_text(json.dumps(state), encoding="utf-8")
    git(project.path, "commit --quiet --all --message=moved")
    before = own_files(project)
    done = update(future, project, python)
    assert done.returncode == 2
    assert "2027.11.0 does not offer python_version=3.11, only 3.12, 3.13, 3.14" in done.stderr
    assert "make update answer=python_version=3.12" in done.stderr
    assert "Traceback" not in done.stderr
    assert own_files(project) == before
    with pytest.raises(UsageError, match="does not offer python_version="):
        applied(project, monkeypatch, python_version="2.7")
    assert applied(project, monkeypatch, python_version="3.12").conflicts == []
    assert 'requires-python = ">=3.12"' in project.read("pyproject.toml")


def test_answers_that_the_new_version_refuses_change_nothing(
    template: Template, project: Rendering, tmp_path: Path, python: str
) -> None:
    strict = Template(Path(shutil.copytree(template.path, tmp_path / "strict")), template.renderer)
    questions = json.loads((strict.path / "cookiecutter.json").read_bytes())
    questions["_reserved"]["a role of PostgreSQL's own"] += " my_service"
    (strict.path / "cookiecutter.json").write_text(json.dumps(questions), encoding="utf-8")
    strict.commit("2027.11.0")
    state = json.loads(project.read(".cruft.json")) | {"template": str(strict.path)}
    (project.path / ".cruft.json").write_text(json.dumps(state), encoding="utf-8")
    git(project.path, "commit --quiet --all --message=moved")
    done = update(strict, project, python)
    assert done.returncode == 1
    assert "cannot be rendered with this project's answers, so nothing was changed" in done.stderr
    assert "'my_service' is already the name of a role" in done.stderr
    assert "Traceback" not in done.stderr
    assert git(project.path, "status --porcelain") == ""
    assert git(project.path, "ls-files -v .cruft.json").startswith("H ")


def test_it_is_refused_with_a_sentence(template: Template, project: Rendering, python: str) -> None:
    """And nothing is changed."""

    def refused(code: int, sentence: str, options: str = "") -> None:
        before = own_files(project)
        done = update(template, project, python, options)
        assert done.returncode == code, done.stderr
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
        assert own_files(project) == before

    refused(2, "The template has no tag, branch or commit 2031.1.0.", "--to 2031.1.0")
    refused(2, "--answer takes NAME=VALUE", "--answer ci")
    refused(2, "The template does not ask for colour.", "--answer colour=red")

    mark(project.path / "Makefile", "not committed")
    refused(5, "There are changes that are not committed")
    git(project.path, "checkout --quiet Makefile")
    (project.path / "new.txt").write_text("", encoding="utf-8")
    refused(5, "?? new.txt")
    (project.path / "new.txt").unlink()

    state = json.loads(project.read(".cruft.json"))
    for changed, code, sentence in (
        ({"commit": "0" * 40}, 1, "does not have the commit 000000"),
        ({"template": str(project.path / "nowhere")}, 1, "cannot be cloned from"),
        ({"context": {}}, 2, "cannot be read"),
    ):
        (project.path / ".cruft.json").write_text(json.dumps(state | changed), encoding="utf-8")
        git(project.path, "commit --quiet --all --message=changed")
        refused(code, sentence)

    git(project.path, f"rm --quiet .cruft.json {SOURCE}/commit.txt")
    git(project.path, "commit --quiet --message=unknown")
    refused(2, "does not say which commit of the template it was made from")


def test_a_project_that_does_not_know_its_commit_can_be_linked(
    template: Template, project: Rendering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands of the page; the answers come by the option that it has for that."""
    expected = project.read(".cruft.json")
    git(project.path, f"rm --quiet .cruft.json {SOURCE}/commit.txt")
    git(project.path, "commit --quiet --message='without it'")
    link, *others = blocks(project)["When the project does not know its commit"]
    assert link == "uvx cruft link --checkout COMMIT TEMPLATE"
    link = link.removeprefix("uvx cruft ").replace("COMMIT", OLD)
    link = link.replace("TEMPLATE", str(template.path))
    done = template.cruft(f"{link} --no-input --extra-context {{}}", project.path)
    assert done.returncode == 0, done.stderr
    for line in others:
        assert template.run(shlex.split(line), project.path).returncode == 0, line
    linked = json.loads(project.read(".cruft.json"))
    assert linked["commit"] == json.loads(expected)["commit"]
    assert applied(project, monkeypatch).conflicts == []
    assert "from the template" in project.read(f"{SOURCE}/revisions/pending.py")


def test_a_project_from_before_the_library_is_updated_and_works(
    renderer: Renderer, tmp_path: Path
) -> None:
    """Its app/ and its revisions stay, and import modules by names that have moved since."""
    archive = subprocess.run(
        ["git", "archive", BEFORE_THE_LIBRARY], cwd=REPOSITORY, capture_output=True, check=False
    )
    assert archive.returncode == 0, (
        f"This clone does not reach back to {BEFORE_THE_LIBRARY}: git fetch --unshallow"
    )
    past = Template(tmp_path / "past", renderer)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(past.path, filter="fully_trusted")
    git(past.path, "init --quiet --initial-branch=main")
    past.commit(OLD)
    project = past.create(tmp_path / "made", OLD, {})
    past_files = own_files(project)
    git(past.path, "rm -r --quiet .")
    shutil.copytree(renderer.template, past.path, symlinks=True, dirs_exist_ok=True)
    past.commit(NEW)

    with_uv = {"PATH": renderer.path_with_uv()}
    project.make("setup", env=with_uv)
    repository(project)
    project.make("migrate")
    try:
        done = past.cruft(f"update --skip-apply-ask --checkout {NEW}", project.path)
        assert done.returncode == 0 and "conflict" not in done.stdout + done.stderr, done.stderr
        # git leaves what Python has compiled, in folders that hide nothing.
        assert not list((project.path / "migrator").rglob("*.py"))
        assert b"from migrator.settings import" in past_files["app/settings.py"]
        yours = ["app", "migrations/versions", "schema.sql", "tests/test_models.py"]
        assert below(own_files(project), yours) == below(past_files, yours)
        project.make("setup migrate check", env=with_uv)
        assert " passed" in project.make("test")
        commit = git(past.path, "rev-parse HEAD").strip()
        assert commit in project.run(".venv/bin/python -m migrator --version").stdout
        git(project.path, "add --all")
        git(project.path, "commit --quiet --message=updated")
        assert "Nothing to do" in past.run(["make", "update"], project.path).stdout
    finally:
        project.stop()
