"""What is for development only: where does a connection go, and may that be written to?"""

import os
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import Any, Self

from sqlalchemy.engine import URL

from migrator import console
from migrator.config.context import Context
from migrator.errors import RefusedError


@dataclass(frozen=True)
class Place:
    """Where a connection goes, as the driver says: a URL, PGHOST or a service file may decide.

    `host` is a name, an address or the folder of a socket. `address` is the address behind a name,
    and `given` says that it was configured (`hostaddr`), so that the name says nothing.
    """

    database: str
    host: str
    port: int
    address: str = ""
    given: bool = False

    @classmethod
    def of(cls, driver_connection: Any, url: URL) -> Self:
        """Ask a connection of psycopg, or for another driver of an own env.py the URL."""
        info: Any = getattr(driver_connection, "info", None)
        if not hasattr(info, "hostaddr"):
            host = url.host or url.query.get("host") or os.environ.get("PGHOST") or "/"
            return cls(url.database or "", str(host), url.port or 5432)
        given = info.get_parameters().get("hostaddr")
        return cls(info.dbname, info.host, info.port, info.hostaddr or "", bool(given))

    @property
    def is_socket(self) -> bool:
        """Whether it is a Unix socket, in a folder or (with @) in the abstract namespace."""
        return self.host.startswith(("/", "@"))

    @property
    def is_this_machine(self) -> bool:
        """Whether it is a socket, or a loopback address that is not called by another name."""
        if self.is_socket:
            return True
        name = self.host.lower().removesuffix(".")
        named = name == "localhost" or name.endswith(".localhost") or _is_loopback(self.host)
        return named and (not self.address or _is_loopback(self.address))

    def __str__(self) -> str:
        if self.is_socket:
            return f"{self.database} on the socket {self.host}, port {self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        address = f" ({self.address})" if self.given and self.address != self.host else ""
        return f"{self.database} on {host}:{self.port}{address}"


def refuse_production(context: Context, what: str) -> None:
    """Refuse an ini file that is for deploys, before anything is connected to.

    Raises:
        RefusedError: `production = true`.
    """
    if context.settings.production:
        raise RefusedError(
            f"{context.ini} is for deploys, and {what} is for development databases"
            " only. Nothing was changed."
        )


def refuse_elsewhere(context: Context, place: Place) -> None:
    """Refuse a server that is neither on this machine nor named, unless this is for deploys.

    Raises:
        RefusedError: it is another one.
    """
    if context.settings.production or place.is_this_machine:
        return
    hosts = {name.strip().lower() for name in context.settings.development_hosts.split(",")}
    # An address that was configured decides where it goes, whatever the host is called.
    elsewhere = place.given and not _is_loopback(place.address)
    needed = {place.host, place.address} if elsewhere else {place.host}
    missing = sorted(name for name in needed if name.lower() not in hosts)
    if not missing:
        return
    name = ",".join(missing)
    raise RefusedError(
        f"{context.ini} is for development, and the database {place} is neither on this machine nor"
        f" on a host in development_hosts. Nothing was changed. If {name} is for development, name"
        f" it: host={name} (with alembic: -x host={name}, with python -m migrator: --host {name}),"
        " or for good in development_hosts in the ini file, or in MIGRATOR_DEVELOPMENT_HOSTS. To"
        " change another database, use alembic_prod.ini: `make deploy`."
    )


@cache
def announce(what: str) -> None:
    """Say where a command goes, once."""
    console.remark(what)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
