"""Which revisions lint looks at if nobody names any, and what it says about that."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Renderer, Rendering
from tests.lint.test_lint import FIRST, LINT, found, write

DROP = 'op.drop_column("users", "name")'
FORMATTED = f'''"""rename"""

from alembic import op

revision = "rename"
down_revision = "{FIRST}"
branch_labels = None
depends_on = None
phase = "contract"


def upgrade() -> None:
    op.alter_column("users", "name", new_column_name="label")


def downgrade() -> None:
    op.alter_column("users", "label", new_column_name="name")
'''
RENAME = 'op.alter_column("users", "name", new_column_name="label")'


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody with a name; return what it prints."""
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def project(project: Rendering) -> Iterator[Rendering]:
    """The shared project, whose git repository is removed afterwards."""
    yield project
    shutil.rmtree(project.path / ".git", ignore_errors=True)


@pytest.fixture
def repository(project: Rendering) -> Rendering:
    """The project on its branch main, all committed; its database is at the first revision."""
    project.make("upgrade to=5f2c81d0a7e4")
    git(project.path, "init", "--quiet", "--initial-branch=main")
    (project.path / ".git/info/exclude").write_text(".venv\n", "utf-8")
    commit(project)
    return project


def commit(project: Rendering, message: str = "more") -> None:
    git(project.path, "add", ".")
    git(project.path, "commit", "--quiet", "--allow-empty", f"--message={message}")


def switch(project: Rendering, name: str) -> None:
    git(project.path, "switch", "--quiet", "--create", name)


def said(project: Rendering, arguments: str = "", **env: str) -> str:
    """What lint says about what it looked at."""
    done = project.run(f"{LINT} --no-trace {arguments}", env=env)
    assert "Traceback" not in done.stderr
    assert "no revisions" not in done.stderr
    return " ".join(done.stderr.split())


@pytest.mark.parametrize("kept", ["committed", "staged", "untracked"])
def test_what_the_branch_adds_whether_committed_or_not(repository: Rendering, kept: str) -> None:
    switch(repository, "add-invoices")
    write(repository, DROP, name="a")
    if kept == "committed":
        commit(repository)
    elif kept == "staged":
        git(repository.path, "add", ".")
    write(repository, 'op.execute("SELECT 1")', name="b", down="case_a")
    words = "1 finding in 2 revisions that branch add-invoices adds to main."
    assert words in said(repository)
    assert words in said(repository, "--added")
    assert words.replace("main", "HEAD~0") in said(repository, "--base HEAD~0") or kept == (
        "committed"
    )


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        (["origin/trunk", "origin/main", "HEAD"], "origin/trunk"),
        (["origin/main", "origin/master", "main"], "origin/main"),
        (["origin/master"], "origin/master"),
        ([], "main"),
    ],
)
def test_the_main_branch_is_found(
    repository: Rendering, references: list[str], expected: str
) -> None:
    for name in references:
        if name == "HEAD":
            head = ("refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
            git(repository.path, "symbolic-ref", *head)
        elif name != "main":
            git(repository.path, "update-ref", f"refs/remotes/{name}", "HEAD")
    switch(repository, "b")
    write(repository, DROP)
    assert f"1 revision that branch b adds to {expected}." in said(repository)


def test_the_target_of_a_merge_request_comes_first(repository: Rendering) -> None:
    git(repository.path, "update-ref", "refs/remotes/origin/release", "HEAD")
    git(repository.path, "switch", "--quiet", "--detach")
    write(repository, DROP)
    commit(repository)
    words = said(repository, GITHUB_BASE_REF="release", GITHUB_HEAD_REF="feature")
    assert "1 revision that branch feature adds to origin/release." in words
    words = said(repository, CI_MERGE_REQUEST_TARGET_BRANCH_NAME="release")
    assert "that this checkout, which is on no branch, adds to origin/release" in words
    words = said(repository, GITHUB_BASE_REF="nowhere")
    assert "There is no branch or commit origin/nowhere here" in words


def test_on_the_main_branch_itself(repository: Rendering) -> None:
    write(repository, DROP)
    assert "1 finding in 1 revision not committed yet." in said(repository)
    commit(repository)
    # It is committed, no remote has it, and the database does not: it is pending.
    pending = f"1 finding in 1 revision pending in the database my_service, which is at {FIRST}."
    assert pending in said(repository)
    assert "1 finding in 1 revision (the newest)." in said(repository, "--added")
    git(repository.path, "update-ref", "refs/remotes/origin/main", "HEAD~1")
    assert "1 revision that branch main adds to origin/main." in said(repository)
    git(repository.path, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert pending in said(repository)
    none = "Nothing to look at. Compared with origin/main, branch main adds no revision."
    assert none in said(repository, "--added")


def test_if_there_is_nothing_it_says_why_and_what_to_type(repository: Rendering) -> None:
    switch(repository, "b")
    words = said(repository)
    assert "Compared with main, branch b adds no revision" in words
    assert "nothing is pending in the database my_service" in words
    assert "`make lint-migrations from=base` for all of them" in words
    assert repository.run(f"{LINT} --json").stdout.startswith("{")


def test_without_a_repository_it_is_what_is_pending_or_the_newest(project: Rendering) -> None:
    project.make("upgrade to=5f2c81d0a7e4")
    assert "There is no git repository here to compare with" in said(project)
    assert "No findings in 1 revision (the newest)." in said(project)
    write(project, RENAME)
    pending = "1 finding in 1 revision pending in the database my_service"
    assert pending in said(project)
    assert "1 finding in 1 revision (the newest)." in said(project, "--added")
    git(project.path, "init", "--quiet")
    assert "There is no commit here to compare with" in said(project)
    assert pending in said(project)
    assert project.run(f"{LINT} --base nowhere").returncode == 2


def test_git_is_not_needed(project: Rendering) -> None:
    write(project, RENAME)
    words = said(project, "--added", PATH="/nowhere")
    assert "There is no git repository here to compare with" in words
    assert "1 finding in 1 revision (the newest)." in words


def test_a_shallow_clone_says_how_to_get_the_history(repository: Rendering, tmp_path: Path) -> None:
    git(repository.path, "branch", "fork")
    commit(repository, "on main")  # with the same message it would be the same commit
    git(repository.path, "switch", "--quiet", "fork")
    commit(repository)
    git(repository.path, "switch", "--quiet", "main")
    url = repository.path.as_uri()
    clone = tmp_path / "clone"
    git(
        tmp_path,
        "clone",
        "--quiet",
        "--depth=1",
        "--no-single-branch",
        "--branch=fork",
        url,
        str(clone),
    )
    python = repository.path / ".venv/bin/python"
    done = subprocess.run(
        [python, "-m", "migrator", "lint", "--added", "--no-trace"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "this clone is shallow" in done.stderr
    assert "git fetch --unshallow" in done.stderr


def test_base_head_is_what_is_not_committed(project: Rendering) -> None:
    write(project, DROP, name="old")
    git(project.path, "init", "--quiet", "--initial-branch=main")
    (project.path / ".git/info/exclude").write_text(".venv\n", "utf-8")
    everything = "2 revisions that branch main adds to an empty repository"
    assert everything in said(project, "--base HEAD")
    commit(project)
    words = said(project, "--base HEAD")
    assert "Nothing to look at. Compared with HEAD, branch main adds no revision." in words
    switch(project, "branch")
    write(project, 'op.drop_table("invoices")', name="new", down="case_old")
    assert "1 finding in 1 revision not committed yet." in said(project, "--base HEAD")
    assert [rule for rule, _ in found(project, "--base main")] == ["ban-drop-table"]
    assert project.run(f"{LINT} --base nowhere").returncode == 2


def test_make_check_fails_as_the_pipeline_does(renderer: Renderer) -> None:
    """A rename by hand, which the models follow, so that nothing else is wrong."""
    with renderer.stopping():
        project = renderer.ready()
        git(project.path, "init", "--quiet", "--initial-branch=main")
        (project.path / ".git/info/exclude").write_text(".venv\n", "utf-8")
        commit(project)
        switch(project, "rename")
        path = project.path / "migrations/versions/rename.py"
        path.write_text(FORMATTED, "utf-8")
        model = project.path / "app/models/user.py"
        old = "    name: Mapped[ShortText]"
        text = model.read_text("utf-8").replace(old, f'{old} = mapped_column("label")')
        model.write_text(text, "utf-8")
        project.make("snapshot")
        project.make("check-migrations check-history")
        done = project.run("make check")
        assert done.returncode == 2, done.stdout + done.stderr
        assert "renaming-column" in done.stdout
        assert "1 revision that branch rename adds to main" in done.stderr
