"""What CREATE TABLE, ALTER TABLE and CREATE INDEX do."""

from collections.abc import Iterator

from migrator.lint.statements.action import Action
from migrator.lint.statements.columns import added, constraint
from migrator.lint.statements.expressions import columns_of
from migrator.lint.statements.nodes import Node, beside, relation, type_of, unwrap, word

# What else an ALTER TABLE does that a rule or the schema has to know.
COMMANDS = {
    "AT_DropColumn": "drop column",
    "AT_DropConstraint": "drop constraint",
    "AT_ValidateConstraint": "validate constraint",
    "AT_SetNotNull": "set not null",
    "AT_DropNotNull": "drop not null",
    "AT_SetExpression": "set expression",
    "AT_DropExpression": "drop expression",
    "AT_DropIdentity": "drop identity",
    "AT_AddIdentity": "add identity",
    "AT_SetLogged": "set logged",
    "AT_SetUnLogged": "set unlogged",
    "AT_SetAccessMethod": "set access method",
    "AT_SetTableSpace": "set tablespace",
    "AT_EnableRowSecurity": "enable row security",
    "AT_ForceRowSecurity": "force row security",
    "AT_DisableTrig": "disable trigger",
    "AT_DisableTrigAll": "disable trigger",
    "AT_DisableTrigUser": "disable trigger",
}
# They do not lock a table against reads or writes.
WEAK = (
    *("AT_ValidateConstraint", "AT_SetStatistics", "AT_AttachPartition", "AT_ClusterOn"),
    *("AT_DropCluster", "AT_SetOptions", "AT_ResetOptions", "AT_SetRelOptions"),
    *("AT_ResetRelOptions", "AT_DetachPartitionFinalize"),
)


def create(node: Node) -> Iterator[Action]:
    """Yield what a CREATE TABLE does."""
    table = relation(node.relation)
    facts = ["if not exists"] if node.if_not_exists else []
    facts += ["temporary"] if node.relation.relpersistence == "t" else []
    facts += ["unlogged"] if node.relation.relpersistence == "u" else []
    facts += ["partitioned"] if node.partspec.ByteSize() else []
    parents = tuple(relation(each.range_var) for each in node.inh_relations)
    yield Action("create table", table, refers=parents, facts=frozenset(facts))
    for element in node.table_elts:
        kind, inner = unwrap(element)
        if kind == "column_def":
            yield from added(table, inner, "of create")
        elif kind == "constraint":
            yield constraint(table, inner, "of create")
        elif kind == "table_like_clause":
            like = (relation(inner.relation),)
            yield Action("like", table, refers=like, facts=frozenset({"of create"}))


def alter(node: Node) -> Iterator[Action]:
    """Yield what an ALTER TABLE, VIEW or INDEX does."""
    table = relation(node.relation)
    if word(node, "objtype") not in ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE", "OBJECT_MATVIEW"):
        yield Action("alter object", table)
        return
    for each in node.cmds:
        yield from _command(table, each.alter_table_cmd)


def _command(table: str, command: Node) -> Iterator[Action]:
    subtype, (kind, inner) = word(command, "subtype"), unwrap(getattr(command, "def"))
    facts = {"if exists"} if command.missing_ok else set()
    facts |= {"cascade"} if word(command, "behavior") == "DROP_CASCADE" else set()
    facts |= set() if subtype in WEAK else {"strong lock"}
    match subtype:
        case "AT_AddColumn":
            exists = ("if not exists",) if command.missing_ok else ()
            yield from added(table, inner, "strong lock", *exists)
            return
        case "AT_AddConstraint":
            yield constraint(table, inner, "strong lock")
            return
        case "AT_ColumnDefault":
            verb = "set default" if kind else "drop default"
            yield Action(verb, table, command.name, facts=frozenset(facts))
        case "AT_AlterColumnType":
            using = inner.raw_default
            own = unwrap(using)[0] in ("", "column_ref", "type_cast")
            facts |= set() if own and columns_of(using) in ((), (command.name,)) else {"using"}
            facts |= {"collate"} if inner.coll_clause.collname else set()
            new = type_of(inner.type_name)
            yield Action("set type", table, command.name, type=new, facts=frozenset(facts))
        case "AT_AttachPartition" | "AT_DetachPartition":
            verb = "attach" if subtype == "AT_AttachPartition" else "detach"
            facts = facts - {"strong lock"} if inner.concurrent else facts
            facts |= {"concurrently"} if inner.concurrent else set()
            part = relation(inner.name)
            yield Action(f"{verb} partition", table, part, refers=(part,), facts=frozenset(facts))
        case _:
            verb = COMMANDS.get(subtype, "alter table")
            yield Action(verb, table, command.name, facts=frozenset(facts))


def index(node: Node) -> Iterator[Action]:
    """Yield what a CREATE INDEX does."""
    table = relation(node.relation)
    elements = [each.index_elem for each in node.index_params]
    columns = tuple(each.name for each in elements if each.name)
    whole = len(columns) == len(elements) and not node.where_clause.ByteSize()
    facts = {
        "unique": node.unique,
        "concurrently": node.concurrent,
        "if not exists": node.if_not_exists,
        "only": not node.relation.inh,
        "whole": whole,
    }
    inside = [name for each in elements for name in columns_of(each.expr)]
    yield Action(
        "create index",
        table,
        beside(table, node.idxname) if node.idxname else "",
        columns=columns if whole else tuple(dict.fromkeys((*columns, *inside))),
        facts=frozenset(fact for fact, holds in facts.items() if holds),
    )


def sequence(node: Node) -> Iterator[Action]:
    """Yield what a CREATE SEQUENCE or an ALTER SEQUENCE does."""
    verb = "create" if node.DESCRIPTOR.name == "CreateSeqStmt" else "alter"
    name, kind, owner = relation(node.sequence), None, ""
    for each in (option.def_elem for option in node.options):
        if each.defname == "as":
            kind = type_of(each.arg.type_name)
        if each.defname == "owned_by":
            owner = ".".join(part.string.sval for part in each.arg.list.items)
    facts = frozenset({"if not exists"} if getattr(node, "if_not_exists", False) else ())
    yield Action(f"{verb} sequence", name=name, type=kind, value=owner or None, facts=facts)
