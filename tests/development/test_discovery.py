"""Models are found wherever they are; whatever cannot be imported stops the command.

Each failure here made a stock env.py write `op.drop_table(...)` with exit code 0, or nothing.
"""

import pytest

from tests.conftest import Render, Rendering

MODEL = """
from sqlalchemy.orm import Mapped

from app.models.base import Base, PrimaryKey


class {name}(Base):
    __tablename__ = "{table}"

    id: Mapped[PrimaryKey]
"""


def add_model(project: Rendering, path: str, table: str) -> None:
    file = project.path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(MODEL.format(name=table.title().replace("_", ""), table=table), "utf-8")


def write(project: Rendering, path: str, text: str) -> None:
    (project.path / path).write_text(text, "utf-8")


def set_option(project: Rendering, key: str, value: str) -> None:
    lines = project.read("alembic.ini").splitlines()
    changed = [f"{key} = {value}" if line.startswith(f"{key} ") else line for line in lines]
    assert changed != lines
    write(project, "alembic.ini", "\n".join(changed) + "\n")


def revisions(project: Rendering) -> set[str]:
    return {p.name for p in (project.path / "migrations" / "versions").rglob("*.py")}


@pytest.fixture
def project(ready: Render) -> Rendering:
    return ready(database="sqlite")


def test_models_are_found_in_every_kind_of_place(project: Rendering) -> None:
    places = {
        "app/models/plain.py": "plain",
        "app/models/_private.py": "private",
        "app/models/deep/er/still/nested.py": "nested",  # folders without __init__.py
        "app/models/kept/__init__.py": "in_init",
        "app/models/with-dash.py": "with_dash",
        "other/models/elsewhere.py": "elsewhere",
        "single.py": "single_module",
    }
    for path, table in places.items():
        add_model(project, path, table)
    set_option(project, "autoimport_models", "app.models, other.models single")
    listed = project.make("tables")
    for table in [*places.values(), "users", "teams", "invoices"]:
        assert f"\n{table} " in listed, listed
    assert "app.models.deep.er.still.nested" in listed
    assert "app.models.kept\n" in listed


def test_tables_are_listed_without_a_database(project: Rendering) -> None:
    done = project.run("make tables", env={"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})
    assert done.returncode == 0
    assert not list(project.path.glob("*.db"))


def test_tables_never_get_into_sql_output(project: Rendering) -> None:
    done = project.run(".venv/bin/alembic upgrade head --sql")
    assert done.returncode == 0
    assert done.stdout.startswith("BEGIN;")


def test_excluded_modules_are_not_even_imported(project: Rendering) -> None:
    write(project, "app/models/legacy_orders.py", "raise RuntimeError('imported')\n")
    set_option(project, "autoimport_exclude", "app.models.legacy*")
    assert "legacy" not in project.make("tables")


def test_a_package_is_excluded_with_all_below_it(project: Rendering) -> None:
    for path in ("tests/__init__", "tests/deep/er", "kept/tests/factories", "contests"):
        add_model(project, f"app/models/{path}.py", path.replace("/", "_"))
    patterns = "tests, app.models.team, app/models/nothing"
    set_option(project, "autoimport_exclude", patterns)
    done = project.run("make tables")
    tables = [line.split(" ")[0] for line in done.stdout.splitlines()[1:]]
    assert "contests" in tables and "tests___init__" not in tables and "users" in tables
    assert not [each for each in tables if "tests_" in each]
    assert "autoimport_exclude = app/models/nothing in alembic.ini fits no module below" in (
        done.stderr
    )
    assert done.stderr.count("fits no module") == 1


def test_upgrade_and_current_do_not_import_models(project: Rendering) -> None:
    write(project, "app/models/broken.py", "import no_such_package\n")
    project.make("migrate")
    project.make("current")
    assert "Nothing is pending" in project.make("plan")


FAILURES = {
    "missing dependency": (
        {"app/models/pay.py": "import no_such_package\n"},
        ["app.models.pay", "No module named 'no_such_package'", "app/models/pay.py, line 1"],
    ),
    "syntax error": (
        {"app/models/pay.py": "x = 1\nclass Pay(:\n"},
        ["app.models.pay", "SyntaxError", "app/models/pay.py, line 2"],
    ),
    "circular import": (
        {
            "app/models/left.py": "from app.models.right import R\nL = 1\n",
            "app/models/right.py": "from app.models.left import L\nR = 1\n",
        },
        ["app.models.left", "circular import", "app/models/right.py, line 1"],
    ),
    "error in a nested package": (
        {"app/models/billing/__init__.py": "1 / 0\n"},
        ["app.models.billing", "ZeroDivisionError", "app/models/billing/__init__.py, line 1"],
    ),
    "exit at import": (
        {"app/models/pay.py": "import sys\nsys.exit(0)\n"},
        ["app.models.pay", "SystemExit"],
    ),
    "misspelt import inside": (
        {"app/models/pay.py": "from app.models.usr import User\n"},
        ["app.models.pay", "No module named 'app.models.usr'"],
    ),
    "error deep in a library": (
        {"app/models/pay.py": "import json\njson.loads('{')\n"},
        ["app.models.pay", "JSONDecodeError", "app/models/pay.py, line 2"],
    ),
    "table on a foreign metadata": (
        {
            "app/models/pay.py": "from sqlalchemy.orm import DeclarativeBase\n\n"
            + MODEL.format(name="Pay", table="pay").replace(
                "\n\nclass Pay(Base)",
                "\n\nclass Other(DeclarativeBase):\n    pass\n\n\nclass Pay(Other)",
            )
        },
        ["Table pay", "app.models.pay", "another MetaData"],
    ),
    "foreign Table object": (
        {
            "app/models/pay.py": "import sqlalchemy as sa\n"
            "pay = sa.Table('pay', sa.MetaData(), sa.Column('id', sa.Integer))\n"
        },
        ["Table pay", "app.models.pay", "another MetaData"],
    ),
    "one file under two names": (
        {
            "app/models/pay.py": "import sys\nsys.path.insert(0, 'app')\n"
            + MODEL.format(name="Pay", table="pay").replace("app.models", "models")
        },
        ["app/models/base.py", "app.models.base", "two names", "from app.models.base import"],
    ),
}


@pytest.mark.parametrize(("files", "said"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_stops_the_command(
    project: Rendering, files: dict[str, str], said: list[str]
) -> None:
    before = revisions(project)
    for path, text in files.items():
        write(project, path, text)
    for command in ("revision --autogenerate -m x", "check"):
        done = project.run(f".venv/bin/alembic {command}")
        assert done.returncode != 0
        assert revisions(project) == before
        for words in said:
            assert words in done.stdout, done.stdout
        assert "Traceback" not in done.stdout + done.stderr
        assert len(done.stdout.strip().splitlines()) == 1, done.stdout


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("autoimport_models", "app.modles", ["app.modles", "Did you mean app.models?"]),
        ("autoimport_models", "ap.models", ["no module ap", "Did you mean app?"]),
        ("autoimport_models", "", ["alembic.ini", "autoimport_models"]),
        ("autoimport_base", "app.models.bse:Base", ["app.models.bse", "app.models.base?"]),
        ("autoimport_base", "app.models.base:Bass", ["app.models.base:Bass", "declarative base"]),
        ("autoimport_exclude", "app.*", ["No table was found", "autoimport_models"]),
    ],
)
def test_a_misspelt_key_stops_the_command(
    project: Rendering, key: str, value: str, said: list[str]
) -> None:
    before = revisions(project)
    set_option(project, key, value)
    done = project.run("make tables")
    assert done.returncode != 0
    for words in said:
        assert words in done.stderr, done.stderr
    assert project.run(".venv/bin/alembic revision --autogenerate -m x").returncode != 0
    assert revisions(project) == before
