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
    "AT_ChangeOwner": "change owner",
    "AT_SetLogged": "set logged",
    "AT_SetUnLogged": "set unlogged",
    "AT_SetAccessMethod": "set access method",
    "AT_SetTableSpace": "set tablespace",
    "AT_EnableRowSecurity": "enable row security",
    "AT_ForceRowSecurity": "force row security",
    "AT_DisableTrig": "disable trigger",
    "AT_DisableTrigAll": "disable trigger",
    "AT_DisableTrigUser": "disable trigger",
    "AT_EnableTrig": "enable trigger",
    "AT_EnableTrigAll": "enable trigger",
    "AT_EnableTrigUser": "enable trigger",
}
OF_OTHERS = {
    ("OBJECT_VIEW", "AT_ChangeOwner"): "change owner",
    ("OBJECT_SEQUENCE", "AT_ChangeOwner"): "change owner",
    ("OBJECT_TYPE", "AT_DropColumn"): "drop attribute",
    ("OBJECT_TYPE", "AT_AlterColumnType"): "drop attribute",
    ("OBJECT_INDEX", "AT_SetTableSpace"): "set tablespace",
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
    facts += ["partition"] if node.partbound.ByteSize() else []
    facts += ["default partition"] if node.partbound.is_default else []
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
    kind = word(node, "objtype")
    if kind not in ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE", "OBJECT_MATVIEW"):
        for each in (command.alter_table_cmd for command in node.cmds):
            what = OF_OTHERS.get((kind, word(each, "subtype")), "alter object")
            yield Action(what, name=table, new_name=each.name)
        return
    # PostgreSQL drops first, wherever it stands: a check that is gone spares no scan.
    for each in sorted(node.cmds, key=_comes_later):
        yield from _command(table, each.alter_table_cmd)


def _comes_later(node: Node) -> bool:
    return word(node.alter_table_cmd, "subtype") not in ("AT_DropConstraint", "AT_DropColumn")


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
        case "AT_AddIdentity" | "AT_SetIdentity":
            verb = "add identity" if subtype == "AT_AddIdentity" else "set identity"
            facts |= set(_identity(inner))
            yield Action(verb, table, command.name, facts=frozenset(facts))
        case "AT_AttachPartition" | "AT_DetachPartition":
            verb = "attach" if subtype == "AT_AttachPartition" else "detach"
            facts = facts - {"strong lock"} if inner.concurrent else facts
            facts |= {"concurrently"} if inner.concurrent else set()
            facts |= {"default partition"} if inner.bound.is_default else set()
            part = relation(inner.name)
            yield Action(f"{verb} partition", table, part, refers=(part,), facts=frozenset(facts))
        case "AT_ReplicaIdentity":
            kinds = {"n": "nothing", "d": "default"}
            facts |= {kinds.get(inner.identity_type, "identified")}
            yield Action("replica identity", table, facts=frozenset(facts))
        case _:
            facts |= {"of constraints"} if subtype == "AT_DisableTrigAll" else set()
            verb = COMMANDS.get(subtype, "alter table")
            yield Action(verb, table, command.name, facts=frozenset(facts))


def _identity(node: Node) -> Iterator[str]:
    """Yield what is said of a column's identity: a list of options, or a constraint with them."""
    new = node.DESCRIPTOR.name == "Constraint"
    listed = [each.def_elem for each in (node.options if new else node.items)]
    options = {each.defname: each for each in listed}
    if new and ("start" not in options or is_from_start(options["start"])):
        yield "from the start"
    kind = node.generated_when if new else ""
    if "generated" in options:
        kind = chr(options["generated"].arg.integer.ival)
    if kind == "a":
        yield "always"
    if "restart" in options and is_from_start(options["restart"]):
        yield "from the start"


def is_from_start(option: Node) -> bool:
    """Return whether a START or a RESTART begins with the first numbers."""
    kind, number = unwrap(option.arg)
    return not kind or (kind == "integer" and number.ival <= 1)


def move_all(node: Node) -> Iterator[Action]:
    """Yield that all of a tablespace is moved."""
    yield Action("set tablespace", name=node.orig_tablespacename)


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
        condition=columns_of(node.where_clause),
        facts=frozenset(fact for fact, holds in facts.items() if holds),
    )


def sequence(node: Node) -> Iterator[Action]:
    """Yield what a CREATE SEQUENCE or an ALTER SEQUENCE does."""
    verb = "create" if node.DESCRIPTOR.name == "CreateSeqStmt" else "alter"
    name, kind, owner, facts = relation(node.sequence), None, "", set[str]()
    for each in (option.def_elem for option in node.options):
        if each.defname == "as":
            kind = type_of(each.arg.type_name)
        if each.defname == "owned_by":
            owner = ".".join(part.string.sval for part in each.arg.list.items)
        if each.defname == "restart":
            facts |= {"from the start"} if is_from_start(each) else set()
    facts |= {"if not exists"} if getattr(node, "if_not_exists", False) else set()
    value = owner or None
    yield Action(f"{verb} sequence", name=name, type=kind, value=value, facts=frozenset(facts))
