"""Read SQL: the actions of its statements, and of those in its PL/pgSQL."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import postgast

from migrator.lint.statements import blocks, maintenance, objects, roles, session, tables
from migrator.lint.statements.action import Action
from migrator.lint.statements.blocks import Inner
from migrator.lint.statements.nodes import Node, unwrap
from migrator.lint.statements.rows import ROWS, called

READERS: dict[str, Callable[[Node], Iterator[Action]]] = {
    "create_stmt": tables.create,
    "alter_table_stmt": tables.alter,
    "index_stmt": tables.index,
    "create_seq_stmt": tables.sequence,
    "alter_seq_stmt": tables.sequence,
    "create_table_as_stmt": objects.query_table,
    "drop_stmt": objects.drop,
    "rename_stmt": objects.rename,
    "alter_object_schema_stmt": objects.move,
    "alter_owner_stmt": objects.owner,
    "reassign_owned_stmt": objects.owner,
    "rule_stmt": objects.rewrite_rule,
    "alter_domain_stmt": objects.domain,
    "alter_enum_stmt": objects.enum,
    "create_trig_stmt": objects.trigger,
    "create_policy_stmt": objects.policy,
    "alter_policy_stmt": objects.policy,
    "view_stmt": objects.view,
    "create_function_stmt": objects.function,
    "create_publication_stmt": objects.publication,
    "alter_publication_stmt": objects.publication,
    "define_stmt": objects.definition,
    "create_enum_stmt": objects.named_object,
    "composite_type_stmt": objects.named_object,
    "create_range_stmt": objects.named_object,
    "create_domain_stmt": objects.named_object,
    "create_schema_stmt": objects.named_object,
    "create_extension_stmt": objects.named_object,
    "grant_stmt": roles.grant,
    "create_role_stmt": roles.create,
    "alter_role_stmt": roles.alter,
    "alter_database_stmt": roles.alter,
    "alter_role_set_stmt": roles.setting,
    "alter_database_set_stmt": roles.setting,
    "alter_system_stmt": roles.setting,
    "drop_role_stmt": roles.role,
    "drop_owned_stmt": roles.role,
    "grant_role_stmt": roles.grant_role,
    "alter_table_move_all_stmt": tables.move_all,
    "dropdb_stmt": roles.drop_database,
    "vacuum_stmt": maintenance.vacuum,
    "cluster_stmt": maintenance.cluster,
    "reindex_stmt": maintenance.reindex,
    "refresh_mat_view_stmt": maintenance.refresh,
    "truncate_stmt": maintenance.truncate,
    "lock_stmt": maintenance.lock,
    "variable_set_stmt": session.setting,
    "discard_stmt": session.discard,
    "transaction_stmt": session.transaction,
}


@dataclass(frozen=True)
class Read:
    """What a statement does; `inside` what the statements in its DO block do, each for itself."""

    actions: tuple[Action, ...]
    inside: tuple[Inner, ...] = ()


@lru_cache(maxsize=4096)
def read(sql: str, *, variables: bool = False) -> Read:
    """Return what a statement does; "syntax error" is one action.

    Args:
        sql: one statement, or several.
        variables: it stands in PL/pgSQL, whose variables look like columns.
    """
    try:
        parsed = postgast.parse(sql)
    except (postgast.PgQueryError, UnicodeError) as error:
        return Read((Action("syntax error", value=getattr(error, "message", str(error))),))
    actions: list[Action] = []
    inside: list[Inner] = []
    for statement in parsed.stmts:
        node: Node = statement.stmt
        kind, inner = unwrap(node)
        if kind in ROWS:
            actions += ROWS[kind](inner, variables=variables)
        elif kind == "do_stmt":
            inside += blocks.body(node)
        elif kind in READERS:
            found = READERS[kind](inner)
            if kind == "create_function_stmt":
                found = (replace(each, body=tuple(blocks.body(node))) for each in found)
            actions += found
        elif kind == "call_stmt":
            actions += called(inner.funccall)
    return Read(tuple(actions), tuple(inside))
