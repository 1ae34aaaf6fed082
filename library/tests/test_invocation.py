"""The commands that are printed are those of the way in which the tool was called."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from alembic.config import Config

from migrator.config import invocation
from migrator.config.context import Context


def context(folder: Path, ini: str = "alembic_prod.ini", production: str = "true") -> Context:
    (folder / ini).write_text(f"[alembic]\n[migrator]\nproduction = {production}\n", "utf-8")
    return Context.of(Config(ini))


@pytest.fixture(autouse=True)
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.venv/bin/python -m migrator`, typed in the project's folder."""
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(sys, "orig_argv", [".venv/bin/python", "-m", "migrator"])
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "migrator/__main__.py"), "deploy"])
    for name in (invocation.BY_MAKE, "UV_RUN_RECURSION_DEPTH"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("command", "by_make"),
    [
        (("deploy",), "make deploy"),
        (("rollback", "to", "-1"), "make rollback to=-1"),
        (("deploy", "phase", "contract"), "make deploy phase=contract"),
        (("plan",), "make plan prod=1"),
        (("status",), "make status prod=1"),
        (("rollback", "to", "a@b"), "make rollback to=a@b"),
        (("rollback", "to", "it's $x"), "make rollback to='it'\"'\"'s $x'"),
    ],
)
def test_by_make(
    command: tuple[str, ...], by_make: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, *rest = command
    options = dict(zip(rest[::2], rest[1::2], strict=True))
    by_hand = invocation.command(context(tmp_path), name, **options)
    flags = [word for key, value in options.items() for word in (f"--{key}", value)]
    assert shlex.split(by_hand) == [
        *(".venv/bin/python", "-m", "migrator", "-c", "alembic_prod.ini", name),
        *flags,
    ]
    monkeypatch.setenv(invocation.BY_MAKE, "make")
    assert invocation.command(context(tmp_path), name, **options) == by_make


def test_another_ini_and_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(invocation.BY_MAKE, "make")
    other = context(tmp_path, "eu.ini")
    assert invocation.command(other, "deploy") == "make deploy PROD_INI=eu.ini"
    development = context(tmp_path, "alembic.ini", "false")
    assert invocation.command(development, "plan") == "make plan"
    shown = invocation.command(other, "restore", "a b.dump", into="x")
    assert shown == "make restore file='a b.dump' into=x PROD_INI=eu.ini"


def test_by_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["scripts/deploy_migrations.py", "--phase", "expand"])
    shown = invocation.command(context(tmp_path), "deploy", phase="expand", to="")
    assert shown == ".venv/bin/python scripts/deploy_migrations.py --phase expand"
    shown = invocation.command(context(tmp_path), "rollback", to="base")
    assert shown == ".venv/bin/python -m migrator -c alembic_prod.ini rollback --to base"


def test_by_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/opt/venv/bin/migrator", "deploy"])
    shown = invocation.command(context(tmp_path), "plan")
    assert shown == "/opt/venv/bin/migrator -c alembic_prod.ini plan"


@pytest.mark.parametrize("environment", ["activated", "not on PATH", "of uv"])
def test_python_by_its_name(
    environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "python" is printed only where it is this interpreter in the user's shell, too."""
    folders = str(tmp_path / ".venv/bin")
    monkeypatch.setenv("PATH", "/nowhere" if environment == "not on PATH" else folders)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "migrator"])
    if environment == "of uv":
        monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    expected = {
        "activated": "python",
        "not on PATH": ".venv/bin/python",
        "of uv": "uv run python",
    }
    shown = invocation.command(context(tmp_path), "deploy")
    assert shown == f"{expected[environment]} -m migrator -c alembic_prod.ini deploy"
