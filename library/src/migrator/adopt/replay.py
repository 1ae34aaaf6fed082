"""The history of a project on a shadow database, before anything of the project is changed."""

import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from migrator import catalog, environment, shadow
from migrator.catalog import Schema
from migrator.config import version_table
from migrator.config.context import Context
from migrator.console import withheld
from migrator.environment.adopted import NAMES, SEEN
from migrator.errors import one_line
from migrator.revisions import graph
from migrator.sqlite import engine as sqlite


@dataclass
class Replay:
    """What came of it.

    Args:
        revisions: how many there are.
        heads: the newest ones.
        failed: the revision that failed, if one did; "env.py" if that did.
        reason: why, on one line, and `file` where.
        options: what env.py gave to `context.configure`.
        schemas: by what it was upgraded to ("heads", or the revisions of a database), the schema.
    """

    revisions: int = 0
    heads: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    failed: str = ""
    reason: str = ""
    file: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    engine_names: list[str] = field(default_factory=list)
    schemas: dict[str, Schema] = field(default_factory=dict)
    directory: ScriptDirectory | None = None

    @property
    def metadata(self) -> MetaData | None:
        """The one MetaData of the models."""
        found = self.options.get("target_metadata")
        return found if isinstance(found, MetaData) else None

    def behind(self, at: tuple[str, ...]) -> int:
        """Return how many revisions a database at these ones lacks."""
        if self.directory is None:
            return 0
        return len([*self.directory.iterate_revisions(self.heads, at or "base")])

    @property
    def url(self) -> URL | None:
        """Where env.py would have connected to."""
        own = self.options.get("connection")
        return own.engine.url if isinstance(own, Connection) else None


def run(own: Context, url: URL, targets: Callable[[Replay], list[str]]) -> Replay:
    """Apply the revisions to the empty shadow database `url`, which `own` names.

    Args:
        targets: called when env.py has been run once, without a revision; returns what to upgrade
            to, one after the other, where the schema is read.
    """
    replay = Replay()
    seen: list[dict[str, Any]] = []
    own.config.attributes.update({SEEN: seen, NAMES: replay.engine_names})
    try:
        directory = graph.load(own)
    except Exception as error:  # revisions are somebody's Python
        replay.failed, replay.reason = "the revision files", one_line(error)
        return replay
    replay.directory = directory
    scripts = list(directory.walk_revisions())
    replay.revisions, replay.heads = len(scripts), tuple(directory.get_heads())
    replay.known = frozenset(each.revision for each in scripts)
    _run(own, url, directory, "base", replay)
    own.config.attributes[NAMES] = []
    if seen:
        replay.options = seen[0]
        _use_version_table(own, replay.options)
    if replay.failed or not seen:
        replay.failed = replay.failed or "env.py"
        replay.reason = replay.reason or "it did not call context.configure()"
        return replay
    for target in targets(replay):
        _run(own, url, directory, target, replay)
        if replay.failed:
            break
        with create_engine(url, poolclass=NullPool).connect() as connection:
            replay.schemas[target] = catalog.read(connection, catalog.NOT_OURS)
    return replay


def _use_version_table(own: Context, options: dict[str, Any]) -> None:
    for key in ("version_table", "version_table_schema"):
        if options.get(key):
            own.config.set_main_option(key, str(options[key]))
    version_table.use(own.config)


def _run(own: Context, url: URL, directory: ScriptDirectory, to: str, replay: Replay) -> None:
    """Upgrade, and say in `replay` what failed."""
    current: list[str] = []

    def steps(heads: Any, migration: MigrationContext) -> Any:
        wanted = to.split(" ") if to not in ("heads", "base") else [to]
        found = [] if to == "base" else directory._upgrade_revs(tuple(wanted), heads)  # type: ignore[arg-type]
        for step in found:
            current[:] = [step.revision.revision]
            yield step
        current.clear()
        shadow.commit_rest(migration)

    engine = (
        sqlite.at(url)
        if url.get_backend_name() == "sqlite"
        else create_engine(url, poolclass=NullPool)
    )
    with engine.connect() as connection:
        own.config.attributes["connection"] = connection
        try:
            destination = to if to != "base" else None
            with (
                EnvironmentContext(own.config, directory, fn=steps, destination_rev=destination),
                withheld.prints(),
            ):
                environment.adopt(own.config)
                directory.run_env()
            with suppress(Exception):
                connection.commit()
        except (Exception, SystemExit) as error:
            replay.failed = current[0] if current else "env.py"
            replay.reason = one_line(error) or type(error).__name__
            replay.file = _place(error, directory)
            if isinstance(error, shadow.ShadowError):
                replay.failed = replay.failed if current else "env.py"
        finally:
            del own.config.attributes["connection"]


def _place(error: BaseException, directory: ScriptDirectory) -> str:
    """Return the line of env.py or of a revision that raised the error."""
    inside = [Path(directory.dir).resolve(), *(Path(each) for each in directory._version_locations)]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename).resolve()
        if any(folder.resolve() in path.parents for folder in inside):
            return f"{path.name}, line {frame.lineno}"
    return ""
