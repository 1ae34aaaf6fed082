"""Indexes of partitioned tables, which PostgreSQL builds concurrently only part by part.

First the index of the whole, which is INVALID as long as a part is missing; then that of each
part, without blocking its writers; then each is attached to the whole. See "Declarative
Partitioning Maintenance" in PostgreSQL's documentation.
"""

from collections.abc import Callable
from dataclasses import replace

from migrator.operations import conditions, index_build, names
from migrator.operations.index_build import WantedIndex
from migrator.operations.session import Session

# The parts of a table that have no index which is attached to that of the whole.
MISSING = """
SELECT n.nspname, c.relname FROM pg_catalog.pg_inherits h
JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid AND c.relkind IN ('r', 'p')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE h.inhparent = {table} AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_inherits t ON t.inhrelid = i.indexrelid
    WHERE i.indrelid = c.oid AND t.inhparent = {index}
) ORDER BY 1, 2
"""

# The indexes of the parts, and the parts of those, that are attached to one.
ATTACHED = """
SELECT n.nspname, t.relname, i.relname FROM pg_catalog.pg_partition_tree({index}) p
JOIN pg_catalog.pg_index x ON x.indexrelid = p.relid AND p.level > 0
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = x.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace ORDER BY 1, 2
"""

# Returns a statement about the index or constraint of a table, from the quoted names of both.
Statement = Callable[[str, str], str]


def has_parts(session: Session, name: str) -> bool:
    """Whether a table or an index, by its quoted name, is partitioned; False without a database."""
    if session.offline:
        return False
    found = f"to_regclass({names.literal(name)})"
    kind = session.scalar(f"SELECT relkind::text FROM pg_catalog.pg_class WHERE oid = {found}")
    return kind in ("p", "I")


def build_in_parts(
    session: Session, wanted: WantedIndex, whole: Statement, adopt: Statement | None = None
) -> None:
    """Build an index of a partitioned table, unless it is there.

    Args:
        wanted: the index as if the table had no parts.
        whole: makes what the table itself has, and no part of it.
        adopt: makes a constraint of the index of a part.

    Raises:
        MigratorError: see `index_build.build`.
    """
    found = index_build.existing(session, wanted)
    if found and found.valid:
        return
    if found is None:
        session.run(whole(wanted.target, names.column(wanted.name)))
    table, index = conditions.regclass(wanted.target), conditions.regclass(wanted.full)
    for schema, name in session.rows(MISSING.format(table=table, index=index)):
        part = _of_part(wanted, schema, name)
        if has_parts(session, part.target):
            build_in_parts(session, part, whole, adopt)
        else:
            index_build.build(session, part)
            if adopt:
                there = conditions.has_constraint(part.target, part.name)
                session.run_unless(there, adopt(part.target, names.column(part.name)))
        session.run(f"ALTER INDEX {wanted.full} ATTACH PARTITION {part.full}")


def _of_part(wanted: WantedIndex, schema: str, table: str) -> WantedIndex:
    target, name = names.quoted(table, schema), names.cut(f"{table}_{wanted.name}")
    unique = "UNIQUE " if wanted.unique else ""
    _, definition = wanted.statement.split(f" ON {wanted.target} ", 1)
    create = f"CREATE {unique}INDEX CONCURRENTLY IF NOT EXISTS {names.column(name)}"
    return replace(
        wanted,
        target=target,
        name=name,
        full=names.quoted(name, schema),
        statement=f"{create} ON {target} {definition}",
    )


def build_index(session: Session, wanted: WantedIndex) -> None:
    """Build an index unless it is there, part by part if its table is partitioned.

    Raises:
        MigratorError: see `index_build.build`.
        LockTimeout: another session is still building it.
    """
    if not has_parts(session, wanted.target):
        index_build.build(session, wanted)
        return
    plain = wanted.statement.replace(" CONCURRENTLY", "", 1)
    head, definition = plain.split(f" ON {wanted.target} ", 1)
    create = head.removesuffix(names.column(wanted.name))
    build_in_parts(
        session, wanted, lambda table, name: f"{create}{name} ON ONLY {table} {definition}"
    )


def renames(session: Session, wanted: WantedIndex, full: str) -> list[tuple[str, str]]:
    """Return what gives the indexes of the parts the names of those that they replace.

    Args:
        wanted: the new index, under its temporary name.
        full: the quoted name of the old one.
    """
    old, new = (
        {(schema, table): index for schema, table, index in session.rows(query)}
        for query in (
            ATTACHED.format(index=conditions.regclass(each)) for each in (full, wanted.full)
        )
    )
    return [
        ("true", f"ALTER INDEX {names.quoted(index, part[0])} RENAME TO {names.column(old[part])}")
        for part, index in new.items()
        if part in old
    ]
