"""A forked command is the same as one that starts its own Python."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Renderer, Rendering
from tests.warm import Forked, Warm

pytestmark = pytest.mark.skipif(not Warm.possible(), reason="commands are forked on Linux only")
LOOK = """
import json, locale, os, signal, sys
print(json.dumps({
    "arguments": sys.argv, "name": __name__, "folder": os.getcwd(), "first": sys.path[0],
    "variables": dict(os.environ), "parent": os.getppid(),
    "encodings": [sys.stdin.encoding, sys.stdout.encoding, sys.stderr.errors],
    "locale": locale.setlocale(locale.LC_CTYPE), "python": sys.executable,
    "signals": [signal.getsignal(n) == signal.default_int_handler for n in (2, 15)],
    "loaded": sorted(n for n in sys.modules if n.split(".")[0] in ("app", "tests")),
}))
print("数据 \\udcff", file=sys.stderr)
if "raise" in sys.argv:
    raise ValueError("no")
sys.exit(7)
"""
WAIT = "import time\nprint(1, flush=True)\ntime.sleep(600)\n"


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        project = renderer.ready(database="sqlite")
        (project.path / "look.py").write_text(LOOK, "utf-8")
        (project.path / "wait.py").write_text(WAIT, "utf-8")
        yield project


@pytest.fixture(scope="module")
def fresh(project: Rendering) -> Rendering:
    """The same project without an interpreter to fork from."""
    return Rendering(project.path, project.answers)


def test_what_it_sees(project: Rendering, fresh: Rendering) -> None:
    command, env = ".venv/bin/python look.py a 'b c'", {"X_数": "据", "TZ": "Asia/Shanghai"}
    forked, started = (each.run(command, env=env) for each in (project, fresh))
    assert (forked.returncode, forked.stderr) == (started.returncode, started.stderr)
    assert (forked.returncode, forked.stderr) == (7, "数据 \\udcff\n")
    seen = [json.loads(done.stdout) for done in (forked, started)]
    assert project.warm
    assert [each.pop("parent") for each in seen] == [project.warm.plain.pid, os.getpid()]
    assert seen[0] == seen[1]


def test_an_exception(project: Rendering, fresh: Rendering) -> None:
    command = ".venv/bin/python look.py raise"
    forked, started = (each.run(command) for each in (project, fresh))
    last = [done.stderr.splitlines()[-1] for done in (forked, started)]
    assert (forked.returncode, started.returncode) == (1, 1)
    assert last == ["ValueError: no"] * 2


@pytest.mark.parametrize(
    "command",
    [
        ".venv/bin/alembic heads",
        ".venv/bin/alembic nonsense",
        ".venv/bin/python -m migrator plan",
        ".venv/bin/python -m migrator --help",
        "make tables",
        "make plan",
        "make downgrade to=nonsense",
    ],
)
def test_commands(project: Rendering, fresh: Rendering, command: str) -> None:
    forked, started = (each.run(command) for each in (project, fresh))
    assert forked.returncode == started.returncode
    assert forked.stdout == started.stdout
    assert forked.stderr == started.stderr


def test_recipes_are_forked(project: Rendering) -> None:
    """Else they are right, but slow."""
    assert project.warm
    client = project.warm.in_recipes.client
    recipe = "look:\n\t@$(PYTHON) look.py > look.json || true\n"
    (project.path / "look.mk").write_text(f"include migrations.mk\n{recipe}", "utf-8")
    done = project.run(f"make -f look.mk look 'PYTHON={client}'")
    assert done.returncode == 0, done.stderr
    seen = json.loads(project.read("look.json"))
    assert (seen["name"], seen["variables"]["PYTHONUTF8"]) == ("__main__", "1")
    assert seen["parent"] == project.warm.in_recipes.pid
    (project.path / "look.json").unlink()
    shell = ["sh", "-c", "make -f look.mk look"]  # as in the pages
    with project.start(shell, env=project.for_make()) as started:
        assert started.wait() == 0
    assert json.loads(project.read("look.json"))["parent"] == project.warm.in_recipes.pid


def test_recipes_of_another_environment(project: Rendering, tmp_path: Path) -> None:
    """They have their own, or the Python on PATH."""
    shell = (
        "look:\n\t@$(PYTHON) -m migrator.nothing; $(PYTHON) -c 'import sys; print(sys.prefix)'\n"
    )
    (tmp_path / "Makefile").write_text(shell, "utf-8")
    for own in ([], ["python3", "-m", "venv", "--without-pip", ".venv"]):
        subprocess.run(own or ["true"], cwd=tmp_path, check=True)
        done = project.run("make", env=project.for_make(), cwd=tmp_path)
        assert "No module named" in done.stderr
        assert (done.stdout.strip() == str(tmp_path / ".venv")) == bool(own)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal(project: Rendering, sent: signal.Signals) -> None:
    process = project.start([".venv/bin/python", "wait.py"])
    assert isinstance(process, Forked) and process.stdout
    assert process.stdout.readline() == "1\n"
    assert process.poll() is None
    process.send_signal(sent)
    assert process.communicate(timeout=60) == ("", "")
    assert process.poll() == process.returncode == -sent


@pytest.mark.parametrize(
    ("command", "env"),
    [
        ([".venv/bin/python", "-c", "pass"], {}),
        ([".venv/bin/python", "-m", "ruff", "--version"], {}),
        ([".venv/bin/python", "look.py"], {"PYTHONUTF8": "0"}),
        ([".venv/bin/python", "look.py"], {"LC_ALL": "C"}),
    ],
)
def test_what_python_reads_when_it_starts(
    project: Rendering, command: list[str], env: dict[str, str]
) -> None:
    """That needs a Python of its own."""
    process = project.start(command, env=env)
    assert not isinstance(process, Forked)
    process.communicate(timeout=60)
