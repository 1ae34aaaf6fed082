"""Removes the folders that the answers leave out, then says what to type next.

Files that an answer leaves out have a file name that renders to nothing; cookiecutter has no such
way for folders, so they are listed in a table: `__folders` in cookiecutter.json. The library is
copied as its folder is: its tests stay with the template, and so do a working copy's caches.
"""

import json
import os
import shlex
import shutil
import sys
from pathlib import Path

# Answers come in as data: JSON in a raw string has no way out of its quotes.
ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")


LIBRARY = Path("vendor", "alembic-starter")


def trim_library() -> None:
    """Keep what is built and installed.

    Raises:
        SystemExit: the template was unpacked by a program that lost its symbolic link.
    """
    if not (LIBRARY / "pyproject.toml").is_file():
        sys.exit(
            f"ERROR: this copy of the template has lost the symbolic link {LIBRARY} in its project"
            " folder, as in an archive or a checkout without core.symlinks, so the project would"
            " lack its migration tool: get the template with `git clone`, and render that."
        )
    shutil.rmtree(LIBRARY / "tests", ignore_errors=True)
    for cache in list(LIBRARY.rglob("__pycache__")):
        shutil.rmtree(cache)


def main() -> None:
    """Works in the new project's folder, where cookiecutter starts its hooks."""
    trim_library()
    for folder, kept in ANSWERS["__folders"].items():
        if kept == "False" and Path(folder).exists():
            shutil.rmtree(folder)

    project = Path.cwd()
    started_here = Path(os.environ.get("PWD", "")) == project.parent
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
    print("\nThe project is there. What to type next:")
    print(f"  cd {shlex.quote(project.name if started_here else str(project))}")
    in_a_repository = any((folder / ".git").exists() for folder in (project, *project.parents))
    if not in_a_repository:
        print("  git init --initial-branch main")
    print("  make setup")
    if not in_a_repository:
        print("  .venv/bin/pre-commit install")
    print("  make migrate")


main()
