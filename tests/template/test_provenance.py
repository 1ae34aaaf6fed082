"""What a rendering knows of where it came from, and what `--version` says of it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

import migrator
from migrator.errors import UsageError
from tests.conftest import Renderer, Rendering
from tests.template.versions import LIBRARY, Template, git, new_template

RECORD = f"{LIBRARY}/src/migrator/commit.txt"


@pytest.fixture
def template(renderer: Renderer, tmp_path: Path) -> Template:
    """A repository of the template with one commit, which is tagged 2026.11.1."""
    made = new_template(renderer, tmp_path / "git/alembic-starter")
    made.commit("2026.11.1")
    return made


def version(project: Rendering) -> str:
    """What `--version` prints with the library that a rendering has."""
    source = {"PYTHONPATH": str(project.path / LIBRARY / "src")}
    done = project.run(f"{sys.executable} -m migrator --version", env=source)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def origin(project: Rendering) -> str:
    """The address that a rendering has recorded."""
    return str(json.loads(project.read(f"{LIBRARY}/template.json"))["template"])


def test_each_way_to_render_gives_a_real_folder_and_records_the_commit(
    template: Template, tmp_path: Path
) -> None:
    commit = git(template.path, "rev-parse HEAD").strip()
    address = template.path.as_uri()
    made = {
        "path": template.cookiecutter(tmp_path / "path"),
        "relative path": template.cookiecutter(
            tmp_path / "relative", template="../git/alembic-starter"
        ),
        "git URL": template.cookiecutter(tmp_path / "url", template=address),
        "abbreviation": template.cookiecutter(
            tmp_path / "short", template="up:alembic-starter", env=abbreviations(template, tmp_path)
        ),
        "cruft": template.create(tmp_path / "cruft", "2026.11.1", {}),
    }
    for way, project in made.items():
        folder = project.path / LIBRARY
        assert folder.is_dir() and not folder.is_symlink(), way
        assert (folder / "src/migrator/cli.py").is_file(), way
        assert project.read(RECORD) == f"{commit}\n", way
        assert version(project) == f"{migrator.__version__} (commit {commit})", way
    expected = str(template.path)
    assert origin(made["path"]) == origin(made["relative path"]) == expected
    assert origin(made["cruft"]) == expected
    assert origin(made["git URL"]) == origin(made["abbreviation"]) == address


def abbreviations(template: Template, folder: Path) -> dict[str, str]:
    """A configuration of cookiecutter's in which `up:` stands for where the template is."""
    config = folder / "config.yaml"
    config.write_text(
        f"cookiecutters_dir: {folder / 'clones'}\nreplay_dir: {folder / 'replay'}\n"
        f"abbreviations:\n  up: {template.path.parent.as_uri()}/{{0}}\n",
        encoding="utf-8",
    )
    return {"COOKIECUTTER_CONFIG": str(config)}


def test_git_has_all_of_the_library(template: Template, tmp_path: Path) -> None:
    """The project's .gitignore must not keep a file of the library out."""
    project = template.cookiecutter(tmp_path / "made")
    git(project.path, "init --quiet")
    git(project.path, "add --all")
    tracked = set(git(project.path, "ls-files vendor").splitlines())
    assert tracked == {name for name in project.files() if name.startswith("vendor/")}


def test_a_modified_template_is_said_so(template: Template, tmp_path: Path) -> None:
    commit = git(template.path, "rev-parse HEAD").strip()
    (template.path / "notes.txt").write_text("Not a part of a rendering.\n", encoding="utf-8")
    assert "uncommitted" not in version(template.cookiecutter(tmp_path / "notes"))
    names = ("library/src/migrator/news.py", "{{cookiecutter.project_slug}}/app/news.py")
    for number, name in enumerate(names):
        (template.path / name).write_text('"""New."""\n', encoding="utf-8")
        project = template.cookiecutter(tmp_path / str(number))
        said = version(project)
        assert said == f"{migrator.__version__} (commit {commit}, with uncommitted changes)"
        (template.path / name).unlink()


def test_without_a_repository_only_the_version_is_said(
    template: Template, renderer: Renderer, tmp_path: Path
) -> None:
    """Nor is the commit of somebody else's repository, in which the template was unpacked."""
    around = tmp_path / "around"
    around.mkdir()
    git(around, "init --quiet")
    git(around, "commit --quiet --allow-empty --message=theirs")
    shutil.copytree(renderer.template, around / "template", symlinks=True)
    project = template.cookiecutter(tmp_path / "made", template=str(around / "template"))
    assert RECORD not in project.files()
    assert version(project) == migrator.__version__


def test_without_git_only_the_version_is_said(template: Template, tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    project = template.cookiecutter(tmp_path / "made", env={"PATH": str(empty)})
    assert RECORD not in project.files()
    assert version(project) == migrator.__version__


def test_a_login_in_the_address_is_not_recorded(template: Template, tmp_path: Path) -> None:
    git(template.path, "remote add origin https://ann:secret@example.org/alembic-starter")
    clones = tmp_path / "clones"
    shutil.copytree(template.path, clones / "starter", symlinks=True)
    config = tmp_path / "config.yaml"
    config.write_text(f"cookiecutters_dir: {clones}\nreplay_dir: {tmp_path}\n", encoding="utf-8")
    env = {"COOKIECUTTER_CONFIG": str(config)}
    project = template.cookiecutter(tmp_path / "made", template="starter", env=env)
    assert origin(project) == "https://example.org/alembic-starter"
    assert not [name for name, text in project.files().items() if b"secret@" in text]


def test_the_commit_of_an_installation_from_git_is_said(template: Template, tmp_path: Path) -> None:
    """PEP 610: what installs from git writes the commit down."""
    commit = git(template.path, "rev-parse HEAD").strip()
    target = tmp_path / "installed"
    source = f"alembic-starter @ git+{template.path.as_uri()}@2026.11.1#subdirectory=library"
    done = template.run(
        ["uv", "venv", "--quiet", "--python", sys.executable, str(target)], tmp_path
    )
    assert done.returncode == 0, done.stderr
    python = str(target / "bin/python")
    done = template.run(["uv", "pip", "install", "--quiet", "--python", python, source], tmp_path)
    assert done.returncode == 0, done.stderr
    said = template.run([str(target / "bin/migrator"), "--version"], tmp_path)
    assert said.stdout == f"{migrator.__version__} (commit {commit})\n"


def test_old_names_of_modules_can_be_imported() -> None:
    from alembic.config import Config

    from migrator.config import target, urls
    from migrator.settings import database_url
    from migrator.urls import normalise
    from migrator.waiting import until_expected

    assert database_url is target.database_url
    assert normalise is urls.normalise
    nowhere = Config(attributes={"settings": {"allow_ahead": True, "connect_timeout": 1}})
    with pytest.raises(UsageError, match="No database"):
        until_expected(nowhere, 0)
