"""The places that belong to the template: they are replaced whole, not merged."""

import shutil
import tomllib
from pathlib import Path

from migrator.template import origin
from migrator.template.programs import git


class Replaced:
    """The template's own files and folders in a project.

    Args:
        project: its folder.
        old: a rendering of the version that it is at.
        new: a rendering of the version that it goes to.

    Attributes:
        places: their paths: those that are the template's, and those that now will be.
    """

    def __init__(self, project: Path, old: Path, new: Path) -> None:
        self._project, self._old, self._new = project, old, new
        self.places = sorted({*_listed(project), *(_listed(new) - _listed(old))})

    def edits(self) -> list[str]:
        """Return what the project has changed in them."""
        here = set(self._tracked(*self.places))
        there = {
            path.relative_to(self._old).as_posix()
            for place in self.places
            for path in [self._old / place, *(self._old / place).rglob("*")]
            if path.is_file()
        }
        kept = {place for place in self.places if (self._project / place).exists()}
        found = []
        for name in sorted((here | there) - {origin.ANSWERS_FILE, origin.COMMIT_FILE}):
            if name not in there:
                found.append(f"{name} (added)")
            elif name not in here:
                if any(name == place or name.startswith(f"{place}/") for place in kept):
                    found.append(f"{name} (deleted)")
            elif (self._project / name).read_bytes() != (self._old / name).read_bytes():
                found.append(f"{name} (edited)")
        return found

    def replace(self) -> None:
        """Put those of the new version in the place of the project's."""
        for place in self.places:
            self._replace(place)

    def _replace(self, place: str) -> None:
        here, new = self._project / place, self._new / place
        if (self._old / place).exists() and not here.exists():
            return  # the project has deleted it, and takes the package from elsewhere
        if here.is_dir():
            shutil.rmtree(here)
        else:
            here.unlink(missing_ok=True)
        if new.is_dir():
            shutil.copytree(new, here)
        elif new.exists():
            here.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(new, here)
        if here.exists() or self._tracked(place, deleted=True):
            git(self._project, "add", "--all", "--force", "--", place)

    def _tracked(self, *places: str, deleted: bool = False) -> list[str]:
        listed = git(self._project, "ls-files", "-z", "--", *places) if places else ""
        names = [name for name in listed.split("\0") if name]
        return [name for name in names if deleted or (self._project / name).is_file()]


def _listed(folder: Path) -> set[str]:
    """Return `[tool.alembic-starter] replaced` of a project, or an empty set."""
    try:
        tool = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
        return set(tool["alembic-starter"]["replaced"])
    except (OSError, KeyError, ValueError):
        return set()
