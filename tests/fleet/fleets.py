"""A project with a fleet, a database with tenants, and the commands as processes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.conftest import Process, Renderer, Rendering
from tests.fleet.example import FLEET, HISTORIES, SHARED, TENANT

COMMAND = (".venv/bin/python", "-m", "migrator", "-c", "alembic_prod.ini", "fleet")
REVISION = '''"""{name}"""

import sqlalchemy as sa
from alembic import op

revision: str = "{name}"
down_revision: str = "{before}"
branch_labels = None
depends_on = None
{attributes}

def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    {downgrade}
'''
PATIENCE = 120


def prepare(renderer: Renderer) -> Rendering:
    """The example of docs/fleet.md, after `make revision`."""
    project = renderer.lasting(renderer.ready())
    models = project.path / "app/models"
    for path in models.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in ("__init__.py", "base.py"):
            path.unlink()
    for path in (project.path / "migrations/versions").glob("*.py"):
        path.unlink()
    for name in ("schema.sql", "migrations/catalog.txt", "docs/schema.md"):
        (project.path / name).unlink(missing_ok=True)
    (project.path / "migrations/shared").mkdir()
    (models / "shared.py").write_text(SHARED, encoding="utf-8")
    (models / "shop.py").write_text(TENANT, encoding="utf-8")
    for name in ("alembic.ini", "alembic_prod.ini"):
        file = project.path / name
        text = file.read_text(encoding="utf-8")
        text = text.replace("[alembic]\n", "[alembic]\nshared_history = shared\n", 1)
        text = re.sub(r"^seeds = .*\n", "", text, flags=re.MULTILINE)
        text += HISTORIES + (FLEET if "prod" in name else "")
        file.write_text(text, encoding="utf-8")
    project.first_output = project.make('revision m="start"')  # type: ignore[attr-defined]
    return project


@dataclass
class Fleet:
    """The project with a database of its own, and what one does with them."""

    project: Rendering
    url: str
    server: str
    files: list[Path] = field(default_factory=list)

    @property
    def head(self) -> str:
        """The newest revision of the tenants."""
        return self.project.run(
            ".venv/bin/python -m alembic heads", env={"DATABASE_URL": self.url}
        ).stdout.split()[0]

    def env(self, **more: str) -> dict[str, str | None]:
        """The environment of the commands."""
        return {"DATABASE_URL": self.url, "GITHUB_STEP_SUMMARY": None, **more}

    def run(self, command: str, *, code: int = 0, env: Mapping[str, str] | None = None) -> str:
        """Runs `fleet COMMAND`, which has to end with `code`, and returns all that it said."""
        words = [*COMMAND, *command.split()]
        process = self.project.start(words, env=self.env(**(env or {})), together=True)
        said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == code, said
        assert "Traceback" not in said, said
        return str(said)

    def start(self, command: str, **more: str) -> Process:
        """Starts it; `more` are variables of the environment."""
        words = [*COMMAND, *command.split()]
        return self.project.start(words, env=self.env(**more), together=True)

    def json(self, command: str, *, code: int = 0) -> Any:
        """The result of a command that prints one object."""
        words = [*COMMAND, *command.split(), "--json"]
        process = self.project.start(words, env=self.env())
        said, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == code, said + (errors or "")
        return json.loads(said)

    def ask(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of the database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute(query.encode(), values or None)
            return found.fetchall() if found.description else []

    def connect(self) -> psycopg.Connection:
        """A connection of its own."""
        return psycopg.connect(self.url)

    def tenants(self, names: Sequence[str], stage: str = "") -> None:
        """Makes tenants as fast as possible: copies of one that `fleet create` has made."""
        for name in names:
            self.run(f"create {name}")
            if stage:
                self.ask(f"UPDATE shared.tenants SET stage = '{stage}' WHERE name = '{name}'")

    def revision(
        self, name: str, upgrade: str, downgrade: str = "pass", attributes: str = ""
    ) -> None:
        """Writes a revision of the tenants, after the newest."""
        path = self.project.path / f"migrations/versions/{name}.py"
        shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
        before = self.head
        text = REVISION.format(
            name=name, before=before, upgrade=upgrade, downgrade=downgrade, attributes=attributes
        )
        path.write_text(text, encoding="utf-8")
        self.files.append(path)

    def snapshot(self) -> None:
        """Records what the revisions build."""
        self.project.make("snapshot")

    def at(self) -> Mapping[str, str]:
        """Where the tenants are."""
        facts = self.json("status")
        return {each["name"]: ", ".join(each["current"] or ()) for each in facts["tenants"]}


def records(project: Rendering) -> list[Path]:
    """The files that `make snapshot` writes."""
    folder = project.path / "migrations"
    return [*folder.glob("*.txt"), *folder.glob("*.sql"), *project.path.glob("schema*.sql")]


@contextmanager
def made(project: Rendering, name: str) -> Iterator[Fleet]:
    """A fleet without a tenant, whose database and revisions last for one test."""
    server = project.database_url()
    parts = psycopg.conninfo.conninfo_to_dict(server)
    recorded = {file: file.read_bytes() for file in records(project)}
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = f"postgresql://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/{name}"
        fleet = Fleet(project, url, server)
        try:
            fleet.run("deploy --no-backup")  # the shared tables
            yield fleet
        finally:
            for path in fleet.files:
                path.unlink(missing_ok=True)
            for file in set(records(project)) - recorded.keys():
                file.unlink()
            for file, content in recorded.items():
                file.write_bytes(content)
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )
