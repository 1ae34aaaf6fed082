"""Where a project has its configuration, its env.py and its revisions."""

import configparser
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from migrator.config import alembic_config
from migrator.errors import UsageError, one_line

INI = "alembic.ini"
MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
# Where Flask-Migrate has the file, without the keys that it sets itself.
BELOW = ("migrations", "alembic")


@dataclass(frozen=True)
class Layout:
    """A project's files.

    `ini` is the file that commands read, which may not be there yet; then `source` has the text
    that it begins with.
    """

    folder: Path
    ini: Path
    source: Path | None
    scripts: Path
    locations: tuple[Path, ...]

    @property
    def env(self) -> Path:
        """Its env.py."""
        return self.scripts / "env.py"

    @property
    def template(self) -> Path:
        """What revisions are written with."""
        return self.scripts / "script.py.mako"

    @property
    def settings(self) -> Path:
        """The file that its own settings are in today."""
        own = self.source or self.ini
        return own if own.is_file() else self.folder / "pyproject.toml"

    @property
    def makefile(self) -> Path | None:
        """Its Makefile, if it has one."""
        files = (self.folder / name for name in MAKEFILES)
        return next((file for file in files if file.is_file()), None)

    def shown(self, path: Path) -> str:
        """Return a path as seen from the project's folder."""
        return path.relative_to(self.folder).as_posix() if self.has(path) else str(path)

    def says_in_pyproject(self, key: str) -> bool:
        """Tell whether [tool.alembic] of pyproject.toml has a key."""
        return key in alembic_config.of_pyproject(self.folder / "pyproject.toml")

    def has(self, path: Path) -> bool:
        """Tell whether a path is inside the project's folder."""
        return path.is_relative_to(self.folder)


def find(named: str) -> Layout:
    """Return the layout of the project in the current folder.

    Args:
        named: the ini file; by default alembic.ini, or what else Alembic and Flask-Migrate use.

    Raises:
        UsageError: there is none, or it names no folder of revisions.
    """
    folder = Path.cwd()
    ini = folder / named
    if ini.is_file():
        return _of(folder, ini, None, alembic_config.read(ini))
    if named == INI and alembic_config.says_alembic(folder / "pyproject.toml"):
        return _of(folder, ini, None, alembic_config.read(ini))
    for name in BELOW if named == INI else ():
        source = folder / name / INI
        if source.is_file() and (folder / name / "env.py").is_file():
            config = Config(str(source))
            config.set_main_option("script_location", str(source.parent))
            return _of(folder, ini, source, config)
    raise UsageError(
        f"There is no {named} here, no [tool.alembic] in pyproject.toml and no"
        " migrations/alembic.ini: run this in the folder of a project that uses Alembic, or name"
        " the ini file with -c."
    )


def _of(folder: Path, ini: Path, source: Path | None, config: Config) -> Layout:
    try:
        script = ScriptDirectory.from_config(config)
    except Exception as error:  # Alembic's own, or of the parser
        raise UsageError(f"{ini.name} cannot be used: {one_line(error)}.") from None
    places = tuple(Path(each).resolve() for each in script._version_locations)
    return Layout(folder, ini, source, Path(script.dir).resolve(), places)


def read(path: Path) -> configparser.RawConfigParser:
    """Return an ini file, without interpolation; an empty one if it is not there."""
    parser = configparser.RawConfigParser(strict=False)
    if path.is_file():
        parser.read_string(path.read_text(encoding="utf-8"))
    return parser
