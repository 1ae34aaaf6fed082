"""Where the models of a metadata are, in what has been imported."""

from importlib import import_module, invalidate_caches
from pathlib import Path

import pytest

from migrator.adopt import own_models

FILES = {
    "__init__.py": "",
    "base.py": (
        "from sqlalchemy.orm import DeclarativeBase\n\n\nclass Base(DeclarativeBase): ...\n"
    ),
    "models/__init__.py": "from {name}.models import order, user\n",
    "models/order.py": (
        "from sqlalchemy import Column, Integer\n\nfrom {name}.base import Base\n\n\n"
        "class Order(Base):\n    __tablename__ = 'orders'\n"
        "    id = Column(Integer, primary_key=True)\n"
    ),
    "models/user.py": (
        "from sqlalchemy import Column, Integer, Table\n\nfrom {name}.base import Base\n\n"
        "users = Table('users', Base.metadata, Column('id', Integer, primary_key=True))\n"
    ),
    "lazy.py": (
        "def __getattr__(name):\n    raise RuntimeError('nobody may ask a module for ' + name)\n"
    ),
    "uses.py": "from {name} import lazy\n",
}


@pytest.mark.parametrize("inside", [True, False], ids=["of the project", "installed"])
def test_they_are_found(inside: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"shop_of_{tmp_path.name.replace('-', '_')}"
    folder = tmp_path / "packages"
    for path, text in FILES.items():
        file = folder / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("{name}", name), "utf-8")
    monkeypatch.syspath_prepend(str(folder))
    invalidate_caches()
    metadata = import_module(f"{name}.base").Base.metadata
    for module in ("models", "uses"):
        import_module(f"{name}.{module}")
    found = own_models.find(metadata, tmp_path if inside else tmp_path / "elsewhere")
    assert (found.base, found.modules, found.tables) == (
        f"{name}.base:Base",
        (f"{name}.models",),
        2,
    )
