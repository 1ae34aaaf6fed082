"""A constraint or a unique index that SQL adds, and the query for the rows that violate it."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection, text

KINDS = {
    "unique": "UNIQUE",
    "primary key": "PRIMARY KEY",
    "check": "CHECK",
    "foreign key": "FOREIGN KEY",
    "not null": "NOT NULL",
    "exclude": "EXCLUDE",
}
# Further kinds: VALIDATES is of what is there already, only the name is known. That of a domain is
# about all columns of it, and a partition has to hold the rows that its bounds say.
VALIDATES, PARTITION = "validate", "partition"
OF_DOMAIN = {"domain check": "check", "domain not null": "not null"}
# A unique index of a parent does not cover its children, but that of a partitioned table does.
HAS_CHILDREN = text(
    "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid) FROM pg_class c"
    " WHERE c.oid = to_regclass(:name) AND c.relkind = 'r'"
)
PRIMARY_KEY = text(
    "SELECT quote_ident(a.attname) FROM pg_index i"
    " CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)"
    " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
    " WHERE i.indrelid = to_regclass(:name) AND i.indisprimary ORDER BY k.place"
)
IS_ADDED = text(
    "SELECT to_regclass(:table) IS NOT NULL AND NOT EXISTS (SELECT FROM pg_index"
    " WHERE :index <> '' AND indexrelid = to_regclass(:index) AND indisvalid)"
)
DEFINITION = text(
    "SELECT pg_get_constraintdef(oid), CASE contypid WHEN 0 THEN 'TABLE' ELSE 'DOMAIN' END"
    " FROM pg_constraint WHERE conname = :name"
    " AND (conrelid = to_regclass(:table) OR contypid = to_regtype(:table))"
)


@dataclass(frozen=True)
class AddedConstraint:
    """What is to hold for all rows of a table; everything but `name` is as SQL writes it.

    Attributes:
        kind: one of KINDS, or one that becomes several of them.
        table: with its schema, if that was written; a domain, where the kind is of domains.
        name: as the catalog has it; empty if PostgreSQL chooses it.
        keys: columns and expressions.
        condition: of a CHECK; of what is partial, the predicate; of a partition, what its rows are.
        nulls_distinct: rows with NULL in a key are unique.
        refers: the table that a foreign key refers to, or that a partition becomes a part of.
        referred: its columns; empty for the primary key.
        match_full: a foreign key with some NULLs does not hold.
        operators: of an exclusion constraint, one for each key.
        valid: it is to hold for the rows that are there, too.
        only: rows of children do not count.
        unless: an index with which it is not added, if that is there.
        new_column: it is about a column that is not there before, and has no default.
    """

    kind: str
    table: str
    name: str = ""
    keys: tuple[str, ...] = ()
    condition: str = ""
    nulls_distinct: bool = True
    refers: str = ""
    referred: tuple[str, ...] = ()
    match_full: bool = False
    operators: tuple[str, ...] = ()
    valid: bool = True
    only: bool = False
    unless: str = ""
    new_column: bool = False

    def query(self) -> str:
        """Return the query that finds the rows, or for what is to be unique the groups of rows."""
        table = f"ONLY {self.table}" if self.only else self.table
        match self.kind:
            case "unique":
                return self._duplicates(table)
            case "exclude":
                return self._conflicts(table)
            case "foreign key":
                return self._orphans(table)
            case "not null" if self.new_column:
                return f"SELECT * FROM {table}"
            case "not null":
                nulls = " OR ".join(f"{key} IS NULL" for key in self.keys)
                return f"SELECT * FROM {table} WHERE {nulls}"
        return f"SELECT * FROM {table} WHERE NOT ({self.condition})"

    def counting(self) -> str:
        """Return the query that counts the rows."""
        if self.kind != "unique":
            return f"SELECT count(*) FROM ({self.query()}) AS found"
        columns = ", ".join(f"k{number}" for number in range(len(self.keys)))
        return f"SELECT coalesce(sum(rows), 0) FROM ({self.query()}) AS found ({columns}, rows)"

    def _duplicates(self, table: str) -> str:
        keys = ", ".join(self.keys)
        conditions = [f"({self.condition})"] if self.condition else []
        if self.nulls_distinct:
            conditions += [f"{key} IS NOT NULL" for key in self.keys]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        # By number, because an expression may be a constant, or have the name of a column.
        group = ", ".join(str(number) for number in range(1, len(self.keys) + 1))
        return f"SELECT {keys}, count(*) FROM {table}{where} GROUP BY {group} HAVING count(*) > 1"

    def _conflicts(self, table: str) -> str:
        keys = [f"{key} AS k{number}" for number, key in enumerate(self.keys, 1)]
        where = f" WHERE {self.condition}" if self.condition else ""
        pairs = "".join(
            f" AND a.k{number} OPERATOR({sign}) b.k{number}"
            for number, sign in enumerate(self.operators, 1)
        )
        return (
            f"WITH found AS (SELECT tableoid, ctid AS place, {', '.join(keys)} FROM {table}{where})"
            " SELECT a.* FROM found AS a WHERE EXISTS (SELECT FROM found AS b WHERE"
            f" (b.tableoid, b.place) <> (a.tableoid, a.place){pairs})"
        )

    def _orphans(self, table: str) -> str:
        filled = (" OR " if self.match_full else " AND ").join(
            f"c.{key} IS NOT NULL" for key in self.keys
        )
        joined = " AND ".join(
            f"p.{other} = c.{key}" for key, other in zip(self.keys, self.referred, strict=True)
        )
        return (
            f"SELECT c.* FROM {table} AS c WHERE ({filled})"
            f" AND NOT EXISTS (SELECT 1 FROM {self.refers} AS p WHERE {joined})"
        )


def resolved(connection: Connection, constraint: AddedConstraint) -> AddedConstraint | None:
    """Return a constraint with what only the catalog knows.

    Returns:
        None if the catalog lacks the tables, or has the index already.
    """
    names = {"table": constraint.table, "index": constraint.unless}
    if not connection.scalar(IS_ADDED, names):
        return None
    if constraint.kind == "foreign key" and not constraint.referred:
        rows = connection.scalars(PRIMARY_KEY, {"name": constraint.refers}).all()
        if len(rows) != len(constraint.keys):
            return None
        constraint = replace(constraint, referred=tuple(rows))
    if constraint.kind in ("unique", "exclude", "foreign key"):
        children = connection.scalar(HAS_CHILDREN, {"name": constraint.table})
        constraint = replace(constraint, only=constraint.only or bool(children))
    return constraint


def definition(connection: Connection, table: str, name: str) -> str:
    """Return the statement that would add a constraint that is there; nothing if it is not."""
    found = connection.execute(DEFINITION, {"table": table, "name": name}).first()
    quoted = connection.dialect.identifier_preparer.quote(name)
    return f"ALTER {found[1]} {table} ADD CONSTRAINT {quoted} {found[0]}" if found else ""
