"""The development loop as a user goes through it, on both databases and the Pythons at hand."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import QUESTIONS, Render, Renderer, Rendering

MODEL = '''"""产品。"""

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, PrimaryKey, ShortText, Timestamps


class Product(Timestamps, Base):
    """Something to sell."""

    __tablename__ = "products"
    __table_args__ = {"comment": "产品"}  # noqa: RUF012

    id: Mapped[PrimaryKey]
    name: Mapped[ShortText] = mapped_column(index=True, comment="名称")
'''
PRICE = '    price: Mapped[int] = mapped_column(comment="单价（分）")\n'


def found_pythons() -> dict[tuple[int, ...], str]:
    """The Pythons of this machine that a project can be made with, by version, oldest first."""
    on_path = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)]
    # pyenv's shims are slow to say which of its versions they lead to, and those come here too.
    folders = [folder for folder in on_path if folder.name != "shims"]
    folders += Path("~/.pyenv/versions").expanduser().glob("*/bin")
    found: dict[tuple[int, ...], str] = {}
    seen = set()  # most have several names
    for folder in folders:
        for path in sorted(folder.glob("python3*")):
            program = path.resolve()
            if not re.fullmatch(r"python3(\.\d+)?", path.name) or program in seen:
                continue
            seen.add(program)
            # Several names lead to programs that cannot start (pyenv's shims) or have no venv.
            code = "import ensurepip, sys, venv; print(*sys.version_info[:3], sys.prefix)"
            asked = subprocess.run(
                [path, "-c", code], capture_output=True, encoding="utf-8", check=False
            )
            *version, prefix = asked.stdout.split(maxsplit=3) or [""]
            in_a_venv = (Path(prefix.strip()) / "pyvenv.cfg").exists()
            if asked.returncode == 0 and not in_a_venv:
                found.setdefault(tuple(map(int, version)), str(path))
    oldest = tuple(int(part) for part in QUESTIONS["python_version"][0].split("."))
    return {version: found[version] for version in sorted(found) if version >= oldest}


PYTHONS = found_pythons()


def cases() -> Iterator[object]:
    """Both databases on the oldest and on the newest Python; what is missing says so."""
    versions = list(PYTHONS)
    for age, version in (("oldest", versions[:1]), ("newest", versions[1:][-1:])):
        name = ".".join(map(str, version[0])) if version else "missing"
        reason = f"{len(versions)} Python of a version that projects run on is on this machine"
        for database in QUESTIONS["database"]:
            yield pytest.param(
                (database, version[0] if version else None),
                id=f"{database}-{age}-{name}",
                marks=[] if version else pytest.mark.skip(reason=reason),
            )


@pytest.fixture(scope="module", params=cases())
def project(request: pytest.FixtureRequest, renderer: Renderer) -> Iterator[Rendering]:
    """A fresh rendering after `make setup`, under version control.

    On the newest Python each command starts its own, as for a user.
    """
    database, version = request.param
    with renderer.stopping():
        fresh = version == list(PYTHONS)[-1]
        project = renderer.ready(
            python=PYTHONS[version], fresh=fresh, types=True, database=database
        )
        code = "import sys; print(*sys.version_info[:3])"
        run = project.run(f".venv/bin/python -c '{code}'")
        assert run.stdout.split() == [str(part) for part in version]
        git(project, "init")
        commit(project)
        yield project


def git(project: Rendering, command: str) -> str:
    identity = "-c user.name=Somebody -c user.email=somebody@example.org -c core.quotepath=off"
    done = project.run(f"git {identity} {command}", env={"GIT_CONFIG_GLOBAL": os.devnull})
    assert done.returncode == 0, done.stderr
    return done.stdout


def commit(project: Rendering) -> None:
    git(project, "add --all")
    git(project, "commit --quiet --message x")


def changes(project: Rendering) -> list[str]:
    """What `git status` says, one line for each file."""
    return git(project, "status --porcelain --untracked-files=all").splitlines()


def revision(project: Rendering, goals: str, files: int = 1) -> str:
    """Writes revisions, which with the snapshot have to be all that changes; returns the text."""
    project.make(goals)
    names = []
    for line in sorted(set(changes(project)) - {" M schema.sql", " M migrations/catalog.txt"}):
        assert re.fullmatch(r"\?\? migrations/versions/[\d_]{15}-[0-9a-f]{12}_\w+\.py", line)
        names.append(line.removeprefix("?? "))
    assert len(names) == files
    for check in ("check", "format --check"):
        done = project.run(f".venv/bin/python -m ruff {check} {' '.join(names)}")
        assert done.returncode == 0, done.stdout
    text = "".join(project.read(name) for name in names)
    commit(project)
    return text


def columns(url: str, table: str) -> dict[str, str | None]:
    """The columns of a table in the database, and their comments; none if there is no table."""
    engine = sa.create_engine(url)
    try:
        inspector = sa.inspect(engine)
        found = inspector.get_columns(table) if inspector.has_table(table) else []
        return {column["name"]: column.get("comment") for column in found}
    finally:
        engine.dispose()


def refused(project: Rendering, would_drop: str) -> str:
    """Tries to write a revision that drops something; returns the goals that would allow it."""
    done = project.run('make revision m="drop it"')
    assert done.returncode != 0
    assert f"This revision would drop {would_drop}" in done.stdout + done.stderr
    assert changes(project) == []
    advised = re.search(r"`make (revision m=\"\.\.\.\" drop=[\w.,]+)`", done.stdout + done.stderr)
    assert advised
    return advised[1].replace("...", "drop it")


def test_a_fresh_rendering_passes_its_checks_and_tests(project: Rendering) -> None:
    printed = project.make("setup check test")
    assert re.search(r"\d+ passed", printed)
    assert not re.search(r"\d+ (skipped|failed|error|warning|xfailed)", printed)
    assert changes(project) == []


def test_a_model_becomes_a_table_and_goes_again(project: Rendering) -> None:
    on_postgresql = project.answers["database"] == "postgresql"
    path = project.path / "app/models/product.py"
    project.make("migrate")
    url = project.make("-s db-url").strip()
    assert columns(url, "users") != columns(url, "products") == {}
    assert changes(project) == []

    path.write_text(MODEL + PRICE, "utf-8")
    commit(project)
    assert re.search(
        r"^products +app\.models\.product +产品$", project.make("tables"), re.MULTILINE
    )
    written = revision(project, "revision m='add products'")
    assert 'comment="单价（分）"' in written
    assert columns(url, "products") == {}
    assert "these would be applied" in project.make("plan")
    project.make("migrate")
    assert columns(url, "products").get("price") == ("单价（分）" if on_postgresql else None)
    project.make("downgrade")
    assert columns(url, "products") == {}
    project.make("upgrade")
    assert set(columns(url, "products")) >= {"id", "name", "price", "created_at"}
    project.make("check")
    assert "no revision is needed, none was written" in project.make("revision m=nothing")
    assert changes(project) == []

    path.write_text(MODEL, "utf-8")
    commit(project)
    allowed = refused(project, "products.price")
    # First, new code may leave it out; in the end it goes.
    revision(project, allowed, files=2 if on_postgresql else 1)
    project.make("migrate")
    assert "price" not in columns(url, "products")
    project.make("downgrade")
    assert "price" in columns(url, "products")
    project.make("upgrade")

    path.unlink()
    commit(project)
    allowed = refused(project, "products")
    revision(project, allowed)
    project.make("migrate")
    assert columns(url, "products") == {}
    project.make("downgrade to=base")
    project.make("upgrade")
    project.make("check test")
    assert changes(project) == []


def test_pre_commit_passes_and_refuses(ready: Render) -> None:
    project = ready(types=True)
    git(project, "init")
    commit(project)
    home = {"PRE_COMMIT_HOME": str(project.path.parent / "pre-commit")}
    everything = ".venv/bin/pre-commit run --all-files --color never"
    done = project.run(everything, env=home)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.findall(r"^(.+?)\.{3,}Passed$", done.stdout, re.MULTILINE)
    assert len(passed) == len(
        re.findall(r"^ +- id: ", project.read(".pre-commit-config.yaml"), re.M)
    )
    assert changes(project) == []

    # A model without its revision, badly formatted, with an unused import and a wrong type.
    bad = f"{MODEL}{PRICE}\n\nimport os\nx: int = 'x'\n"
    (project.path / "app/models/product.py").write_text(bad, "utf-8")
    git(project, "add --all")
    done = project.run(everything, env=home)
    assert done.returncode != 0
    failed = re.findall(r"^(.+?)\.{3,}Failed$", done.stdout, re.MULTILINE)
    # There is no revision yet that lint could say anything against.
    assert failed == [name for name in passed if name != "lint migrations"]
    assert changes(project) == ["A  app/models/product.py"]


def test_there_is_a_python_to_test_with() -> None:
    assert PYTHONS, "no Python that projects run on was found on PATH or in ~/.pyenv/versions"
