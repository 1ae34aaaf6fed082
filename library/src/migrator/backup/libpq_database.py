"""A database by its libpq parameters, for psycopg and for PostgreSQL's programs alike."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import conninfo, pq

from migrator.backup.processes import plain_environment
from migrator.config import hosts
from migrator.config.context import Context
from migrator.database import errors
from migrator.errors import MigratorError, UnreachableError, one_line
from migrator.postgres import after_connect, pooler, supported
from migrator.postgres.engine import LOST_HERE, PRIMARY

# Secret connection parameters, besides the password, that have no environment variable.
SECRETS = {"sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}


@dataclass(frozen=True)
class LibpqDatabase:
    """A database by its libpq parameters, for psycopg and for the client programs alike."""

    parameters: Mapping[str, str]

    @property
    def name(self) -> str:
        """The parameters as programs take them, without the password: all users see arguments."""
        shown = {key: value for key, value in self.parameters.items() if key != "password"}
        return conninfo.make_conninfo("", **shown)

    @property
    def argument(self) -> str:
        """`name` as an option."""
        return f"--dbname={self.name}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment that goes with `argument`."""
        variables = plain_environment()
        if password := self.parameters.get("password"):
            variables["PGPASSWORD"] = password
        return variables

    def where(self, connection: psycopg.Connection) -> "LibpqDatabase":
        """Return the database on the server that `connection` goes to, if there are several."""
        found, info = dict(self.parameters), connection.info
        if "," in found.get("host", ""):
            found |= {"host": info.host, "port": str(info.port)}
            if found.pop("hostaddr", ""):
                found["hostaddr"] = info.hostaddr
        return LibpqDatabase(found)

    def named(self, name: str) -> "LibpqDatabase":
        """Return the database `name` on the same server."""
        return LibpqDatabase({**self.parameters, "dbname": name})

    def open(self, *, autocommit: bool = False) -> psycopg.Connection:
        """Return a new connection, in UTF-8: in SQL_ASCII, as accounts may have it, text is bytes.

        Raises:
            psycopg.Error: there is none.
        """
        parameters = {**self.parameters, "client_encoding": "utf8"}
        return psycopg.connect(**parameters, autocommit=autocommit)  # type: ignore[arg-type]

    @contextmanager
    def connect(self, state: str = "nothing was changed") -> Iterator[psycopg.Connection]:
        """Yield a connection in autocommit mode.

        Args:
            state: the state of the database, for the end of an error message.

        Raises:
            UnreachableError: the server cannot be reached, or the connection is lost.
            MigratorError: a statement failed.
        """
        lost = True
        try:
            with closing(self.open(autocommit=True)) as connection:
                try:
                    supported.require(connection)
                    if not pooler.is_between(connection):
                        after_connect.apply(connection)
                    yield connection
                finally:
                    lost = connection.closed
        except psycopg.Error as error:
            reason = one_line(error).removesuffix(".")
            if password := self.parameters.get("password"):
                reason = reason.replace(password, "***")
            text = f"PostgreSQL reported an error: {reason}; {state}."
            if lost:
                raise UnreachableError(text, permanent=errors.is_permanent(reason)) from None
            raise MigratorError(text) from None


def database(context: Context) -> LibpqDatabase:
    """Return the database of `context`.

    Raises:
        MigratorError: the URL has a secret that could be passed only as an argument.
    """
    url = context.target.url
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    _, given = url.get_dialect()().create_connect_args(url)
    found = {
        key: " ".join(value) if isinstance(value, tuple | list) else str(value)
        for key, value in given.items()
        if key in known
    }
    for secret in SECRETS & set(found):
        raise MigratorError(
            f"The database URL has {secret}, which pg_dump accepts only as an argument, where every"
            " user could read it; nothing was changed. Put it into a service file (PGSERVICEFILE"
            " names the file) and write service=NAME in the URL."
        )
    if hosts.several(url):
        found.setdefault("target_session_attrs", PRIMARY)
    found["connect_timeout"] = str(round(context.settings.connect_timeout))
    # pg_dump would wait for two hours, too, if its network is cut.
    return LibpqDatabase({**{name: str(value) for name, value in LOST_HERE.items()}, **found})
