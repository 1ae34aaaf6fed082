"""`make demo`: from nothing to a migrated PostgreSQL, with the commands that a user types."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from cookiecutter.main import cookiecutter

REPOSITORY = Path(__file__).resolve().parent.parent
MODEL = '''"""Products."""

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, PrimaryKey, ShortText, Timestamps


class Product(Timestamps, Base):
    """Something that can be sold."""

    __tablename__ = "products"

    id: Mapped[PrimaryKey]
    name: Mapped[ShortText] = mapped_column(comment="产品名称")
'''


def main() -> None:
    """Render the default answers, then walk through the development loop."""
    output = REPOSITORY / "build" / time.strftime("demo-%Y%m%d-%H%M%S")
    heading(f"Render the template with its default answers into {output}")
    project = Path(cookiecutter(clean_copy(output), no_input=True, output_dir=str(output)))
    try:
        walk(project)
    finally:
        run(project, "make db-stop")
    heading("That was it. The project is yours to play with; its database starts when needed:")
    print(f"  cd {shlex.quote(str(project))}")
    print("  make            # what else there is\n  make test check\n")


def clean_copy(output: Path) -> str:
    """Copy the template without the caches that tools leave in it, as a clone would be."""
    strays = shutil.ignore_patterns(".git", ".venv", "build", ".*_cache", "__pycache__")
    return str(shutil.copytree(REPOSITORY, output / "template", ignore=strays))


def walk(project: Path) -> None:
    """Run the development loop in a fresh rendering."""
    heading("Install what it needs, into its own .venv")
    run(project, "make setup")
    heading("Start its own PostgreSQL and apply the first revision")
    run(project, "make migrate")
    heading("Add a model: app/models/product.py. Nothing else has to be told about it")
    (project / "app/models/product.py").write_text(MODEL, encoding="utf-8")
    run(project, "make tables")
    heading("Let the revision be written, formatted too; look at it, then apply it")
    run(project, "make revision m='添加产品表'")
    newest = max((project / "migrations/versions").glob("*.py"))
    print(newest.read_text(encoding="utf-8"))
    run(project, "make upgrade")
    heading("Back, and forward again")
    run(project, "make downgrade")
    run(project, "make upgrade")
    heading("What is in the database now, and how it came there")
    run(project, r"printf '\\dt\n\\d+ products\n' | make -s db-shell")
    run(project, "make history")


def heading(text: str) -> None:
    """Print what comes next."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def run(project: Path, command: str) -> None:
    """Show a command, run it in the project as a user would, and stop the demo if it fails."""
    print(f"$ {command}", flush=True)
    # What the outer make and its virtual environment set is not what a user's shell has.
    ours = ("CI", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV", "DATABASE_URL", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment["PAGER"] = "cat"
    done = subprocess.run(command, shell=True, cwd=project, env=environment, check=False)
    if done.returncode:
        sys.exit(f"The demo stopped: `{command}` ended with exit code {done.returncode}.")


if __name__ == "__main__":
    main()
