"""What new columns and constraints are, in a CREATE TABLE, an ALTER TABLE and a CREATE DOMAIN."""

from collections.abc import Iterable, Iterator

from migrator.lint.statements.action import Action, Type
from migrator.lint.statements.expressions import columns_of, is_volatile, not_null
from migrator.lint.statements.nodes import Node, relation, texts, type_of, word

KINDS = {
    "CONSTR_CHECK": "check",
    "CONSTR_NOTNULL": "not null",
    "CONSTR_PRIMARY": "primary key",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_EXCLUSION": "exclude",
    "CONSTR_FOREIGN": "foreign key",
}
CHECKED = ("check", "foreign key")  # which may be NOT ENFORCED
SERIAL = {"smallserial": "int2", "serial2": "int2", "serial": "int4", "serial4": "int4"}
SERIAL |= {"bigserial": "int8", "serial8": "int8"}


def added(table: str, column: Node, *facts: str) -> Iterator[Action]:
    """Yield what a new column is, and the constraints that come with it."""
    found, kind = set(facts), type_of(column.type_name)
    if kind.name in SERIAL:
        kind = Type(SERIAL[kind.name])
        found |= {"serial", "default", "volatile", "not null"}
    for each in (part.constraint for part in column.constraints):
        match word(each, "contype"):
            case "CONSTR_NOTNULL":
                found.add("not null")
            case "CONSTR_PRIMARY":
                found |= {"not null", "key"}
            case "CONSTR_DEFAULT" if not each.raw_expr.a_const.isnull:
                found |= {"default"} | ({"volatile"} if is_volatile(each.raw_expr) else set())
            case "CONSTR_IDENTITY":
                found |= {"identity", "default", "volatile", "not null"}
            case "CONSTR_GENERATED":
                found |= {"generated", "virtual" if each.generated_kind == "v" else "stored"}
    yield Action("add column", table, column.colname, type=kind, facts=frozenset(found))
    more = (*facts, "with column", *({"default"} & found))
    for part in column.constraints:
        if word(part.constraint, "contype") in KINDS.keys() - {"CONSTR_NOTNULL"}:
            yield constraint(table, part.constraint, *more, column=column.colname)


def constraint(table: str, node: Node, *facts: str, column: str = "") -> Action:
    """Return what a new constraint is."""
    kind = KINDS.get(word(node, "contype"), "")
    columns = tuple(texts(node.fk_attrs or node.keys)) or columns_of(node.raw_expr)
    unchecked = node.skip_validation or (kind in CHECKED and not node.is_enforced)
    found = set(facts) | ({"not valid"} if unchecked else set())
    found |= {"using index"} if node.indexname else set()
    wants = kind == "not null" or (kind == "check" and not_null(node.raw_expr) == {*columns})
    return Action(
        "add constraint",
        table,
        node.conname or _usual_name(table, kind, columns or (column,)),
        new_name=node.indexname,
        columns=columns or ((column,) if column else ()),
        refers=(relation(node.pktable),) if node.pktable.relname else (),
        facts=frozenset(found | ({"nulls out"} if wants and columns else set())),
        value=kind,
    )


def _usual_name(table: str, kind: str, columns: Iterable[str]) -> str:
    """Return the name that PostgreSQL gives a constraint without one."""
    name = table.rpartition(".")[2]
    ends = {"primary key": "pkey", "unique": "key", "foreign key": "fkey", "check": "check"}
    parts = [name, *(() if kind == "primary key" else columns), ends.get(kind, kind)]
    return "_".join(parts)
