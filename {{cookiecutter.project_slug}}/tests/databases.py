"""Create and drop databases: on a PostgreSQL server, or as SQLite files."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL


@contextmanager
def shadow_database(server: URL, template: URL | None = None) -> Iterator[URL]:
    """Yield the URL of a new database, empty or a copy of `template`, and drop it afterwards."""
    if server.get_backend_name() == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "test.db"
            if template is not None:
                shutil.copyfile(str(template.database), path)
            yield server.set(database=str(path))
        return
    name = f"{str(server.database)[:40]}_test_{uuid.uuid4().hex[:12]}"
    source = template.database if template else "template0"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{source}"'))
            try:
                yield server.set(database=name)
            finally:
                connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    finally:
        admin.dispose()
