"""Windows, where Python has no fcntl: one sentence, and only where a file has to be locked."""

import subprocess
import sys
from pathlib import Path

import pytest

from migrator.arguments import COMMANDS

# Windows has neither module; the import fails as it does there.
WITHOUT = "import sys; sys.modules['fcntl'] = sys.modules['pwd'] = None; "
INI = """
[alembic]
script_location = revisions
[migrator]
production = true
backup = true
drift = false
"""
SENTENCE = "run only on Linux and macOS, because they lock files (fcntl). Nothing was changed."


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
        env={"DATABASE_URL": f"sqlite:///{folder}/app.db", "PATH": "/usr/bin:/bin"},
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    versions = tmp_path / "revisions/versions"
    versions.mkdir(parents=True)
    (tmp_path / "alembic_prod.ini").write_text(INI, "utf-8")
    (tmp_path / "revisions/script.py.mako").write_text("", "utf-8")
    (tmp_path / "revisions/env.py").write_text("raise AssertionError('not reached')", "utf-8")
    (versions / "first.py").write_text(
        'revision = "first"\ndown_revision = None\n\n\ndef upgrade() -> None:\n    pass\n', "utf-8"
    )
    return tmp_path


def test_every_command_can_be_imported(tmp_path: Path) -> None:
    names = [name.replace("-", "_") for name in COMMANDS]
    imports = "".join(f"import migrator.commands.{name}; " for name in names)
    for code in (imports, "import migrator.backup.dump, migrator.backup.storage"):
        done = run(tmp_path, code)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["deploy", "backup", "backup --output x"])
def test_what_locks_a_file_says_so_in_one_sentence(command: str, project: Path) -> None:
    arguments = ["-c", "alembic_prod.ini", *command.split()]
    done = run(project, f"from migrator.cli import main; sys.exit(main({arguments!r}))")
    assert done.returncode == 2
    assert SENTENCE in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert not (project / "x").exists() and not list(project.glob("backups/*.dump*"))


def test_other_commands_work(project: Path) -> None:
    arguments = ["-c", "alembic_prod.ini", "plan"]
    done = run(project, f"from migrator.cli import main; sys.exit(main({arguments!r}))")
    assert done.returncode == 3, done.stderr
    assert "first" in done.stdout
