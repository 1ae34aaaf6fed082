"""Reading the revision files: which one is broken, and what they may need for it."""

from pathlib import Path

import pytest
from alembic.config import Config

from migrator.config.context import Context
from migrator.errors import MigratorError, UsageError
from migrator.revisions import graph

REVISION = 'revision, down_revision = "a1", None\ndef upgrade(): pass\ndef downgrade(): pass\n'


def context(folder: Path, **options: str) -> Context:
    (folder / "migrations/versions").mkdir(parents=True, exist_ok=True)
    given = {"script_location": str(folder / "migrations"), "path_separator": "os",
             "prepend_sys_path": str(folder), "sqlalchemy.url": "postgresql://127.0.0.1/x",
             **options}  # fmt: skip
    ini = folder / "alembic.ini"
    ini.write_text("\n".join(["[alembic]", *(f"{k} = {v}" for k, v in given.items())]), "utf-8")
    return Context.of(Config(str(ini)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"import os\nos.environ['NOTIFY']\n" + REVISION.encode(), "KeyError: 'NOTIFY'"),
        ("name = 'caf\xe9'\n".encode("latin-1") + REVISION.encode(), "utf-8"),
        (b"\x00" + REVISION.encode(), "null bytes"),
        (b"revision = 'a1'\n", "down_revision"),
        (b"def upgrade(:\n", "SyntaxError"),
        (b"raise ValueError('no')\n", "ValueError: no"),
    ],
)
def test_the_broken_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    own = context(tmp_path)
    (tmp_path / "migrations/versions/a1_one.py").write_bytes(REVISION.encode())
    broken = content.replace(b'"a1", None', b'"b2", "a1"')
    (tmp_path / "migrations/versions/b2_two.py").write_bytes(broken)
    with pytest.raises(
        MigratorError, match=r"A revision file cannot be read: b2_two\.py: "
    ) as info:
        graph.load(own)
    assert said in str(info.value)


def test_a_missing_file_is_no_broken_one(tmp_path: Path) -> None:
    own = context(tmp_path)
    text = REVISION.replace("None", '"zz"')
    (tmp_path / "migrations/versions/a1_one.py").write_text(text, "utf-8")
    with (
        pytest.warns(UserWarning, match="zz"),
        pytest.raises(MigratorError, match="Revision 'zz' is missing"),
    ):
        graph.load(own)


def test_a_revision_may_ask_for_the_connection_when_it_is_imported(tmp_path: Path) -> None:
    own = context(tmp_path)
    text = f"from alembic import op\nconnection = op.get_bind()\n{REVISION}"
    (tmp_path / "migrations/versions/a1_one.py").write_text(text, "utf-8")
    assert graph.load(own).get_heads() == ["a1"]
    assert graph.load(own).get_heads() == ["a1"]  # Alembic's proxy is another one then


APPLICATION = """
from contextlib import contextmanager
current = None

@contextmanager
def context():
    global current
    current = "inside"
    yield
"""


def test_revisions_are_read_in_the_context_of_the_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "flasky_app.py").write_text(APPLICATION, "utf-8")
    text = f"import flasky_app\nassert flasky_app.current == 'inside'\n{REVISION}"
    own = context(tmp_path)
    (tmp_path / "migrations/versions/a1_one.py").write_text(text, "utf-8")
    with pytest.raises(MigratorError, match=r"a1_one\.py: AssertionError"):
        graph.load(own)
    own = context(tmp_path, application_context="flasky_app:nothing")
    with pytest.raises(UsageError, match="does not name a function"):
        graph.load(own)
    own = context(tmp_path, application_context="flasky_app:context")
    assert graph.load(own).get_heads() == ["a1"]
