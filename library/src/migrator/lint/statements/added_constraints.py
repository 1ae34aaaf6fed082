"""The constraints and unique indexes that SQL adds to tables that are there, and partitions."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import postgast

from migrator.lint.statements import blocks, partition_bounds, written
from migrator.lint.statements.columns import CHECKED, KINDS, SERIAL
from migrator.lint.statements.expressions import columns_of
from migrator.lint.statements.nodes import Node, find, texts, type_of, unwrap, word
from migrator.postgres.constrained_rows import KEY
from migrator.postgres.violation_query import PARTITION, VALIDATES, AddedConstraint

FILLED = ("CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED")  # a new column is not NULL


@lru_cache(maxsize=512)
def added_constraints(sql: str, *, blocks_too: bool = False) -> tuple[AddedConstraint, ...]:
    """Return what statements add to tables that are there; nothing if they cannot be read.

    Args:
        blocks_too: also what stands in a DO block, where a condition may leave it out.
    """
    try:
        parsed = postgast.parse(sql)
    except (postgast.PgQueryError, UnicodeError):
        return ()
    return tuple(each for one in parsed.stmts for each in _statement(one.stmt, blocks_too))


def _statement(node: Node, blocks_too: bool) -> Iterator[AddedConstraint]:
    kind, inner = unwrap(node)
    if kind == "index_stmt" and inner.unique:
        yield _index(inner)
    elif kind == "alter_table_stmt" and word(inner, "objtype") == "OBJECT_TABLE":
        table = written.relation(inner.relation)
        for each in inner.cmds:
            added = _command(table, each.alter_table_cmd)
            yield from added if inner.relation.inh else (replace(one, only=True) for one in added)
    elif kind == "create_stmt" and inner.HasField("partbound"):
        yield _partition(written.relation(inner.inh_relations[0].range_var), "", inner.partbound)
    elif kind == "alter_domain_stmt":
        yield from _domain(inner)
    elif kind == "do_stmt" and blocks_too:
        for each in blocks.body(node):
            yield from added_constraints(each.sql, blocks_too=True)


def _index(node: Node) -> AddedConstraint:
    parts = (node.relation.schemaname, node.idxname if node.if_not_exists else "")
    return AddedConstraint(
        "unique",
        written.relation(node.relation),
        node.idxname,
        tuple(_key(each.index_elem) for each in node.index_params),
        condition=written.condition(node.where_clause),
        nulls_distinct=not node.nulls_not_distinct,
        only=not node.relation.inh,
        unless=".".join(written.column(part) for part in parts if part) if parts[1] else "",
    )


def _domain(node: Node) -> Iterator[AddedConstraint]:
    """Yield what is added to a domain, of which the tables are not known here."""
    name = ".".join(written.column(part) for part in texts(node.type_name))
    added = unwrap(getattr(node, "def"))[1]
    match node.subtype, added and KINDS.get(word(added, "contype")):
        case ("O", _) | ("C", "not null"):
            yield AddedConstraint("domain not null", name, added.conname if added else "")
        case "C", "check":
            for each in find(added.raw_expr, "ColumnRef"):
                if texts(each.fields) == ["value"]:
                    each.fields[0].string.sval = KEY.format(1)
            condition, valid = written.expression(added.raw_expr), not added.skip_validation
            yield AddedConstraint(
                "domain check", name, added.conname, condition=condition, valid=valid
            )
        case "V", _:
            yield AddedConstraint(VALIDATES, name, node.name)


def _partition(parent: str, table: str, bound: Node) -> AddedConstraint:
    condition = partition_bounds.condition(parent, bound)
    return AddedConstraint(PARTITION, table, condition=condition, refers=parent)


def _command(table: str, command: Node) -> Iterator[AddedConstraint]:
    inner = unwrap(getattr(command, "def"))[1]
    match word(command, "subtype"):
        case "AT_SetNotNull":
            yield AddedConstraint("not null", table, keys=(written.column(command.name),))
        case "AT_ValidateConstraint":
            yield AddedConstraint(VALIDATES, table, command.name)
        case "AT_AttachPartition":
            yield _partition(table, written.relation(inner.name), inner.bound)
        case "AT_AddConstraint":
            yield from _constraint(table, inner)
        case "AT_AddColumn":
            kinds = {word(each.constraint, "contype") for each in inner.constraints}
            serial = type_of(inner.type_name).name in SERIAL
            filled = command.missing_ok or serial or not kinds.isdisjoint(FILLED)
            if not filled and not kinds.isdisjoint(("CONSTR_NOTNULL", "CONSTR_PRIMARY")):
                keys = (written.column(inner.colname),)
                yield AddedConstraint("not null", table, keys=keys, new_column=True)


def _constraint(table: str, node: Node) -> Iterator[AddedConstraint]:
    kind, name = KINDS.get(word(node, "contype"), ""), node.conname
    valid = not node.skip_validation and (kind not in CHECKED or node.is_enforced)
    keys = tuple(written.column(each) for each in texts(node.fk_attrs or node.keys))
    if node.indexname or (kind == "foreign key" and node.fk_with_period):
        return
    match kind:
        case "check":
            keys = tuple(written.column(each) for each in columns_of(node.raw_expr))
            condition = written.expression(node.raw_expr)
            yield AddedConstraint(
                kind,
                table,
                name,
                keys,
                condition=condition,
                valid=valid,
                only=node.is_no_inherit,
            )
        case "not null":
            yield AddedConstraint(kind, table, name, keys, valid=valid)
        case "foreign key":
            yield AddedConstraint(
                kind,
                table,
                name,
                keys,
                refers=written.relation(node.pktable),
                referred=tuple(written.column(each) for each in texts(node.pk_attrs)),
                match_full=node.fk_matchtype == "f",
                valid=valid,
            )
        case "unique" | "primary key":
            if kind == "primary key":
                yield AddedConstraint("not null", table, name, keys)
            if node.without_overlaps:
                signs = (*["="] * (len(keys) - 1), "&&")
                yield AddedConstraint("exclude", table, name, keys, operators=signs)
            else:
                distinct = not node.nulls_not_distinct
                yield AddedConstraint("unique", table, name, keys, nulls_distinct=distinct)
        case "exclude":
            pairs = [each.list.items for each in node.exclusions]
            yield AddedConstraint(
                kind,
                table,
                name,
                tuple(_key(each.index_elem) for each, _ in pairs),
                condition=written.condition(node.where_clause),
                operators=tuple(_operator(sign) for _, sign in pairs),
            )


def _key(node: Node) -> str:
    key = written.column(node.name) if node.name else f"({written.expression(node.expr)})"
    if node.collation:
        key += f" COLLATE {'.'.join(written.column(each) for each in texts(node.collation))}"
    return key


def _operator(node: Node) -> str:
    parts = texts(node.list.items)
    return ".".join([*(written.column(each) for each in parts[:-1]), parts[-1]])
