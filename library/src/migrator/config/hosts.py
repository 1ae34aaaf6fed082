"""The hosts of a database URL, where libpq takes what SQLAlchemy does not read."""

import re
from urllib.parse import unquote

from sqlalchemy.engine import URL

# Several hosts, or the escaped folder of a socket.
OF_LIBPQ = re.compile(r",|^%2F", re.IGNORECASE)
PLACE = "several-hosts.invalid"
HOST = re.compile(r"^(?:\[([^]]*)\]|([^:]*))(?::(\d*))?$")


def taken_out(address: str) -> tuple[str, dict[str, str]]:
    """Return a URL without the hosts that only libpq reads, and the parameters for them.

    Args:
        address: the URL, without its query.

    Raises:
        ValueError: they cannot be read.
    """
    scheme, separator, rest = address.partition("://")
    login, at, place = rest.rpartition("@")
    hosts, slash, database = place.partition("/")
    if not OF_LIBPQ.search(hosts):
        return address, {}
    return f"{scheme}{separator}{login}{at}{slash}{database}", _parameters(hosts.split(","))


def in_one_form(url: URL) -> URL:
    """Return a URL in which `host=a:1&host=b:2`, SQLAlchemy's form, is `host=a,b&port=1,2`.

    Raises:
        ValueError: the hosts cannot be read.
    """
    given = url.query.get("host")
    if not isinstance(given, tuple):
        return url
    return url.difference_update_query(["host"]).update_query_dict(_parameters(given))


def several(url: URL) -> bool:
    """Return whether a URL names several hosts."""
    return "," in str(url.query.get("host", ""))


def shown(url: URL) -> str:
    """Return a URL as text with several hosts as libpq writes them; the password is ***."""
    names = str(url.query.get("host", "")).split(",")
    if len(names) == 1 or url.host:
        return url.render_as_string(hide_password=True)
    ports = str(url.query.get("port", "")).split(",")
    ports = ports if len(ports) == len(names) else [ports[0]] * len(names)
    pairs = zip((f"[{name}]" if ":" in name else name for name in names), ports, strict=True)
    places = ",".join(f"{name}:{port}" if port else name for name, port in pairs)
    rest = url.difference_update_query(["host", "port"]).set(host=PLACE)
    return rest.render_as_string(hide_password=True).replace(PLACE, places, 1)


def _parameters(tokens: "list[str] | tuple[str, ...]") -> dict[str, str]:
    found = [HOST.match(unquote(token)) for token in tokens]
    if not all(found):
        raise ValueError("the hosts cannot be read")
    hosts = [match[1] or match[2] or "" for match in found if match]
    ports = [match[3] or "" for match in found if match]
    return {"host": ",".join(hosts)} | ({"port": ",".join(ports)} if any(ports) else {})
