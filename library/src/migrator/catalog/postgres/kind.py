"""A kind of object: how it is read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

# Schemas of PostgreSQL's own.
OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"


@dataclass(frozen=True)
class Kind:
    """`query` gives a row for each object: `name` is the parts of its key, and every other column
    a property. What belongs to an extension is left out by `not_of_extension`.

    `exists` is a cheap condition that holds where there may be such objects: most databases have
    none of most kinds, and planning a query takes longer than running it.

    `since` are expressions for names in braces that need at least a version of PostgreSQL; before
    it they are NULL.
    """

    name: str
    query: str
    exists: str = "true"
    since: Mapping[int, Mapping[str, str]] = field(default_factory=dict)

    @property
    def in_schemas(self) -> bool:
        """Whether such objects are in schemas, and not in the database itself."""
        return OURS in self.query and self.name != "schema"

    def written(self, version: int, schemas: Collection[str] = ()) -> str:
        """Return the query for a server of this version (major).

        Args:
            schemas: only their objects; by default those of all schemas but PostgreSQL's own.
        """
        text = self.query
        if schemas:
            names = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(schemas))
            text = text.replace(OURS, f"n.nspname IN ({names})")
        for needed, expressions in self.since.items():
            for name, expression in expressions.items():
                text = text.replace(f"{{{name}}}", expression if version >= needed else "NULL")
        return text


def made(catalog: str, namespace: str, condition: str = "true") -> str:
    """Return a condition: a system catalog holds something outside PostgreSQL's own schemas.

    Below 12000 are the objects that initdb pins (FirstUnpinnedObjectId in access/transam.h).

    Args:
        catalog: its name.
        namespace: its column with the schema.
        condition: what its rows have to be, besides.
    """
    return (
        f"EXISTS (SELECT FROM {catalog} WHERE oid >= 12000 AND {condition} AND {namespace} NOT IN"
        " (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema')))"
    )


def not_of_extension(catalog: str, oid: str) -> str:
    """Return a condition: the object is not a member of an extension.

    Args:
        catalog: the system catalog that it is in.
        oid: an expression for its number.
    """
    return (
        "NOT EXISTS (SELECT FROM pg_depend dm WHERE dm.deptype = 'e'"
        f" AND dm.classid = '{catalog}'::regclass AND dm.objid = {oid})"
    )


def grants(acl: str) -> str:
    """Return an expression for privileges as sorted texts; nothing where they are the default."""
    # Nearly always NULL: a subquery for each row would take most of the time.
    return (
        f"CASE WHEN {acl} IS NOT NULL"
        f" THEN (SELECT array_agg(x::text ORDER BY x::text) FROM unnest({acl}) x) END"
    )


def sorted_options(options: str) -> str:
    """Return an expression for storage parameters in a stable order.

    Those that begin with pg_ are the server's own: since the releases of November 2026 it keeps
    pg_attver with each column, another number in each database.
    """
    return (
        f"CASE WHEN {options} IS NOT NULL THEN"
        f" (SELECT array_agg(x ORDER BY x) FROM unnest({options}) x WHERE x !~ '^pg_') END"
    )
