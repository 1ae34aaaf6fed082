"""What of a project's modules are models, told from their text."""

from pathlib import Path

import pytest

from migrator.lint.mapped_names import is_mapped
from migrator.lint.python_code import Code
from migrator.lint.rules.models_in_revision import RULE

FILES = {
    "shop_of_test/__init__.py": "from .orders import Order\nfrom shop_of_test.kinds import Kind\n",
    "shop_of_test/orders.py": "class Order(Base):\n    __tablename__ = 'orders'\n",
    "shop_of_test/named.py": (
        "class Named(Base):\n    @declared_attr\n    def __tablename__(cls): ...\n"
    ),
    "shop_of_test/sqlmodel.py": "class Hero(SQLModel, table=True):\n    id: int\n",
    "shop_of_test/core.py": (
        "import sqlalchemy as sa\nmeta = sa.MetaData()\nusers = sa.Table('u', meta)\n"
    ),
    "shop_of_test/kinds.py": (
        "class Kind(enum.Enum):\n    A = 1\n\n\nclass Money(TypeDecorator): ...\n"
    ),
    "shop_of_test/settings.py": "settings = Settings()\n",
    "shop_of_test/broken.py": "class (\n",
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "mapped"),
    {
        "shop_of_test.Order": True,
        "shop_of_test.orders": True,
        "shop_of_test.orders.Order": True,
        "shop_of_test.named.Named": True,
        "shop_of_test.sqlmodel.Hero": True,
        "shop_of_test.core.users": True,
        "shop_of_test.core.meta": True,
        "shop_of_test.core.*": True,
        "shop_of_test": False,
        "shop_of_test.Kind": False,
        "shop_of_test.kinds.Money": False,
        "shop_of_test.kinds": False,
        "shop_of_test.settings.settings": False,
        "shop_of_test.broken.Thing": False,
        "shop_of_test.nothing.Thing": False,
        "sqlalchemy.orm.Session": False,
        "json": False,
    }.items(),
)
def test_is_mapped(name: str, mapped: bool) -> None:
    assert is_mapped(name) is mapped


@pytest.mark.parametrize(
    ("code", "found"),
    {
        "import shop_of_test.orders\n": False,  # as a script.py.mako may do, for types
        "import shop_of_test.core as core\nx = core.Money\n": False,
        "import shop_of_test.core\nx = shop_of_test.core.Money()\n": False,
        "import shop_of_test.core\nx = shop_of_test.core.users.c.id\n": True,
        "import shop_of_test.core as core\nx = core.users.insert()\n": True,
        "from shop_of_test import orders\n": True,
        "from shop_of_test.kinds import Money\n": False,
        "from app import models\n": True,
        "import app.models.users\n": True,
    }.items(),
)
def test_a_revision_imports_models(code: str, found: bool) -> None:
    assert RULE.code is not None
    assert [*RULE.code(Code.of(code))] == ([1] if found else [])
