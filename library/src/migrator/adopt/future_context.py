"""A context for a project as it will be, with nothing of it written yet."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.config import Config

from migrator.adopt import changes
from migrator.adopt.adoption import Adoption
from migrator.adopt.project_layout import Layout
from migrator.config import alembic_config, application, version_table
from migrator.config.context import Context


@contextmanager
def of(found: Adoption) -> Iterator[Context]:
    """Yield it."""
    own = found.layout
    for folder in (str(own.folder), *_paths(own)):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    if own.ini.is_file() and not found.app:
        yield _read(found, own.ini)
        return
    with tempfile.TemporaryDirectory(prefix="adopt-") as name:
        ini = Path(name, own.ini.name)
        source = own.source or own.ini
        here = str(source.parent).replace("%", "%%")
        text = (changes.read(source) or "[alembic]\n").replace("%(here)s", here)
        ini.write_text(text, encoding="utf-8")
        config = Config(str(ini))
        if own.source is not None or not own.ini.is_file():
            config.set_main_option("script_location", str(own.scripts).replace("%", "%%"))
        config.set_main_option(application.FLASK, found.app)
        with ini.open("w", encoding="utf-8") as file:
            config.file_config.write(file)
        yield _read(found, ini)


def _read(found: Adoption, ini: Path) -> Context:
    config = alembic_config.read(ini)
    version_table.use(config)
    return Context.of(config, {"host": found.wanted.host})


def _paths(own: Layout) -> list[str]:
    config = alembic_config.read(own.source or own.ini)
    return [str(Path(each).resolve()) for each in config.get_prepend_sys_paths_list() or ()]
