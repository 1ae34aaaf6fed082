"""scripts/private_names.py: the list of private names is complete, and they all exist."""

from __future__ import annotations

from pathlib import Path

from scripts import private_names


def test_the_library_uses_the_names_of_the_list_and_no_others() -> None:
    assert private_names.used_attributes() == set(private_names.ATTRIBUTES)


def test_the_installed_versions_have_them() -> None:
    assert private_names.missing() == []
    assert {"_repr_type", "_run_hooks"} <= {name for _, name in private_names.used_imports()}


def test_only_names_of_others_are_found(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(
        "from alembic.x import _y\nfrom migrator.z import _z\nimport sys\n"
        "class A:\n    def f(self, other):\n"
        "        return self._own, other._theirs, sys._getframe, other.__dict__\n",
        encoding="utf-8",
    )
    assert private_names.used_attributes(tmp_path) == {"_theirs"}
    assert private_names.used_imports(tmp_path) == {("alembic.x", "_y")}
