"""Projects to measure, and those of our side: renderings of this template."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import Contestant, environment

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = "{{cookiecutter.project_slug}}"
PYTHON = sys.executable
ALEMBIC = (PYTHON, "-m", "alembic")


@dataclass(frozen=True)
class Project:
    """One side's project; `versions` is where its revisions are, `url` its database."""

    folder: Path
    versions: Path
    url: str

    def contestant(
        self, name: str, *command: str, before: Callable[[], object] = lambda: None
    ) -> Contestant:
        """Return a command of this project to measure; the revisions that it writes are removed."""
        existing = set(self.versions.glob("*.py"))
        snapshot = (self.folder / "schema.sql", self.versions.parent / "catalog.txt")
        kept = {path: path.read_bytes() for path in snapshot if path.exists()}

        def forget() -> None:
            for path in snapshot:
                path.unlink(missing_ok=True)
            for path, content in kept.items():
                path.write_bytes(content)
            for path in set(self.versions.glob("*.py")) - existing:
                path.unlink()

        variables = environment(DATABASE_URL=self.url)
        return Contestant(name, command, self.folder, variables, before, after=forget)

    def run(self, *command: str) -> str:
        """Run a command that prepares the project, and return what it printed."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment(**({"DATABASE_URL": self.url} if self.url else {})),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed in {self.folder}:\n{done.stdout}{done.stderr}")
        return done.stdout


def copy_template(target: Path) -> Path:
    """Copy the template as a clone has it, without caches and other strays; return the copy."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, encoding="utf-8", check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        wanted = name.startswith(
            (f"{FOLDER}/", "library/", "hooks/", "cookiecutter.json", "alembic_starter_")
        )
        if wanted and (REPOSITORY / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            # The template holds the library as a link.
            shutil.copy(REPOSITORY / name, target / name, follow_symlinks=False)
    return target


def cookiecutter(template: Path, output: Path) -> tuple[str, ...]:
    """Return the command that renders `template` with its default answers below `output`."""
    config = template / "cookiecutter.yaml"
    # What it remembers is kept out of the user's home.
    config.write_text(f"cookiecutters_dir: {template}/cache\nreplay_dir: {template}/replay\n")
    options = ("--no-input", "--config-file", str(config), "--output-dir", str(output))
    return (PYTHON, "-m", "cookiecutter", *options, str(template))


def render(template: Path, folder: Path, url: str = "") -> Project:
    """Render the template with its default answers, and take its example tables out."""
    Project(template, template, "").run(*cookiecutter(template, folder))
    (made,) = folder.iterdir()
    project = Project(made, made / "migrations/versions", url)
    for path in (
        *project.versions.glob("*.py"),
        made / "schema.sql",
        made / "migrations/catalog.txt",
    ):
        path.unlink()
    models = project.folder / "app/models"
    for path in models.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in ("__init__.py", "base.py"):
            path.unlink()
    # The same configuration without the formatting of new revisions, which stock does not do.
    ini = (project.folder / "alembic.ini").read_text()
    (project.folder / "alembic_nohooks.ini").write_text(replaced(ini, "\nhooks = ", "\n# "))
    return project


def replaced(text: str, old: str, new: str) -> str:
    """Return `text` with `old` replaced, which has to be in it."""
    if old not in text:
        sys.exit(f"{old!r} is not where this benchmark expects it: look at the newest version.")
    return text.replace(old, new, 1)
