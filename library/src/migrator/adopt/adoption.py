"""Look at a project, and replay its history on a shadow database."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from migrator import shadow
from migrator.adopt import changes, database, discovery, env_file, flask_project, layout, replay
from migrator.adopt.database import Database
from migrator.adopt.discovery import Models
from migrator.adopt.env_file import EnvFile
from migrator.adopt.layout import Layout
from migrator.adopt.replay import Replay
from migrator.adopt.report import Problem, Report
from migrator.autogenerate import comparison
from migrator.catalog import Difference
from migrator.config import alembic_config, flask_app, target, urls, version_table
from migrator.config.context import Context
from migrator.errors import MigratorError, UsageError

LOCAL = ("", "localhost", "127.0.0.1", "::1")
DEVSERVER = "devserver://"


@dataclass
class Wanted:
    """What the command line says.

    Args:
        config: the ini file.
        database_url: the database to compare with.
        shadow_url: on whose server shadow databases are made; `devserver` for that of the package.
        flask_app: the application, as in FLASK_APP.
    """

    config: str = layout.INI
    database_url: str = ""
    shadow_url: str = ""
    flask_app: str = ""
    host: str | None = None


@dataclass
class Adoption:
    """A project, and what is known of it."""

    wanted: Wanted
    layout: Layout
    env: EnvFile
    app: str = ""
    shadow_url: str = ""
    shadow_name: str | None = None
    replay: Replay = field(default_factory=Replay)
    models: Models = field(default_factory=Models)
    database: Database | None = None
    drift: list[Difference] = field(default_factory=list)
    report: Report = field(init=False)

    def __post_init__(self) -> None:
        own = self.layout
        self.report = Report(
            ini=own.shown(own.settings),
            script_location=own.shown(own.scripts),
            version_locations=[own.shown(each) for each in own.locations],
            env=own.shown(own.env),
            env_kind=self.env.kind,
            env_adopted=self.env.adopted,
        )

    def problem(self, code: str, text: str) -> None:
        """Note something that does not fit."""
        self.report.problems.append(Problem(code, text))


def look(wanted: Wanted) -> Adoption:
    """Look at the project in the current folder, replay its history, and read its database.

    Raises:
        UsageError: there is no such project, or no server for a shadow database.
        MigratorError: a server cannot be reached.
    """
    own = layout.find(wanted.config)
    text = changes.read(own.env)
    if text is None:
        raise UsageError(f"There is no {own.shown(own.env)}, which runs the revisions.")
    found = Adoption(wanted, own, env_file.read(text))
    if found.env.completed is None:
        found.problem("env-not-understood", _by_hand(found))
    if found.env.kind == env_file.FLASK:
        found.app = found.report.flask_app = wanted.flask_app or flask_project.find(own.folder)
        if not found.app:
            found.problem(
                "no-flask-app",
                "The Flask application was not found: name it with --flask-app package:create_app.",
            )
            return found
    with _context(found) as context:
        flask_app.enter(context.config)
        _replay(found, context)
    _describe(found)
    return found


@contextmanager
def _context(found: Adoption) -> Iterator[Context]:
    """Yield a context for the project as it will be, with nothing of it written yet."""
    own = found.layout
    for folder in (str(own.folder), *_paths(own)):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    if own.ini.is_file() and not found.app:
        yield _of(found, own.ini)
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
        config.set_main_option(flask_app.KEY, found.app)
        with ini.open("w", encoding="utf-8") as file:
            config.file_config.write(file)
        yield _of(found, ini)


def _of(found: Adoption, ini: Path) -> Context:
    config = alembic_config.read(ini)
    version_table.use(config)
    return Context.of(config, {"host": found.wanted.host})


def _paths(own: Layout) -> list[str]:
    config = alembic_config.read(own.source or own.ini)
    return [str(Path(each).resolve()) for each in config.get_prepend_sys_paths_list() or ()]


def _replay(found: Adoption, context: Context) -> None:
    wanted = found.wanted
    named = urls.normalise(wanted.database_url) if wanted.database_url else _configured(context)
    with ExitStack() as stack:
        server = _server(found, context, named)
        url = stack.enter_context(shadow.empty(context, server))
        found.shadow_name = url.database
        found.report.replayed_on = _place(url)
        own = stack.enter_context(shadow.fenced(context, url))

        def targets(seen: Replay) -> list[str]:
            if named is not None and named.drivername != "devserver":
                found.database = database.read(named)
            at = found.database.at if found.database else ()
            known = at and set(at) <= seen.known and set(at) != set(seen.heads)
            return [*([" ".join(at)] if known else []), "heads"]

        found.replay = replay.run(own, url, targets)
        if "heads" in found.replay.schemas and found.replay.metadata is not None:
            found.drift = _drift(found, url)


def _place(url: URL) -> str:
    """Return a server in words."""
    if url.get_backend_name() == "sqlite":
        return "SQLite"
    host = url.host or url.query.get("host", "the default socket")
    return f"PostgreSQL at {host}:{url.port or 5432}"


def _drift(found: Adoption, url: URL) -> list[Difference]:
    """Compare what the history has built with the models."""
    assert found.replay.metadata is not None
    try:
        with create_engine(url, poolclass=NullPool).connect() as connection:
            return comparison.compare(connection, found.replay.metadata).differences
    except MigratorError as error:
        found.problem("models-not-compared", str(error))
        return []


def _configured(context: Context) -> URL | None:
    """Return the database of DATABASE_URL; what an ini file names is often a placeholder."""
    text = urls.from_environment(target.URL_VARIABLES)
    return urls.normalise(text) if text else None


def _server(found: Adoption, context: Context, named: URL | None) -> URL:
    """Return a database on the server for the shadow database."""
    asked = found.wanted.shadow_url
    own = context.settings.shadow_url
    if not asked and not own and named is not None and _is_local(named):
        return named
    text = asked or own or DEVSERVER
    if text in ("devserver", DEVSERVER):
        text = f"{DEVSERVER}{found.layout.folder.name.lower()}"
    if not own:
        found.shadow_url = text
    if not text.startswith("devserver:"):
        return urls.normalise(text)
    from migrator import devserver  # installed with the extra dev

    name = text.removeprefix(DEVSERVER)
    return urls.normalise(devserver.url(found.layout.folder, name))


def _is_local(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" or (url.host or "") in LOCAL


def _describe(found: Adoption) -> None:
    """Fill in the report."""
    report, seen, own = found.report, found.replay, found.layout
    report.revisions, report.heads = seen.revisions, list(seen.heads)
    report.version_table = str(seen.options.get("version_table") or report.version_table)
    report.version_table_schema = str(seen.options.get("version_table_schema") or "")
    if seen.url is not None and seen.url.database != found.shadow_name:  # not of its config
        report.connects_to = urls.shown(seen.url)
    report.engine_names = seen.engine_names
    report.failed_revision, report.failed_because = seen.failed, seen.reason
    report.failed_at, report.replayed = seen.file, not seen.failed
    if len(seen.heads) > 1:
        found.problem(
            "several-heads",
            f"The history has {len(seen.heads)} heads: join them with `alembic merge heads`, since"
            " a deploy goes to one.",
        )
    if seen.engine_names:
        found.problem(
            "several-databases",
            f"env.py migrates {', '.join(seen.engine_names)}. A command works on one of them, the"
            " first: give each other one an ini file with its engine_name.",
        )
    metadata = seen.metadata
    if metadata is not None:
        report.naming_convention = len(metadata.naming_convention) > 1
        found.models = discovery.find(metadata, own.folder)
        report.base, report.modules = found.models.base, list(found.models.modules)
        report.tables = found.models.tables
    if seen.options and not (found.models.base and found.models.modules):
        found.problem(
            "no-models",
            "The models were not found: env.py has to give one MetaData with tables to"
            " context.configure(target_metadata=...). Revisions run without it; `make revision`"
            " and the check of models need autoimport_models and autoimport_base.",
        )
    report.models_differences = [each.describe("the history", "the models") for each in found.drift]
    _describe_database(found)


def _describe_database(found: Adoption) -> None:
    there, seen, report = found.database, found.replay, found.report
    if there is None:
        return
    report.database, report.database_at = there.shown, list(there.at)
    there.unknown = tuple(each for each in there.at if each not in seen.known)
    if there.unknown:
        found.problem(
            "unknown-revision",
            f"The database is at {', '.join(there.unknown)}, which this project does not have: get"
            " the code that has it.",
        )
    elif not there.at:
        found.problem(
            "not-migrated",
            "The database has no row in the version table: it was never migrated, or another one"
            " is meant.",
        )
    else:
        at = " ".join(there.at) if set(there.at) != set(seen.heads) else "heads"
        report.database_behind = seen.behind(there.at)
        if at in seen.schemas:
            database.compare(there, seen.schemas[at])
            report.database_differences = there.differences


def _by_hand(found: Adoption) -> str:
    name = found.layout.shown(found.layout.env)
    return (
        f"{name} is left alone, because {found.env.why}. Paste two lines into it, below its"
        f" imports: `{env_file.IMPORT}` and `{env_file.CALL.format(config='context.config')}`."
    )
