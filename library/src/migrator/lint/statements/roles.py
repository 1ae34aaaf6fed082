"""What statements do to roles and databases: their settings, and what they may do."""

from collections.abc import Iterator

from migrator.lint.statements.action import Action
from migrator.lint.statements.nodes import Node, is_on, named, relation, unwrap

# Options of a role or a database that keep sessions out when they are given.
KEEPS_OUT = ("connectionlimit", "connection_limit", "validUntil", "password")
# Kinds of the actions that set what every later session begins with.
SETTINGS = ("alter role setting", "alter database setting", "alter system")


def setting(node: Node) -> Iterator[Action]:
    """Yield what ALTER ROLE ... SET, ALTER DATABASE ... SET and ALTER SYSTEM change."""
    match node.DESCRIPTOR.name:
        case "AlterRoleSetStmt":
            yield Action("alter role setting", name=node.role.rolename)
        case "AlterDatabaseSetStmt":
            yield Action("alter database setting", name=node.dbname)
        case _:
            yield Action("alter system")


def create(node: Node) -> Iterator[Action]:
    """Yield what a CREATE ROLE does."""
    yield Action("create role", name=node.role)


def alter(node: Node) -> Iterator[Action]:
    """Yield what an ALTER ROLE or an ALTER DATABASE takes away."""
    of_role = node.DESCRIPTOR.name == "AlterRoleStmt"
    name = node.role.rolename if of_role else node.dbname
    options = [each.def_elem for each in node.options]
    if any(each.defname in KEEPS_OUT or not is_on(each) for each in options):
        yield Action("revoke", name=name)


def drop_database(node: Node) -> Iterator[Action]:
    """Yield what a DROP DATABASE does."""
    yield Action("drop database", name=node.dbname)


def grant(node: Node) -> Iterator[Action]:
    """Yield what a REVOKE takes away; a GRANT takes nothing."""
    if node.is_grant:
        return
    for each in node.objects:
        kind, inner = unwrap(each)
        yield Action("revoke", relation(inner) if kind == "range_var" else named(each))


def grant_role(node: Node) -> Iterator[Action]:
    """Yield which roles are taken from others."""
    if not node.is_grant:
        yield from (
            Action("revoke", name=each.access_priv.priv_name) for each in node.granted_roles
        )


def role(node: Node) -> Iterator[Action]:
    """Yield which roles a DROP ROLE or a DROP OWNED is about."""
    owned = node.DESCRIPTOR.name == "DropOwnedStmt"
    for each in node.roles:
        yield Action("drop owned" if owned else "drop role", name=each.role_spec.rolename)
