"""The server that the history is replayed on."""

from sqlalchemy.engine import URL

from migrator.adopt.adoption import Adoption
from migrator.config import urls
from migrator.config.context import Context

LOCAL = ("", "localhost", "127.0.0.1", "::1")
DEVSERVER = "devserver://"


def described(url: URL) -> str:
    """Return a server in words."""
    if url.get_backend_name() == "sqlite":
        return "SQLite"
    host = url.host or url.query.get("host", "the default socket")
    return f"PostgreSQL at {host}:{url.port or 5432}"


def find(found: Adoption, context: Context, named: URL | None) -> URL:
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
