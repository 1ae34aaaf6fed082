"""The library comes with the template, and can come from git, or into another project."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import migrator
from tests.conftest import REPOSITORY, TEMPLATE_FOLDER, Render, Renderer, Rendering
from tests.template.versions import LIBRARY, Template, git, new_template

README = REPOSITORY / "library/README.md"


def blocks(language: str, heading: str) -> list[str]:
    """The blocks of the library's README under a heading."""
    section = README.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2]
    return re.findall(rf"```{language}\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)


@pytest.fixture
def library(renderer: Renderer, tmp_path: Path) -> Template:
    """A git repository of the template with the version VERSION."""
    made = new_template(renderer, tmp_path / "git/alembic-starter")
    made.commit("VERSION")
    return made


def test_a_project_can_take_the_package_from_git(
    render: Render, renderer: Renderer, library: Template
) -> None:
    """As the README says it, with the address of a repository on this machine."""
    project = render(database="sqlite")
    by_path, from_git = blocks("toml", "Where the package comes from")
    metadata = project.path / "pyproject.toml"
    text = metadata.read_text(encoding="utf-8")
    line = by_path.splitlines()[1]
    assert text.count(line) == 1
    there = from_git.splitlines()[1].replace(
        "https://github.com/your-org/alembic-starter", library.path.as_uri()
    )
    metadata.write_text(text.replace(line, there), encoding="utf-8")
    shutil.rmtree(project.path / "vendor")
    project.make("setup", env={"PATH": renderer.path_with_uv()})
    project.make("migrate")
    project.make("lint")
    commit = git(library.path, "rev-parse HEAD").strip()
    version = project.run(".venv/bin/python -m migrator --version").stdout
    assert version.strip().endswith(f"(commit {commit})")
    assert commit in project.read("uv.lock")


@pytest.mark.parametrize("way", ["uv add", "pip install"])
def test_another_project_can_adopt_it(
    way: str, library: Template, renderer: Renderer, tmp_path: Path
) -> None:
    """migrations.mk asks whether the package can be imported, wherever it comes from."""
    other = Rendering(tmp_path / "other", {})
    other.path.mkdir()
    shutil.copy(renderer.template / TEMPLATE_FOLDER / "migrations.mk", other.path)
    (other.path / "pyproject.toml").write_text(
        '[project]\nname = "other"\nversion = "1"\nrequires-python = ">=3.11"\n', encoding="utf-8"
    )
    python = "PYTHON=.venv/bin/python"
    done = library.run(["uv", "venv", "--quiet", "--seed", "--python", sys.executable], other.path)
    assert done.returncode == 0, done.stderr
    before = other.run(f"make -f migrations.mk tables {python}")
    assert before.returncode == 2
    assert "needs the package alembic-starter" in before.stderr

    shutil.copytree(renderer.template / "library", other.path / LIBRARY)
    (typed,) = (
        re.search(rf"^(?:# or: )?({re.escape(way)} .*?)\s*$", line.strip())
        for line in re.split(r"\n|(?=# or: )", blocks("sh", "In another project")[0])
        if way in line and "--dev" not in line
    )
    assert typed
    command = typed[1].replace("[postgresql]", "[sqlite]").replace('"', "")
    if way == "pip install":
        command = f".venv/bin/python -m {command}"
    done = install(library, other, command)
    assert done.returncode == 0, done.stderr

    after = other.run(f"make -f migrations.mk tables {python}")
    assert after.returncode == 2
    assert "needs the package" not in after.stderr
    assert "There is no alembic.ini here" in after.stderr
    said = other.run(".venv/bin/migrator --version")
    assert said.stdout == f"{migrator.__version__}\n"


def install(library: Template, other: Rendering, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command that installs, with uv on PATH."""
    return library.run(command.split(), other.path)
