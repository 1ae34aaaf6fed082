"""Projects with an Alembic set-up of their own, in tests/adoption/projects, and what they need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from migrator.devserver import DevServer
from tests.conftest import LIBRARY, REPOSITORY, Renderer, users_environment

PROJECTS = REPOSITORY / "tests/adoption/projects"


@dataclass
class Project:
    """A copy of one of the projects, committed, whose own commands have made its database."""

    name: str
    path: Path
    bin: Path
    url: str  # of libpq
    own: dict[str, str] = field(default_factory=dict)  # where its settings have the URL

    def run(
        self, command: str, env: Mapping[str, str | None] | None = None
    ) -> subprocess.CompletedProcess[str]:
        variables = users_environment({**self.own, **(env or {})})
        variables["PATH"] = f"{self.bin}{os.pathsep}{variables['PATH']}"
        return subprocess.run(
            command.split(" "),
            cwd=self.path,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=600,
            check=False,
        )

    def done(self, command: str, env: Mapping[str, str | None] | None = None) -> str:
        """Runs a command that has to succeed, and returns all that it said."""
        run = self.run(command, env)
        assert run.returncode == 0, f"{command}\n{run.stdout}\n{run.stderr}"
        return run.stdout + run.stderr

    def commit(self) -> None:
        self.done("git add --all")
        self.done("git -c user.name=A -c user.email=a@example.org commit --quiet --message x")

    def query(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement.encode()).fetchall()


@pytest.fixture(scope="session")
def environment(renderer: Renderer) -> Path:
    """The environment of all projects, with the packages of their requirements.txt."""

    def made() -> str:
        folder = renderer.shared / "adoption"
        uv = shutil.which("uv", path=renderer.path_with_uv()) or str(Path(sys.prefix, "bin/uv"))
        python = f"--python={folder}/bin/python"
        # A copy as a rendering has it, with files where the repository has links.
        library = renderer.rendered().path / LIBRARY
        needed = [f"--requirement={path}" for path in sorted(PROJECTS.glob("*/requirements.txt"))]
        for command in (
            ["venv", f"--python={sys.executable}", str(folder)],
            ["pip", "install", python, f"{library}[postgresql,dev]", *needed],
        ):
            subprocess.run([uv, "--quiet", *command], env=users_environment(), check=True)
        return str(folder / "bin")

    return Path(renderer.once("adoption-environment", made))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database on a PostgreSQL of this worker."""
    own = DevServer(tmp_path_factory.mktemp("server"))
    yield own.ensure("postgres").replace("+psycopg", "")
    own.stop()


def own_settings(name: str, url: str) -> dict[str, str]:
    """The variables in which a project has its URL."""
    if name == "fastapi":
        found = psycopg.conninfo.conninfo_to_dict(url)
        return {
            "POSTGRES_SERVER": str(found["host"]),
            "POSTGRES_PORT": str(found["port"]),
            "POSTGRES_USER": str(found["user"]),
            "POSTGRES_PASSWORD": str(found.get("password") or ""),
            "POSTGRES_DB": str(found["dbname"]),
        }
    variable, driver = {
        "sync": ("SHOP_DATABASE", "psycopg2"),
        "asynchronous": ("SHOP_DSN", "asyncpg"),
        "flask": ("SHOP_DB", "psycopg2"),
    }[name]
    return {variable: url.replace("postgresql://", f"postgresql+{driver}://")}


def made(name: str, folder: Path, environment: Path, server: str) -> Project:
    path = folder / name
    shutil.copytree(PROJECTS / name, path, ignore=shutil.ignore_patterns("__pycache__"))
    database = f"{name}_{abs(hash(folder)) % 10**8}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database}"'.encode())
    url = f"{server.rpartition('/')[0]}/{database}"
    project = Project(name, path, environment, url, own_settings(name, url))
    (path / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    project.done("git init --quiet --initial-branch main")
    project.commit()
    project.done("flask db upgrade" if name == "flask" else "python -m alembic upgrade head")
    return project
