"""Read SQL: the actions of its statements, and of those in its PL/pgSQL."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import postgast

from migrator.lint.statements import blocks, maintenance, objects, session, tables
from migrator.lint.statements.action import Action
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
    "alter_domain_stmt": objects.domain,
    "alter_enum_stmt": objects.enum,
    "create_trig_stmt": objects.trigger,
    "create_policy_stmt": objects.policy,
    "alter_policy_stmt": objects.policy,
    "view_stmt": objects.view,
    "create_function_stmt": objects.function,
    "create_enum_stmt": objects.named_object,
    "composite_type_stmt": objects.named_object,
    "create_range_stmt": objects.named_object,
    "create_domain_stmt": objects.named_object,
    "create_schema_stmt": objects.named_object,
    "create_extension_stmt": objects.named_object,
    "grant_stmt": objects.grant,
    "drop_role_stmt": objects.role,
    "drop_owned_stmt": objects.role,
    "dropdb_stmt": maintenance.drop_database,
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
    """What a statement does; `inside` what the statements in its DO block do, each for itself.

    `functions` are by name the statements in the functions that it creates.
    """

    actions: tuple[Action, ...]
    inside: tuple[str, ...] = ()
    functions: tuple[tuple[str, tuple[str, ...]], ...] = ()


@lru_cache(maxsize=4096)
def read(sql: str, *, variables: bool = False) -> Read:
    """Return what a statement does; "syntax error" is one action.

    Args:
        sql: one statement, or several.
        variables: it stands in PL/pgSQL, whose variables look like columns.
    """
    try:
        parsed = postgast.parse(sql)
    except postgast.PgQueryError as error:
        return Read((Action("syntax error", value=error.message),))
    actions: list[Action] = []
    inside: list[str] = []
    functions = []
    for statement in parsed.stmts:
        node: Node = statement.stmt
        kind, inner = unwrap(node)
        if kind in ROWS:
            actions += ROWS[kind](inner, variables=variables)
        elif kind == "do_stmt":
            inside += blocks.body(node)
        elif kind in READERS:
            found = list(READERS[kind](inner))
            actions += found
            if kind == "create_function_stmt":
                functions.append((found[0].name, tuple(blocks.body(node))))
        elif kind == "call_stmt":
            actions += called(inner.funccall)
    return Read(tuple(actions), tuple(inside), tuple(functions))
