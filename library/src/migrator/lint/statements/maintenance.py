"""What VACUUM, CLUSTER, REINDEX and other statements about whole tables do."""

from collections.abc import Iterator

from migrator.lint.statements.action import Action
from migrator.lint.statements.nodes import Node, is_on, relation, word

# By number, as the parser has them.
MODES = (
    "",
    *("access share", "row share", "row exclusive", "share update exclusive", "share"),
    *("share row exclusive", "exclusive", "access exclusive"),
)


def vacuum(node: Node) -> Iterator[Action]:
    """Yield what a VACUUM does; an ANALYZE does nothing that counts."""
    options = {each.def_elem.defname for each in node.options if is_on(each.def_elem)}
    tables = [relation(each.vacuum_relation.relation) for each in node.rels] or [""]
    if node.is_vacuumcmd:
        yield from (Action("vacuum", table, facts=frozenset(options)) for table in tables)


def cluster(node: Node) -> Iterator[Action]:
    """Yield what a CLUSTER does."""
    table = relation(node.relation)
    yield Action("cluster", table, facts=frozenset(() if table else {"whole"}))


def reindex(node: Node) -> Iterator[Action]:
    """Yield what a REINDEX does."""
    options = {each.def_elem.defname for each in node.params if is_on(each.def_elem)}
    about = relation(node.relation)
    if word(node, "kind") == "REINDEX_OBJECT_TABLE":
        yield Action("reindex", about, facts=frozenset(options))
    else:
        index = word(node, "kind") == "REINDEX_OBJECT_INDEX"
        options |= set() if index else {"whole"}  # of a schema or a database
        yield Action("reindex", name=about or node.name, facts=frozenset(options))


def refresh(node: Node) -> Iterator[Action]:
    """Yield what a REFRESH MATERIALIZED VIEW does."""
    facts = frozenset({"concurrently"} if node.concurrent else ())
    yield Action("refresh", name=relation(node.relation), facts=facts)


def truncate(node: Node) -> Iterator[Action]:
    """Yield what a TRUNCATE does."""
    cascade = frozenset({"cascade"} if word(node, "behavior") == "DROP_CASCADE" else ())
    for each in node.relations:
        yield Action("truncate", relation(each.range_var), facts=cascade)


def lock(node: Node) -> Iterator[Action]:
    """Yield what a LOCK TABLE does."""
    for each in node.relations:
        yield Action("lock", relation(each.range_var), value=MODES[node.mode])
