"""Completes the rendering: the library's folder, what it was made from, the folders left out.

Files that an answer leaves out have a file name that renders to nothing; cookiecutter has no such
way for folders, so they are listed in a table: `__folders` in cookiecutter.json. The library is
copied as its folder is: its tests stay with the template, and so do a working copy's caches.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

# Answers come in as data: JSON in a raw string has no way out of its quotes.
ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
# {% raw %} from here on Jinja leaves this file alone.

LIBRARY = Path("vendor", "alembic-starter")
# What builds, tests and linters leave in a working copy.
STRAYS = ("__pycache__", ".*_cache", ".venv", ".hypothesis", "build", "dist", "*.egg-info")
# The parts of the template's repository that a rendering is made from.
SOURCES = (
    "alembic_starter_answers.py",
    "cookiecutter.json",
    "hooks",
    "library",
    "*cookiecutter.project_slug*",
)


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
    for pattern in STRAYS:
        for stray in list(LIBRARY.rglob(pattern)):
            shutil.rmtree(stray, ignore_errors=True)


def record_origin() -> None:
    """Write down which commit of which template this is, for --version and `make update`.

    Two files, since an update of a project changes the commit and nothing else.
    """
    if "_repo_dir" in ANSWERS:
        commit, address = from_repository(template_folder(), ANSWERS["_template"])
    else:  # cruft has cloned the template and says what it took
        commit, address = ANSWERS.get("_commit") or "", ANSWERS["_template"]
    if commit:
        (LIBRARY / "src/migrator/commit.txt").write_bytes(f"{commit}\n".encode())
    answers = {name: answer for name, answer in ANSWERS.items() if not name.startswith("_")}
    origin = {"template": without_login(address), "answers": answers}
    text = json.dumps(origin, ensure_ascii=False, indent=2) + "\n"
    (LIBRARY / "template.json").write_bytes(text.encode("utf-8", "backslashreplace"))


def template_folder() -> Path:
    """Return where cookiecutter has the template; it may have a path relative to where it began.

    Hooks are started in the project's folder. The shell's PWD says where the command was typed, and
    so does the output folder, as long as no other was asked for.
    """
    given = Path(ANSWERS["_repo_dir"]).expanduser()
    for start in (os.environ.get("PWD", ""), ANSWERS.get("_output_dir", "")):
        if (Path(start, given) / "hooks/post_gen_project.py").is_file():
            return Path(start, given).resolve()
    return given


def from_repository(folder: Path, template: str) -> tuple[str, str]:
    """Return the commit of the template in `folder`, and the address to get it from again.

    The commit is an empty string where there is no git or no repository. It is marked where the
    folder holds something else than what was committed.
    """
    is_path = template == ANSWERS["_repo_dir"]
    address = str(folder) if is_path else template
    top = git(folder, "rev-parse", "--show-toplevel")
    if not top or Path(top).resolve() != folder:  # it may lie in somebody's repository
        return "", address
    if not is_path:  # cookiecutter's own clone: its abbreviations mean nothing to git
        address = git(folder, "remote", "get-url", "origin") or template
    commit = git(folder, "rev-parse", "--verify", "HEAD")
    if commit and git(folder, "status", "--porcelain", "--", *SOURCES):
        commit += " modified"
    return commit, address


def git(folder: Path, *arguments: str) -> str:
    """Return what git says about the repository in `folder`; an empty string where it cannot."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def without_login(address: str) -> str:
    """Return an address without the user and password of a web address: they would be committed."""
    return re.sub(r"^(https?://)[^/@]*@", r"\1", address)


def main() -> None:
    """Works in the new project's folder, where cookiecutter starts its hooks."""
    trim_library()
    record_origin()
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
# {% endraw %}
