"""The tools that are compared: how each is installed and asked about one revision."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import projects
from benchmarks.measuring import environment
from benchmarks.projects import ALEMBIC, PYTHON, Project

# Versions that the table was made with; the names are those of PyPI.
PACKAGES = {
    "squawk-cli": "2.70.0",
    "alembic-guard": "0.1.1",
    "zdm": "0.9.1",
    "lockcheck": "0.1.0",
}
# Those whose program, and whose column, has another name.
PROGRAMS = {"squawk-cli": "squawk"}
TITLES = {"squawk-cli": "plain Alembic with squawk"}
# squawk's rules about style and time limits: everything breaks one of them.
STYLE = (
    "prefer-bigint-over-int,prefer-bigint-over-smallint,prefer-identity,prefer-robust-stmts,"
    "prefer-text-field,prefer-timestamp-tz,require-timeout-settings,require-lock-timeout,"
    "require-statement-timeout,require-enum-value-ordering,ban-char-field"
)


@dataclass(frozen=True)
class Tool:
    """A tool that looks at the revisions in `versions`; `ask` is given the name of one."""

    name: str
    versions: Path
    ask: Callable[[str], bool]

    def prepare(self, text: str) -> None:
        """Write the revision that was deployed before."""
        (self.versions / "before.py").write_text(text, "utf-8")

    @contextmanager
    def revision(self, name: str, text: str) -> Iterator[None]:
        """Have the file of a revision while it is asked about."""
        path = self.versions / f"{name}.py"
        path.write_text(text, "utf-8")
        try:
            yield
        finally:
            path.unlink()

    def alarms(self, name: str) -> bool:
        """Return whether the tool says anything about a revision."""
        return self.ask(name)


@contextmanager
def tools(folder: Path) -> Iterator[list[Tool]]:
    """Yield the tools that can be installed below `folder`; the others are named on stderr."""
    ours = projects.render(projects.copy_template(folder / "template"), folder / "ours")
    stock = folder / "stock"
    stock.mkdir()
    plain = Project(stock, stock / "alembic/versions", "postgresql+psycopg://nobody@localhost/x")
    plain.run(*ALEMBIC, "init", "alembic")
    ini = (stock / "alembic.ini").read_text("utf-8")
    written = projects.replaced(ini, "driver://user:pass@localhost/dbname", plain.url)
    (stock / "alembic.ini").write_text(written, "utf-8")
    found = [
        Tool("this project", ours.versions, _ours(ours)),
        Tool("without the trace", ours.versions, _ours(ours, "--no-trace")),
    ]
    asking = {"squawk-cli": _squawk, "alembic-guard": _guard, "zdm": _zdm, "lockcheck": _lockcheck}
    for package, pinned in PACKAGES.items():
        program = _install(folder / package, package, pinned)
        if program:
            title = TITLES.get(package, package)
            found.append(Tool(title, plain.versions, asking[package](plain, str(program))))
    try:
        yield found
    finally:
        ours.run(PYTHON, "-m", "migrator", "db", "stop")


def _install(folder: Path, package: str, pinned: str) -> Path | None:
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    command = [uv, "pip", "install", "--quiet", "--python", str(folder / "bin/python")]
    try:
        subprocess.run([uv, "venv", "--quiet", "--python", PYTHON, str(folder)], check=True)
        subprocess.run([*command, f"{package}=={pinned}"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(
            f"{package} {pinned} cannot be installed, so it is left out: {error}", file=sys.stderr
        )
        return None
    return folder / "bin" / PROGRAMS.get(package, package)


def _run(project: Project, *command: str, codes: tuple[int, ...] = (0, 1)) -> str:
    done = subprocess.run(
        command,
        cwd=project.folder,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode not in codes:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _ours(project: Project, *options: str) -> Callable[[str], bool]:
    def ask(name: str) -> bool:
        command = (PYTHON, "-m", "migrator", "lint", "--json", *options, name)
        return bool(json.loads(_run(project, *command, codes=(0, 5)))["findings"])

    return ask


def _squawk(project: Project, program: str) -> Callable[[str], bool]:
    def ask(name: str) -> bool:
        sql = _run(project, *ALEMBIC, "upgrade", f"before:{name}", "--sql")
        (project.folder / "revision.sql").write_text(sql, "utf-8")
        options = ("--reporter", "json", "--exclude", STYLE)
        return bool(json.loads(_run(project, program, *options, "revision.sql")))

    return ask


def _guard(project: Project, program: str) -> Callable[[str], bool]:
    def ask(name: str) -> bool:
        path = f"alembic/versions/{name}.py"
        return bool(json.loads(_run(project, program, "--format", "json", path)))

    return ask


def _zdm(project: Project, program: str) -> Callable[[str], bool]:
    def ask(name: str) -> bool:
        found = json.loads(_run(project, program, "--output-format", "json", "."))["diagnostics"]
        return any(Path(each["path"]).stem == name for each in found)

    return ask


def _lockcheck(project: Project, program: str) -> Callable[[str], bool]:
    def ask(name: str) -> bool:
        said = _run(project, program, f"alembic/versions/{name}.py")
        return bool(re.search(r"^\d+ problems? found", said, re.MULTILINE))

    return ask
