"""Look at a project, and replay its history on a shadow database."""

from contextlib import ExitStack

from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from migrator import shadow
from migrator.adopt import (
    changes,
    database,
    env_file,
    findings,
    flask_project,
    future_context,
    project_layout,
    replay,
    shadow_server,
)
from migrator.adopt.adoption import Adoption, Wanted
from migrator.adopt.replay import Replay
from migrator.autogenerate import comparison
from migrator.catalog import Difference
from migrator.config import application, target, urls
from migrator.config.context import Context
from migrator.errors import MigratorError, UsageError


def look(wanted: Wanted) -> Adoption:
    """Look at the project in the current folder, replay its history, and read its database.

    Raises:
        UsageError: there is no such project, or no server for a shadow database.
        MigratorError: a server cannot be reached.
    """
    own = project_layout.find(wanted.config)
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
    with future_context.of(found) as context:
        application.enter(context.config)
        _replay(found, context)
    findings.describe(found)
    return found


def _replay(found: Adoption, context: Context) -> None:
    wanted = found.wanted
    named = urls.normalise(wanted.database_url) if wanted.database_url else _configured(context)
    with ExitStack() as stack:
        server = shadow_server.find(found, context, named)
        url = stack.enter_context(shadow.empty(context, server))
        found.shadow_name = url.database
        found.report.replayed_on = shadow_server.described(url)
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


def _by_hand(found: Adoption) -> str:
    name = found.layout.shown(found.layout.env)
    return (
        f"{name} is left alone, because {found.env.why}. Paste two lines into it, below its"
        f" imports: `{env_file.IMPORT}` and `{env_file.CALL.format(config='context.config')}`."
    )
