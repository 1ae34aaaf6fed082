"""`migrator adopt` in four projects that have used Alembic before, and what works after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.adoption.conftest import Project, made

# By project: a file of models, what to replace in it, the new text, and the column that it adds.
CHANGES = {
    "sync": ("shop/models.py", "String(3))\n", "String(3))\n    note: Mapped[str | None]\n"),
    "asynchronous": (
        "src/shop/models/customer.py",
        "name: Mapped[str]\n",
        "name: Mapped[str]\n    note: Mapped[str | None]\n",
    ),
    "flask": ("shop/models.py", "tags = ", "Customer.note = db.Column(db.Text)\ntags = "),
    "fastapi": (
        "app/models.py",
        "is_active: bool = True\n",
        "is_active: bool = True\n    note: str | None = None\n",
    ),
}
FOUND = {
    "sync": ("sync", "shop.models:Base", ["shop.models"], "shop_version", "meta"),
    "asynchronous": ("async", "shop.models.base:Model", ["shop.models"], "alembic_version", ""),
    "flask": ("flask-migrate", "shop:db", ["shop.models"], "alembic_version", ""),
    "fastapi": ("sync", "app.models:SQLModel", ["app.models"], "alembic_version", ""),
}
# Where no database answers: whatever connects there instead of to what it is given fails.
NOWHERE = "postgresql://nobody@127.0.0.1:9/nothing"


@pytest.mark.parametrize("name", CHANGES)
def test_a_project_is_adopted(name: str, tmp_path: Path, environment: Path, server: str) -> None:
    project = made(name, tmp_path, environment, server)
    before = project.query("SELECT relname, xmin::text FROM pg_class ORDER BY oid")

    report = json.loads(
        project.run(f"python -m migrator adopt --json --database-url {project.url}").stdout
    )
    kind, base, modules, table, schema = FOUND[name]
    assert (report["env_kind"], report["base"], report["modules"]) == (kind, base, modules)
    assert (report["version_table"], report["version_table_schema"]) == (table, schema)
    assert report["replayed"] and report["database_at"] == report["heads"]
    assert (report["database_differences"], report["models_differences"]) == ([], [])
    assert report["problems"] == [] and not report["written"]
    assert project.done("git status --porcelain") == ""

    project.done(f"python -m migrator adopt --yes --database-url {project.url}")
    assert project.query("SELECT relname, xmin::text FROM pg_class ORDER BY oid") == before
    env = report["env"]
    changed = project.done(f"git diff --numstat {env}").split()
    assert changed == ["2", "0", env]
    project.commit()
    assert "Nothing is to be written" in project.done(
        "python -m migrator adopt", {"DATABASE_URL": project.url}
    )

    # From now on env.py goes where a command does, whatever its own settings say.
    file, old, new = CHANGES[name]
    text = (project.path / file).read_text(encoding="utf-8")
    assert old in text
    (project.path / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    target = {"DATABASE_URL": project.url}
    project.own = _elsewhere(name)
    said = project.done("python -m migrator revision -m note", target)
    assert "Proved on a shadow database" in said and "other-session" not in said
    assert "agree" in project.done("python -m migrator drift", target)
    assert "No findings" in project.done("python -m migrator lint", target)
    assert "note" in project.done("make -f migrations.mk plan", target | {"MAKEFLAGS": "-i"})
    assert "verify " in project.done("python -m migrator -c alembic_prod.ini deploy", target)
    assert project.run("python -m migrator check", target).returncode == 0
    found = project.query(
        "SELECT table_name FROM information_schema.columns WHERE column_name = 'note'"
    )
    assert len(found) == 1
    project.commit()

    # And their own commands work as they did.
    project.own = _own(name, project)
    current = "flask db current" if name == "flask" else "python -m alembic current"
    assert "(head)" in project.done(current)


def _own(name: str, project: Project) -> dict[str, str]:
    from tests.adoption.conftest import own_settings

    return own_settings(name, project.url)


def _elsewhere(name: str) -> dict[str, str]:
    from tests.adoption.conftest import own_settings

    return own_settings(name, NOWHERE)


def test_squash_keeps_what_alembic_utils_made(
    tmp_path: Path, environment: Path, server: str
) -> None:
    project = made("asynchronous", tmp_path, environment, server)
    project.done(f"python -m migrator adopt --yes --database-url {project.url}")
    project.commit()
    target = {"DATABASE_URL": project.url}
    assert "Proved" in project.done("python -m migrator squash -m start --keep-data all", target)
    (revision,) = (project.path / "migrations/versions").glob("*.py")
    text = revision.read_text(encoding="utf-8")
    assert "CREATE FUNCTION public.with_tax" in text and "drop_entity" not in text
    assert "DROP FUNCTION public.with_tax" in text
    assert "agree" in project.done("python -m migrator drift", target)


def test_what_does_not_fit_is_said_and_nothing_is_changed(
    tmp_path: Path, environment: Path, server: str
) -> None:
    project = made("sync", tmp_path, environment, server)
    adopt = f"python -m migrator adopt --yes --database-url {project.url}"

    # The undo that it prints.
    said = project.done(adopt)
    lines = said.partition("To undo it:\n")[2].splitlines()
    for line in lines[:2]:
        project.done(line.strip())
    assert project.done("git status --porcelain") == ""

    # A difference, and a database that is behind.
    with_psycopg(project, "ALTER TABLE orders ADD COLUMN by_hand int")
    with_psycopg(project, "ALTER TABLE orders DROP COLUMN currency")
    with_psycopg(project, "UPDATE meta.shop_version SET version_num = '1a0000000002'")
    report = json.loads(
        project.done(f"{adopt.replace(' --yes', '')} --json").partition("Shadow")[0]
    )
    assert report["database_behind"] == 1
    assert report["database_differences"] == [
        "column public.orders.by_hand is in the database, but not in the history"
    ]

    # A file with changes that are not committed.
    ini = project.path / "alembic.ini"
    ini.write_text(ini.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    refused = project.run(adopt)
    assert refused.returncode == 5 and "not committed are in alembic.ini" in refused.stderr
    assert project.done("git status --porcelain") == " M alembic.ini\n"
    assert "# mine" in project.done(f"{adopt} --dirty") + ini.read_text(encoding="utf-8")
    project.done("git checkout --quiet -- .")
    project.done("git clean -fdq")

    # A revision that does not run, and an env.py that is not understood.
    revision = project.path / "alembic/versions/1a0000000003_currency.py"
    text = revision.read_text(encoding="utf-8")
    revision.write_text(text.replace('"orders",', '"oders",'), encoding="utf-8")
    failed = project.run(adopt)
    assert failed.returncode == 1
    assert '1a0000000003 fails (1a0000000003_currency.py, line 15): relation "oders" does not' in (
        " ".join(failed.stdout.split())
    )
    assert project.done("git status --porcelain") == f" M {revision.relative_to(project.path)}\n"
    project.done("git checkout --quiet -- .")

    env = project.path / "alembic/env.py"
    strange = env.read_text(encoding="utf-8").replace(
        "from alembic import context", "from own import context"
    )
    env.write_text(strange, encoding="utf-8")
    (project.path / "own.py").write_text("from alembic import context\n", encoding="utf-8")
    project.commit()
    said = " ".join(project.done(adopt).split())
    assert "alembic/env.py is left alone" in said
    assert "`from migrator import environment` and `environment.adopt(context.config)`" in said
    assert env.read_text(encoding="utf-8") == strange


def with_psycopg(project: Project, statement: str) -> None:
    import psycopg

    with psycopg.connect(project.url) as connection:
        connection.execute(statement.encode())
