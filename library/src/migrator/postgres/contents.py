"""Whether a database holds anything that somebody uses."""

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

# Not what belongs to an extension, and not Alembic's table and ours.
TABLES = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname !~ '^pg_t' AND c.relname <> 'migration_log'
    AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
        AND a.attname = 'version_num' AND c.relnatts = 1)
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
        AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relpages DESC
"""


def is_empty(connection: Connection) -> bool:
    """Return whether no table of users has a row, as before the first deploy.

    A table that cannot be read may have some.
    """
    try:
        for name in connection.exec_driver_sql(TABLES).scalars().all():
            query = f"SELECT EXISTS (SELECT FROM {name.replace('%', '%%')})"
            if connection.exec_driver_sql(query).scalar():
                return False
    except DBAPIError:
        return False
    finally:
        connection.rollback()
    return True
