"""Takes out the folders that the answers leave out, then says what to type next.

Files that an answer leaves out have a file name that renders to nothing; cookiecutter has no such
way for folders, so they stand in a table: `__folders` in cookiecutter.json.
"""

import json
import os
import shlex
import shutil
import sys
from pathlib import Path

# Answers come in as data: JSON in a raw string has no way out of its quotes.
ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")


def main() -> None:
    """Works in the new project's folder, where cookiecutter starts its hooks."""
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
