"""A git repository of the template with several versions, and projects that are made from it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Answer, Renderer, Rendering, users_environment

LIBRARY = "vendor/alembic-starter"
ENV: dict[str, str | None] = {
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}
# What a comment at the end of a file looks like, where ruff and people expect it.
MARK = {".sql": "-- {}\n", ".md": "\n{}\n", ".py": "\n\n# {}\n"}


@dataclass
class Template:
    """A git repository of the template, with a tag for each version."""

    path: Path
    renderer: Renderer

    def run(
        self, command: list[str], folder: Path, env: Mapping[str, str | None] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in `folder`, with uv on PATH as many users have it."""
        changes = {
            "COOKIECUTTER_CONFIG": str(self.renderer.config),
            "TMPDIR": str(self.renderer.hooks),
            "PWD": str(folder),
            "PATH": os.pathsep.join([str(uv_folder(folder)), os.environ["PATH"]]),
            **ENV,
            **(env or {}),
        }
        return subprocess.run(
            command,
            cwd=folder,
            env=users_environment(changes),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=900,
            check=False,
        )

    def cruft(self, command: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run `cruft COMMAND` in `folder`."""
        return self.run([sys.executable, "-m", "cruft", *shlex.split(command)], folder)

    def create(self, folder: Path, version: str, answers: Mapping[str, Answer]) -> Rendering:
        """What `cruft create` makes of a version."""
        folder.mkdir(parents=True)
        given = shlex.quote(json.dumps(answers))
        done = self.cruft(
            f"create {self.path} --no-input --checkout {version} --extra-context {given}", folder
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return Rendering(next(folder.iterdir()), dict(answers))

    def cookiecutter(
        self, folder: Path, *arguments: str, template: str = "", env: dict[str, str] | None = None
    ) -> Rendering:
        """What `cookiecutter TEMPLATE` makes in `folder`."""
        folder.mkdir(parents=True)
        command = [sys.executable, "-m", "cookiecutter", "--no-input", template or str(self.path)]
        done = self.run([*command, *arguments], folder, env)
        assert done.returncode == 0, done.stdout + done.stderr
        return Rendering(next(folder.iterdir()), {})

    def commit(self, version: str) -> str:
        """Commit what lies there, tag it with `version`, and return the commit."""
        git(self.path, "add --all")
        git(self.path, f"commit --quiet --allow-empty --message={version}")
        git(self.path, f"tag --force {version}")
        return git(self.path, "rev-parse HEAD").strip()


def uv_folder(near: Path) -> Path:
    """A folder with uv alone, since the tests' own PATH has more than users have."""
    uv = shutil.which("uv") or str(Path(sys.prefix, "bin/uv"))
    folder = near.parent / "uv-on-path"
    folder.mkdir(exist_ok=True)
    if not (folder / "uv").exists():
        (folder / "uv").symlink_to(uv)
    return folder


def new_template(renderer: Renderer, path: Path) -> Template:
    """A repository of the template as it lies here, without a commit.

    cookiecutter takes an address for one of git's only if it has these three letters in it.
    """
    assert "git" in str(path)
    shutil.copytree(renderer.template, path, symlinks=True)
    git(path, "init --quiet --initial-branch=main")
    return Template(path, renderer)


def git(folder: Path, command: str) -> str:
    """Run git in `folder`, which has to succeed, and return what it printed."""
    done = Rendering(folder, {}).run(f"git {command}", env=ENV)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def repository(project: Rendering) -> Rendering:
    """Make a git repository of a project, with one commit."""
    git(project.path, "init --quiet --initial-branch=main")
    git(project.path, "add --all")
    git(project.path, "commit --quiet --message=first")
    return project


def mark(path: Path, text: str) -> None:
    """Add a comment at the end."""
    line = MARK.get(path.suffix, "# {}\n").format(text)
    path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")


def first_line(path: Path, text: str) -> None:
    """Change the first line, far from where the template changes something."""
    if path.suffix == ".py":
        path.write_text(f"# Mine.\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
        return
    line, _, rest = path.read_text(encoding="utf-8").partition("\n")
    path.write_text(f"{line} {text}\n{rest}", encoding="utf-8")


def own_files(project: Rendering) -> dict[str, bytes]:
    """A project's files by name: not git's, and not what is installed."""
    left = {".git", ".venv", ".uv", ".postgres", "__pycache__"}
    left |= {".mypy_cache", ".ruff_cache", ".pytest_cache"}
    return {name: text for name, text in project.files().items() if not left & {*name.split("/")}}


def below(files: dict[str, bytes], places: list[str]) -> dict[str, bytes]:
    """Those of `files` that are one of `places` or lie in one."""
    return {
        name: content
        for name, content in files.items()
        if any(name == place or name.startswith(f"{place}/") for place in places)
    }
