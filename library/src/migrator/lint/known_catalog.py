"""The schema that is known, as the catalog of a database has it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import postgast
from sqlalchemy import Connection

from migrator import catalog
from migrator.lint.known_changes import learn
from migrator.lint.known_schema import KEYS, Column, Constraint, Schema
from migrator.lint.statements import Action, Type, read
from migrator.lint.statements.nodes import PUBLIC, dotted, type_of
from migrator.lint.visible_names import VisibleNames
from migrator.postgres import sql

MANY = 50  # schemas: a database that has more, as that of a fleet, is not read whole
SCHEMAS = """
SELECT current_schemas(false)::text[], (SELECT count(*) FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
"""
VIEWS = ("view", "materialized_view")
FUNCTIONS = ("function", "procedure")
NAMED = (*VIEWS, "table", "sequence", "index")  # no two of a schema have the same name

Facts = Mapping[str, Any]


def of_database(
    connection: Connection, actions: Iterable[Action], *, says_public: bool = True
) -> tuple[Schema, VisibleNames]:
    """Return the schema of a database, and what its sessions see of it without naming a schema.

    Args:
        actions: what is to be looked at: of a database with many schemas, only those are read that
            are named here or are in the search path.
        says_public: as for `of_catalog`.
    """
    path, schemas = connection.exec_driver_sql(SCHEMAS).one()
    actions, wanted = list(actions), set[str]()
    if schemas > MANY:
        names = (name for each in actions for name in (each.table, each.name, *each.refers))
        wanted = {*path, PUBLIC, *(name.rpartition(".")[0] for name in names)} - {""}
    found = catalog.read(connection, schemas=wanted)
    called = {each.name for each in actions if each.kind in ("call", "create function")}
    called |= {each.value or "" for each in actions if each.kind == "create trigger"}
    return of_catalog(found, path, says_public=says_public, called=called)


def of_catalog(
    found: catalog.Schema,
    path: Collection[str],
    *,
    says_public: bool = True,
    called: Collection[str] = (),
) -> tuple[Schema, VisibleNames]:
    """Return the schema that a catalog describes.

    Args:
        path: the schemas of the search path.
        says_public: statements may name the schema public. Their actions do not tell that from no
            schema at all: what a schema of the path has under the name of something in public is
            then not known.
    """
    visible = VisibleNames(frozenset(path), frozenset(_hidden(found, [*path, PUBLIC])))
    start = f"{PUBLIC}."
    unclear = {each.removeprefix(start) for each in visible.hidden if each.startswith(start)}
    schema = Schema(sure=not (unclear and says_public), of_database=True)
    for kind, name, facts in _ordered(found):
        table = visible.short(dotted(name[:2]))
        own = visible.short(dotted((name[0], name[-1]))) if kind == "index" else table
        if (name[0] == PUBLIC or says_public) and not unclear.isdisjoint({table, own}):
            continue
        if kind == "table":
            made = schema.table(table)
            made.created, made.partitioned = True, facts.get("form") == "partitioned"
            made.identified = facts.get("replica_identity") not in (None, "nothing")
            if facts.get("partition_bound") == "DEFAULT":
                parent = sql.identifiers(facts["inherits"][0])
                schema.table(visible.short(dotted(parent))).has_default_partition = True
        elif kind == "domain":
            if facts.get("constraints") or facts.get("not_null"):
                schema.checked.add(table)
        elif kind == "column":
            schema.table(table).columns[name[2]] = _column(facts, visible)
        elif kind == "constraint":
            schema.table(table).constraints[name[2]] = _constraint(facts)
        elif kind == "sequence":
            _sequence(schema, table, facts, visible)
        elif kind in VIEWS:
            _view(schema, table, kind, facts, visible)
        elif kind in FUNCTIONS:
            short = visible.short(dotted((name[0], name[1].partition("(")[0])))
            schema.functions.setdefault(short, Action("create function", name=short))
            if short in called:
                learn(schema, visible.of(read(facts["definition"]).actions[0]))
        elif kind == "trigger":
            if facts.get("enabled") != "disabled":
                learn(schema, visible.of(read(facts["definition"]).actions[0]))
        elif not facts.get("invalid"):  # what an attempt has left is no index
            learn(schema, visible.of(read(facts["definition"]).actions[0]))
    return schema, visible


def _ordered(found: catalog.Schema) -> Iterator[tuple[str, tuple[str, ...], Facts]]:
    """Yield the relations, and what belongs to them after them."""
    kinds = (
        "domain",
        "table",
        "column",
        "constraint",
        "sequence",
        "index",
        *VIEWS,
        *FUNCTIONS,
        "trigger",
    )
    chosen = [key for key in found.objects if key.kind in kinds]
    for key in sorted(chosen, key=lambda each: kinds.index(each.kind)):
        yield key.kind, key.name, found.objects[key]


def _hidden(found: catalog.Schema, path: Iterable[str]) -> Iterator[str]:
    owners: dict[str, set[str]] = {}
    for key in found.objects:
        if key.kind in NAMED:
            owners.setdefault(key.name[-1], set()).add(key.name[0])
    order = list(dict.fromkeys(path))
    for name, schemas in owners.items():
        for schema in [each for each in order if each in schemas][1:]:
            yield f"{schema}.{name}"


def _column(facts: Facts, visible: VisibleNames) -> Column:
    kind = _type(facts["type"])
    return Column(
        Type(visible.short(kind.name), kind.numbers, kind.array),
        required=bool(facts.get("not_null")),
        has_default=any(facts.get(each) for each in ("default", "generated", "identity")),
    )


@lru_cache(maxsize=1024)
def _type(text: str) -> Type:
    parsed = postgast.parse(f"SELECT NULL::{text}").stmts[0].stmt.select_stmt
    return type_of(parsed.target_list[0].res_target.val.type_cast.type_name)


def _constraint(facts: Facts) -> Constraint:
    kind, wants = facts["type"], tuple[str, ...]()
    if kind == "check":
        (action,) = read(f"ALTER TABLE t ADD {facts['definition']}").actions
        wants = action.columns if action.has("nulls out") else ()
    return Constraint(
        "exclude" if kind == "exclusion" else kind,
        facts.get("columns", ()),
        unique=kind in KEYS,
        valid=not facts.get("not_valid"),
        wants=wants,
        whole=kind in KEYS,
    )


def _sequence(schema: Schema, name: str, facts: Facts, visible: VisibleNames) -> None:
    schema.sequences[name] = _type(facts["type"])
    owner = sql.identifiers(facts.get("owned_by", ""))
    column = schema.column(visible.short(dotted(owner[:2])), owner[-1]) if owner else None
    if column and not facts.get("of_identity"):  # that one changes its type along with the column
        column.sequence = name


def _view(schema: Schema, name: str, kind: str, facts: Facts, visible: VisibleNames) -> None:
    (action,) = read(f"CREATE VIEW v AS {facts['definition']}").actions
    schema.reads[name] = tuple(map(visible.short, action.refers))
    schema.views[name] = tuple(sql.identifiers(each)[0] for each in facts.get("columns", ()))
    if kind == "materialized_view":
        schema.materialized.add(name)
