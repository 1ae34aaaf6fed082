"""`make check-history` from the outside: branches of a real git repository, against its main."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import Renderer, Rendering

FIRST = "5f2c81d0a7e4"
VERSIONS = Path("migrations/versions")
REVISION = '''"""{title}

Revision ID: {revision}
"""

from alembic import op

revision = "{revision}"
down_revision = {parent!r}
branch_labels = None
depends_on = None
{more}

def upgrade() -> None:
    """{title}."""
    op.execute("SELECT 1")


def downgrade() -> None:
    pass
'''
PEOPLE = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.org"} | {
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}
ENV: dict[str, str | None] = dict(PEOPLE)


class Branch:
    """A project on the branch `work`, which left `main` after the revisions 5f2c, b and c."""

    def __init__(self, project: Rendering) -> None:
        self.project = project

    def git(self, command: str) -> str:
        done = self.project.run(f"git {command}", env=ENV)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def commit(self, message: str = "change") -> None:
        self.git("add --all")
        self.git(f"commit --quiet --message='{message}'")

    def revision(self, name: str, parent: object, more: str = "") -> Path:
        path = self.file(f"{name}.py")
        text = REVISION.format(title=f"revision {name}", revision=name, parent=parent, more=more)
        path.write_text(text, encoding="utf-8")
        return path

    def file(self, name: str) -> Path:
        return self.project.path / VERSIONS / name

    def edit(self, name: str, old: str, new: str) -> None:
        text = self.file(name).read_text(encoding="utf-8")
        assert old in text
        self.file(name).write_text(text.replace(old, new), encoding="utf-8")

    def guard(self, base: str = "main", **env: str) -> tuple[int, str]:
        """The exit code and everything that was said."""
        option = f"--base {base}" if base else ""
        done = self.project.run(f".venv/bin/python -m migrator guard {option}", env={**ENV, **env})
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Rendering:
    """A project whose repository has main, with three revisions, and no branch yet."""
    branch = Branch(renderer.ready(database="sqlite"))
    branch.revision("b", FIRST)
    branch.revision("c", "b")
    branch.git("init --quiet --initial-branch=main")
    branch.commit()
    return branch.project


@pytest.fixture
def branch(project: Rendering, tmp_path: Path) -> Branch:
    """A copy of the project, on the branch `work`."""
    shutil.copytree(project.path, tmp_path / "copy", symlinks=True)
    copy = Branch(Rendering(tmp_path / "copy", project.answers, project.warm))
    copy.git("switch --quiet --create work")
    return copy


def test_what_only_looks_different_is_no_edit(branch: Branch) -> None:
    branch.edit("b.py", '"""revision b."""', '"""Explained better."""\n    # Why: to test.')
    branch.edit("b.py", 'op.execute("SELECT 1")', "op.execute(\n        'SELECT 1',\n    )")
    branch.edit("b.py", "from alembic", "from collections.abc import Sequence\n\nfrom alembic")
    branch.edit("b.py", "branch_labels =", "branch_labels: str | Sequence[str] | None =")
    branch.file("2026").mkdir()
    branch.file("c.py").rename(branch.file("2026/c_renamed.py"))
    branch.revision("d", "c")
    branch.commit()
    code, said = branch.guard()
    assert (code, said) == (0, "All revisions of main (3) are as they were; 1 added.\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SELECT 1", "SELECT 2"),
        ("    pass", "    op.execute('SELECT 3')"),
        ("depends_on = None", f"depends_on = '{FIRST}'"),
        ("branch_labels = None", "branch_labels = ('other',)"),
        ("def downgrade", "def helper() -> int:\n    return 1\n\n\ndef downgrade"),
    ],
)
def test_an_edit_is_refused_before_and_after_it_is_committed(
    branch: Branch, old: str, new: str
) -> None:
    branch.edit("b.py", old, new)
    before = branch.guard()
    branch.commit()
    assert branch.guard() == before
    code, said = before
    assert code == 5
    assert "b (revision b) is edited" in said
    restore = said.partition("Restore it: `")[2].partition("`")[0]
    branch.git(restore.removeprefix("git "))
    assert branch.guard()[0] == 0, restore


def test_an_edit_that_a_commit_declares_is_let_through(branch: Branch) -> None:
    branch.edit("b.py", "SELECT 1", "SELECT 2")
    branch.commit("Fix b\n\nNo database has it yet.\n\nEdits-Revision: b")
    assert branch.guard()[0] == 0
    branch.edit("c.py", "SELECT 1", "SELECT 2")
    assert branch.guard()[0] == 5


def test_a_deletion_is_refused(branch: Branch) -> None:
    branch.file("c.py").unlink()
    branch.commit()
    code, said = branch.guard()
    assert code == 5
    assert "c (revision c) is deleted" in said
    assert "is edited" not in said


def test_a_new_identifier_is_a_deletion(branch: Branch) -> None:
    branch.edit("c.py", 'revision = "c"', 'revision = "d"')
    code, said = branch.guard()
    assert code == 5
    assert "c (revision c) is deleted" in said


def test_a_revision_put_between_two_is_refused(branch: Branch) -> None:
    branch.revision("between", "b")
    branch.edit("c.py", "down_revision = 'b'", "down_revision = 'between'")
    code, said = branch.guard()
    assert code == 5
    assert "c (revision c) follows between here, and b on main" in said
    assert "is edited" not in said


def test_everything_wrong_is_said_at_once(branch: Branch) -> None:
    branch.edit("b.py", "SELECT 1", "SELECT 2")
    branch.file("c.py").unlink()
    code, said = branch.guard()
    assert code == 5
    assert "b (revision b) is edited" in said
    assert "c (revision c) is deleted" in said


@pytest.mark.parametrize("kept_name", [False, True])
def test_a_squash_may_replace_revisions(branch: Branch, kept_name: bool) -> None:
    replaced = (FIRST, "b")
    for path in branch.file("").glob("*.py"):
        if path.name != "c.py":
            path.unlink()
    if kept_name:
        branch.revision("b", None, f"replaces = {replaced[:1]}")
    else:
        branch.revision("s", None, f"replaces = {replaced}")
        branch.edit("c.py", "down_revision = 'b'", "down_revision = 's'")
    branch.commit()
    code, said = branch.guard()
    assert code == 0, said
    branch.edit("c.py", "SELECT 1", "SELECT 2")
    assert branch.guard()[0] == 5


def test_a_squash_does_not_cover_others(branch: Branch) -> None:
    for path in branch.file("").glob("*.py"):
        path.unlink()
    branch.revision("s", None, f"replaces = ('{FIRST}', 'b')")
    code, said = branch.guard()
    assert code == 5
    assert "c (revision c) is deleted" in said
    assert "b (revision b)" not in said


def test_two_heads_after_a_merge_are_explained_and_mended_by_the_words(branch: Branch) -> None:
    branch.revision("mine", "c")
    branch.commit()
    branch.git("switch --quiet main")
    branch.revision("theirs", "c")
    branch.commit()
    branch.git("switch --quiet work")
    code, said = branch.guard()
    assert code == 5
    assert "two heads after a merge: mine (revision mine) here and theirs" in said
    branch.git("merge --quiet --no-edit main")
    code, said = branch.guard()
    assert code == 5
    assert "2 heads (mine (revision mine), theirs (revision theirs))" in said
    done = branch.project.run("make merge m=merge", env=ENV)
    assert done.returncode == 0, done.stdout + done.stderr
    assert branch.guard()[0] == 0


def test_a_revision_whose_parent_was_squashed_on_main_is_told_so(branch: Branch) -> None:
    branch.revision("mine", "c")
    branch.commit()
    branch.git("switch --quiet main")
    for path in branch.file("").glob("*.py"):
        path.unlink()
    branch.revision("s", None, f"replaces = ('{FIRST}', 'b', 'c')")
    branch.commit()
    branch.git("switch --quiet work")
    code, said = branch.guard()
    assert code == 5
    assert "mine (revision mine) follows c, which main no longer has" in said


def test_main_itself_is_always_fine(branch: Branch) -> None:
    branch.git("switch --quiet main")
    assert branch.guard("")[0] == 0


def test_a_moved_folder_of_revisions_is_found(branch: Branch) -> None:
    branch.project.path.joinpath("migrations").rename(branch.project.path / "schema")
    ini = branch.project.path / "alembic.ini"
    text = ini.read_text(encoding="ascii")
    ini.write_text(text.replace("%(here)s/migrations", "%(here)s/schema"), encoding="ascii")
    assert branch.guard()[0] == 0
    (branch.project.path / "schema/versions/c.py").unlink()
    code, said = branch.guard()
    assert code == 5
    assert "c (revision c) is deleted" in said


def test_a_project_in_a_folder_of_the_repository(branch: Branch, tmp_path: Path) -> None:
    root = tmp_path / "mono repo"
    root.mkdir()
    branch.project.path.rename(root / "service")
    (root / "service/.git").rename(root / ".git")
    inner = Branch(Rendering(root / "service", branch.project.answers))
    inner.git("switch --quiet main")
    inner.commit("move")
    inner.git("switch --quiet --create other")
    assert inner.guard()[0] == 0
    inner.edit("b.py", "SELECT 1", "SELECT 2")
    code, said = inner.guard()
    assert code == 5
    inner.git(said.partition("Restore it: `git ")[2].partition("`")[0])
    assert inner.guard()[0] == 0


@pytest.mark.parametrize(
    "variable", ["GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "neither"]
)
def test_ci_compares_with_the_target_branch_of_a_whole_clone(
    branch: Branch, tmp_path: Path, variable: str
) -> None:
    branch.edit("b.py", "SELECT 1", "SELECT 2")
    branch.commit()
    whole = cloned(branch, tmp_path / "whole", "")
    code, said = whole.guard("", **{variable: "main"})
    assert code == 5
    assert "Compared with origin/main" in said


def test_a_shallow_clone_says_what_to_do(branch: Branch, tmp_path: Path) -> None:
    branch.revision("d", "c")
    branch.commit()
    shallow = cloned(branch, tmp_path / "shallow", "--depth=1 --branch=work")
    code, said = shallow.guard("", GITHUB_BASE_REF="main")
    assert code == 2
    assert "shallow" in said
    assert "fetch-depth: 0" in said
    assert "GIT_DEPTH" in said
    done = shallow.project.run("make check-history", env={**ENV, "GITHUB_BASE_REF": "main"})
    assert done.returncode != 0, "a clone that cannot tell must not pass in CI"
    shallow.git("fetch --quiet --unshallow origin +refs/heads/*:refs/remotes/origin/*")
    assert shallow.guard("", GITHUB_BASE_REF="main")[0] == 0


def test_without_a_main_branch_make_check_goes_on(branch: Branch) -> None:
    branch.git("branch --quiet --delete --force main")
    done = branch.project.run("make check-history", env=ENV)
    assert done.returncode == 0
    assert "no main branch here" in done.stdout
    assert branch.guard("")[0] == 2
    code, said = branch.guard("main")
    assert code == 2
    assert "There is no branch or commit main here" in said
    shutil.rmtree(branch.project.path / ".git")
    assert branch.project.run("make check-history", env=ENV).returncode == 0
    assert branch.guard("main")[0] == 2


def test_make_check_refuses_and_takes_a_base(branch: Branch) -> None:
    branch.edit("b.py", "SELECT 1", "SELECT 2")
    branch.commit()
    assert branch.project.run("make check-history", env=ENV).returncode != 0
    dry = branch.project.run("make --dry-run check", env=ENV)
    assert "migrator guard --optional" in dry.stdout
    done = branch.project.run("make check-history base=work", env=ENV)
    assert done.returncode == 0
    assert "All revisions of work" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("def upgrade", "def def upgrade", "cannot be read as a revision"),
        ('revision = "c"', 'revision = "c" + suffix', "written out as text"),
        ('revision = "c"', 'revision = "b"', "the same revision b"),
    ],
)
def test_files_that_are_no_revisions_are_named(
    branch: Branch, old: str, new: str, word: str
) -> None:
    branch.edit("c.py", old, new)
    code, said = branch.guard()
    assert code == 1
    assert word in said
    assert "c.py" in said


def test_other_python_in_the_folder_does_not_count(branch: Branch) -> None:
    branch.file("helper.py").write_text("revision = 'none'\n", encoding="utf-8")
    assert branch.guard()[0] == 0


def cloned(branch: Branch, target: Path, options: str) -> Branch:
    """A clone of the branch's repository."""
    branch.git(f"clone --quiet {options} 'file://{branch.project.path}' '{target}'")
    # The link to the shared packages came along; else make would install again.
    shutil.copystat(target / ".venv/installed", target / "pyproject.toml")
    return Branch(Rendering(target, branch.project.answers))
