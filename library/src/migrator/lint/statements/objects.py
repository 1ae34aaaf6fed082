"""What statements do to views, functions, types and other objects: create, drop, rename."""

from collections.abc import Iterable, Iterator

from migrator.lint.statements.action import Action
from migrator.lint.statements.columns import constraint
from migrator.lint.statements.expressions import outputs
from migrator.lint.statements.nodes import (
    Node,
    beside,
    dotted,
    find,
    named,
    relation,
    sources,
    text,
    texts,
    type_of,
    word,
)
from migrator.lint.statements.trigger_functions import effects, fields

WORDS = {"matview": "materialized view", "tabconstraint": "constraint", "attribute": "column"}
RETURNED = ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE")
# They belong to a table, whose name comes before theirs.
OF_TABLE = ("trigger", "rule", "policy")


def object_kind(value: str) -> str:
    """Return what OBJECT_MATVIEW and the like are in SQL."""
    kind = value.removeprefix("OBJECT_").lower()
    return WORDS.get(kind, kind.replace("_", " "))


def drop(node: Node) -> Iterator[Action]:
    """Yield what a DROP does, one for each object."""
    kind = object_kind(word(node, "remove_type"))
    facts = {
        "cascade": word(node, "behavior") == "DROP_CASCADE",
        "if exists": node.missing_ok,
        "concurrently": node.concurrent,
    }
    found = frozenset(fact for fact, holds in facts.items() if holds)
    for each in node.objects:
        name = named(each)
        if kind in ("table", "foreign table"):
            yield Action("drop table", name, facts=found)
        elif kind in OF_TABLE:
            parts = texts(each.list.items)
            yield Action(f"drop {kind}", dotted(parts[:-1]), parts[-1], facts=found)
        else:
            known = each.HasField("object_with_args") and not each.object_with_args.args_unspecified
            types = _types(each.object_with_args.objargs) if known else None
            yield Action(f"drop {kind}", name=name, facts=found, value=types)


def rename(node: Node) -> Iterator[Action]:
    """Yield what is renamed."""
    kind, table = object_kind(word(node, "rename_type")), relation(node.relation)
    old = node.subname or named(node.object)
    if kind == "table":
        yield Action("rename table", table, new_name=beside(table, node.newname))
    elif kind in ("view", "materialized view", "sequence", "index"):
        yield Action(f"rename {kind}", name=table, new_name=beside(table, node.newname))
    elif kind in ("column", "constraint", *OF_TABLE):
        yield Action(f"rename {kind}", table, old, node.newname)
    else:
        yield Action(f"rename {kind}", name=old, new_name=node.newname)


def move(node: Node) -> Iterator[Action]:
    """Yield what gets another schema: for code, a rename."""
    kind = object_kind(word(node, "object_type"))
    name = relation(node.relation) or named(node.object)
    new = dotted((node.newschema, name.rpartition(".")[2]))
    if kind == "table":
        yield Action("rename table", name, new_name=new)
    else:
        yield Action(f"rename {kind}", name=name, new_name=new)


def owner(node: Node) -> Iterator[Action]:
    """Yield what gets another owner."""
    if node.DESCRIPTOR.name == "ReassignOwnedStmt":
        yield from (Action("change owner", name=each.role_spec.rolename) for each in node.roles)
    else:
        yield Action("change owner", name=relation(node.relation) or named(node.object))


def rewrite_rule(node: Node) -> Iterator[Action]:
    """Yield what a CREATE RULE does."""
    facts = {"instead": node.instead, "or replace": node.replace, "strong lock": True}
    found = frozenset(fact for fact, holds in facts.items() if holds)
    yield Action("create rule", relation(node.relation), node.rulename, facts=found)


def domain(node: Node) -> Iterator[Action]:
    """Yield what an ALTER DOMAIN does."""
    name, definition = dotted(texts(node.type_name)), getattr(node, "def")
    if node.subtype == "C":  # the letter for ADD CONSTRAINT
        facts = constraint("", definition.constraint).facts
        yield Action("add domain constraint", name=name, facts=facts)
    elif node.subtype == "O":  # SET NOT NULL
        yield Action("add domain constraint", name=name)


def enum(node: Node) -> Iterator[Action]:
    """Yield what an ALTER TYPE of an enum does."""
    verb = "rename value" if node.old_val else "add value"
    yield Action(verb, name=dotted(texts(node.type_name)), new_name=node.new_val)


def trigger(node: Node) -> Iterator[Action]:
    """Yield what a CREATE TRIGGER does."""
    facts = {"strong lock": True, "or replace": node.replace, "row": node.row}
    facts |= {"after": not node.timing}
    found = frozenset(fact for fact, holds in facts.items() if holds)
    table, function = relation(node.relation), dotted(texts(node.funcname))
    yield Action("create trigger", table, node.trigname, facts=found, value=function)


def policy(node: Node) -> Iterator[Action]:
    """Yield what a CREATE POLICY or an ALTER POLICY does."""
    verb = "create policy" if node.DESCRIPTOR.name == "CreatePolicyStmt" else "alter policy"
    restrictive = verb == "create policy" and not node.permissive
    facts = frozenset({"restrictive"} if restrictive else ())
    yield Action(verb, relation(node.table), node.policy_name, facts=facts)


def view(node: Node) -> Iterator[Action]:
    """Yield what a CREATE VIEW does."""
    facts = frozenset({"or replace"} if node.replace else ())
    columns, read = tuple(texts(node.aliases)) or outputs(node.query), _read(node.query)
    yield Action("create view", "", relation(node.view), columns=columns, refers=read, facts=facts)


def _read(query: Node) -> tuple[str, ...]:
    """Return the tables and views that a query reads."""
    return tuple(dict.fromkeys(relation(each) for each in find(query, "RangeVar")))


def query_table(node: Node) -> Iterator[Action]:
    """Yield what CREATE TABLE AS and CREATE MATERIALIZED VIEW do."""
    name = relation(node.into.rel)
    facts = frozenset({"if not exists"} if node.if_not_exists else ())
    if object_kind(word(node, "objtype")) == "materialized view":
        columns, read = tuple(texts(node.into.col_names)) or outputs(node.query), _read(node.query)
        kind = "create materialized view"
        yield Action(kind, "", name, columns=columns, refers=read, facts=facts)
    else:
        yield Action("create table", name, facts=facts)
        if found := sources(node.query.select_stmt):
            yield Action("read", found[0], refers=found)


def function(node: Node) -> Iterator[Action]:
    """Yield what a CREATE FUNCTION or PROCEDURE does."""
    facts, columns = frozenset({"or replace"} if node.replace else ()), tuple[str, ...]()
    named = tuple[str, ...]()
    kind = "procedure" if node.is_procedure else "function"
    if dotted(texts(node.return_type.names)) == "trigger":
        bodies = [each.def_elem.arg for each in node.options if each.def_elem.defname == "as"]
        source = text(bodies[0].list.items[0]) if bodies else ""
        (more, columns), named = effects(source), fields(source)
        facts |= more
    inputs = [each.function_parameter for each in node.parameters]
    types = _types(each.arg_type for each in inputs if word(each, "mode") not in RETURNED)
    name = dotted(texts(node.funcname))
    yield Action(
        f"create {kind}", name=name, columns=columns, facts=facts, value=types, condition=named
    )


def definition(node: Node) -> Iterator[Action]:
    """Yield what a CREATE OPERATOR, AGGREGATE or the like does."""
    yield Action(f"create {object_kind(word(node, 'kind'))}", name=dotted(texts(node.defnames)))


def _types(nodes: Iterable[Node]) -> str:
    """Return the types of a function's arguments, by which it is told from others."""
    plain = (each.type_name if hasattr(each, "type_name") else each for each in nodes)
    return ", ".join(str(type_of(each)) for each in plain)


def named_object(node: Node) -> Iterator[Action]:
    """Yield what other CREATE statements do."""
    kind, fields = CREATED[node.DESCRIPTOR.name]
    value = getattr(node, fields)
    name = value if isinstance(value, str) else ""
    if not name:
        name = relation(value) if hasattr(value, "relname") else dotted(texts(value))
    facts = {"if not exists"} if getattr(node, "if_not_exists", False) else set()
    if kind == "domain" and node.constraints:
        kinds = {word(each.constraint, "contype") for each in node.constraints}
        facts |= {"checked"} if kinds & {"CONSTR_CHECK", "CONSTR_NOTNULL"} else set()
    yield Action(f"create {kind}", name=name, facts=frozenset(facts))


def publication(node: Node) -> Iterator[Action]:
    """Yield which tables a CREATE or an ALTER PUBLICATION publishes."""
    new = node.DESCRIPTOR.name == "CreatePublicationStmt"
    if new:
        yield Action("create publication", name=node.pubname)
    elif word(node, "action") not in ("AP_AddObjects", "AP_SetObjects"):
        return
    objects = [each.publication_obj_spec for each in node.pubobjects]
    tables = [each.pubtable.relation for each in objects if each.HasField("pubtable")]
    options = {each.def_elem.defname: each.def_elem.arg for each in node.options}
    published = options["publish"].string.sval if "publish" in options else "update"
    facts = {"all tables"} if node.for_all_tables else set()
    facts |= set() if "update" in published or "delete" in published else {"inserts only"}
    yield Action("publish", refers=tuple(map(relation, tables)), facts=frozenset(facts))


CREATED = {
    "CreateEnumStmt": ("type", "type_name"),
    "CompositeTypeStmt": ("type", "typevar"),
    "CreateRangeStmt": ("type", "type_name"),
    "CreateDomainStmt": ("domain", "domainname"),
    "CreateSchemaStmt": ("schema", "schemaname"),
    "CreateExtensionStmt": ("extension", "extname"),
}
