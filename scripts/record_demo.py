"""`make demo-svg`: record the terminal demo of the README from the real commands.

A picture of text, not a film: it can be read at one's own speed, searched, and copied from.
"""

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cookiecutter.main import cookiecutter
from rich.console import Console
from rich.text import Text

from scripts.demo import REPOSITORY, clean_copy

PICTURE = REPOSITORY / "docs" / "images" / "demo.svg"
WIDTH = 104  # columns
# rich's own has fonts from the net, which a picture in a page may not load.
FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<title>A rendered project, from nothing to a migration that a busy database does not notice</title>
<style>
.{unique_id}-matrix {{ font: {char_height}px/{line_height}px ui-monospace, Menlo, Consolas, \
'DejaVu Sans Mono', monospace; }}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</g>
</svg>
"""
MODEL = '''"""Teams."""

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, PrimaryKey, ShortText, Timestamps


class Team(Timestamps, Base):
    """A group of users who share their work."""

    __tablename__ = "teams"

    id: Mapped[PrimaryKey]
    name: Mapped[ShortText] = mapped_column(unique=True)
    slogan: Mapped[ShortText] = mapped_column(index=True)
'''
NEW = "    slogan: Mapped[ShortText] = mapped_column(index=True)"
URL = "export DATABASE_URL=$(make -s db-url)"
TEAMS = "INSERT INTO teams (name) SELECT 'team ' || n FROM generate_series(1, 10000) AS n;\n"


def main() -> None:
    """Record, and write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(
            cookiecutter(clean_copy(Path(folder)), no_input=True, output_dir=folder)
        ).resolve()
        try:
            run(project, "make setup")
            picture = recorded(project)
        finally:
            run(project, "make db-stop")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(picture, encoding="utf-8")
    print(f"Wrote {PICTURE.relative_to(REPOSITORY)}.")


def recorded(project: Path) -> str:
    """Return the picture of what is typed and printed in a new project, after `make setup`."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    before = os.environ.pop("DATABASE_URL", None)
    try:
        record(console, project)
    finally:
        os.environ.pop("DATABASE_URL", None)
        os.environ.update({"DATABASE_URL": before} if before else {})
    picture = console.export_svg(title="my_service", code_format=FORMAT, unique_id="demo")
    return "\n".join(line.rstrip() for line in picture.splitlines() if line.strip()) + "\n"


def record(console: Console, project: Path) -> None:
    """Do what the picture shows."""
    shown(console, project, "make migrate", "a PostgreSQL of its own starts, without Docker")
    run(project, "make -s db-shell", TEAMS)
    (project / "app/models/team.py").write_text(MODEL, encoding="utf-8")
    remark(console, "app/models/team.py gets a column that must have a value, and an index:")
    console.print(Text(NEW, style="green"))
    console.print()
    shown(console, project, 'make revision m="teams have a slogan"')
    versions = project / "migrations/versions"
    for part in ("expand_non_transactional", "contract"):
        (file,) = versions.glob(f"*_slogan_{part}.py")
        text = file.read_text(encoding="utf-8")
        filled = text.replace('{"slogan": None}', """{"slogan": sa.text("'We are ' || name")}""")
        file.write_text(filled, encoding="utf-8")
    remark(console, "the rows that are there: None becomes sa.text(\"'We are ' || name\")")
    lines = "op\\.[a-z_]*(\\|^phase\\|^transactional"
    shown(console, project, f"grep -h '{lines}' migrations/versions/*_slogan_*.py")
    shown(console, project, "make lint-migrations")
    shown(console, project, URL, "production is this server today")
    os.environ["DATABASE_URL"] = run(project, "make -s db-url").strip()
    shown(console, project, "make deploy")


def shown(console: Console, project: Path, command: str, why: str = "") -> None:
    """Run a command and put it into the picture with what it prints."""
    line = Text.assemble(("$ ", "bold green"), (command, "bold"))
    if why:
        line.append(f"   # {why}", "bright_black")
    console.print(line)
    printed = run(project, command).replace(f"{project}/", "")
    hooks = ("Running post write hook", "  done")
    lines = [each for each in printed.splitlines() if not each.startswith(hooks)]
    console.print(Text("\n".join([*lines, ""])), overflow="fold")  # nothing is cut


def remark(console: Console, text: str) -> None:
    """Put a sentence of ours into the picture."""
    console.print(Text(f"# {text}", style="bright_black"))


def run(project: Path, command: str, typed: str = "") -> str:
    """Run a command as a user would and return what it printed; it has to succeed."""
    ours = ("CI", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        command,
        shell=True,
        cwd=project,
        env=environment,
        input=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        sys.exit(f"`{command}` ended with exit code {done.returncode}:\n{done.stdout}")
    return done.stdout


if __name__ == "__main__":
    main()
