"""What depends on columns and has to be away while they get other types: as SQL.

The statements that make it again are kept in a setting of the transaction, so that it needs neither
a table nor a privilege, and also works under `--sql`.
"""

from collections.abc import Iterable

from migrator.operations import names
from migrator.operations.session import block
from migrator.postgres import sql

KEPT = "migrator.dependents"
# Those named, then the generated columns that are made of them, then those that are dropped. Up to
# PostgreSQL 14 a generated column depends on the others by itself, later by its expression.
COLUMNS = """named AS (
  SELECT a.attrelid AS rel, a.attnum AS num
  FROM (VALUES {columns}) given (relation, attribute)
  JOIN pg_attribute a ON a.attrelid = relation AND a.attname = attribute
), generated AS (
  SELECT DISTINCT a.attrelid AS rel, a.attnum AS num
  FROM named n
  JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = n.rel
    AND d.refobjsubid = n.num
  LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
  JOIN pg_attribute a ON a.attrelid = n.rel AND a.attgenerated <> ''
    AND a.attnum = CASE WHEN f.oid IS NOT NULL THEN f.adnum
      WHEN d.classid = 'pg_class'::regclass AND d.objid = n.rel THEN d.objsubid END
  WHERE (a.attrelid, a.attnum) NOT IN (SELECT rel, num FROM named)
), own AS (
  SELECT * FROM named UNION SELECT * FROM generated
), lost AS (
  SELECT * FROM {lost}
), used AS (
  SELECT d.classid, d.objid, d.deptype, o.rel, o.num
  FROM own o JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = o.rel
    AND d.refobjsubid = o.num
)"""
VIEWS = """, steps AS (
  SELECT r.ev_class AS view, 1 AS depth
  FROM used u JOIN pg_rewrite r ON u.classid = 'pg_rewrite'::regclass AND r.oid = u.objid
  UNION
  SELECT r.ev_class, s.depth + 1
  FROM steps s
  JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.view
    AND d.classid = 'pg_rewrite'::regclass
  JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> s.view
), views AS (
  SELECT c.*, format('%s', c.oid::regclass) AS name, s.depth,
         CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END AS word
  FROM (SELECT view, max(depth) AS depth FROM steps GROUP BY view) s
  JOIN pg_class c ON c.oid = s.view AND c.relkind IN ('v', 'm')
), fixed AS (
  SELECT DISTINCT k.* FROM pg_constraint k
  WHERE k.conparentid = 0 AND k.contype <> 'n' AND (
    EXISTS (SELECT FROM lost l WHERE (k.conrelid = l.rel AND l.num = ANY (k.conkey))
                                  OR (k.confrelid = l.rel AND l.num = ANY (k.confkey)))
    OR k.contype = 'f' AND EXISTS (
      SELECT FROM unnest(k.conkey, k.confkey) pair (here, there)
      JOIN named a ON a.rel = k.conrelid AND a.num = pair.here
      JOIN named b ON b.rel = k.confrelid AND b.num = pair.there)
  )
), told AS (
  SELECT DISTINCT ON (t.oid) t.*, t.tgrelid::regclass AS name
  FROM pg_trigger t
  WHERE NOT t.tgisinternal AND (t.tgrelid IN (SELECT oid FROM views) OR t.oid IN (
    SELECT objid FROM used WHERE classid = 'pg_trigger'::regclass))
)"""
# Of what is made again, in this order; what is dropped goes in the other one.
PARTS = """
  SELECT 10 AS rank, 0 AS depth, a.attname AS name,
         format('ALTER TABLE %s DROP COLUMN %I', a.attrelid::regclass, a.attname) AS away,
         format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS %I %s%s GENERATED ALWAYS AS (%s) %s%s',
           a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod),
           CASE WHEN l.oid IS NULL OR a.attcollation = t.typcollation THEN ''
             ELSE ' COLLATE ' || l.oid::regcollation END,
           pg_get_expr(f.adbin, f.adrelid),
           CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END,
           CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END) AS again
  FROM generated g JOIN pg_attribute a ON a.attrelid = g.rel AND a.attnum = g.num
  JOIN pg_attrdef f ON f.adrelid = g.rel AND f.adnum = g.num
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_collation l ON l.oid = a.attcollation
  UNION ALL
  SELECT 11, 0, a.attname, NULL, format('COMMENT ON COLUMN %s.%I IS %L', a.attrelid::regclass,
    a.attname, col_description(g.rel, g.num))
  FROM generated g JOIN pg_attribute a ON a.attrelid = g.rel AND a.attnum = g.num
  WHERE col_description(g.rel, g.num) IS NOT NULL
  UNION ALL
  SELECT 12, 0, a.attname, NULL, format('GRANT %s (%I) ON %s TO %s%s', acl.privilege_type,
    a.attname, a.attrelid::regclass, {role}, {option})
  FROM lost l JOIN pg_attribute a ON a.attrelid = l.rel AND a.attnum = l.num,
    aclexplode(a.attacl) acl
  UNION ALL
  SELECT CASE contype WHEN 'f' THEN 40 ELSE 20 END, 0, conname,
         CASE contype WHEN 'f' THEN
           format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) END,
         format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
           pg_get_constraintdef(oid))
  FROM fixed
  UNION ALL
  SELECT CASE contype WHEN 'f' THEN 41 ELSE 21 END, 0, conname, NULL,
         format('COMMENT ON CONSTRAINT %I ON %s IS %L', conname, conrelid::regclass,
           obj_description(oid, 'pg_constraint'))
  FROM fixed WHERE obj_description(oid, 'pg_constraint') IS NOT NULL
  UNION ALL
  SELECT 30, 0, c.relname, NULL, pg_get_indexdef(c.oid)
  FROM (SELECT DISTINCT u.objid FROM used u JOIN lost USING (rel, num)
        WHERE u.classid = 'pg_class'::regclass AND u.deptype = 'a') own
  JOIN pg_class c ON c.oid = own.objid AND c.relkind IN ('i', 'I')
  UNION ALL
  SELECT DISTINCT 31, 0, e.stxname, NULL, pg_get_statisticsobjdef(e.oid)
  FROM used u JOIN lost USING (rel, num)
  JOIN pg_statistic_ext e ON u.classid = 'pg_statistic_ext'::regclass AND e.oid = u.objid
  UNION ALL
  SELECT 50, 0, polname,
         format('DROP POLICY %I ON %s', polname, polrelid::regclass),
         format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', polname, polrelid::regclass,
           CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
           CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
             WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
           (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC'
              ELSE quote_ident(pg_get_userbyid(role)) END, ', ') FROM unnest(polroles) role),
           ' USING (' || pg_get_expr(polqual, polrelid) || ')',
           ' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')')
  FROM pg_policy
  WHERE oid IN (SELECT objid FROM used WHERE classid = 'pg_policy'::regclass)
  UNION ALL
  SELECT 60, depth, relname, format('DROP %s %s', word, name),
         format('CREATE %s %s%s%s%s AS %s%s', word, name,
           ' USING ' || NULLIF((SELECT amname FROM pg_am WHERE oid = relam), 'heap'),
           ' WITH (' || array_to_string(reloptions, ', ') || ')',
           ' TABLESPACE ' || (SELECT quote_ident(spcname) FROM pg_tablespace
                               WHERE oid = reltablespace),
           rtrim(pg_get_viewdef(oid), ';'),
           CASE WHEN relispopulated THEN '' ELSE ' WITH NO DATA' END)
  FROM views
  UNION ALL
  SELECT 61, depth, pg_get_indexdef(i.indexrelid), NULL, pg_get_indexdef(i.indexrelid)
  FROM views JOIN pg_index i ON i.indrelid = views.oid
  UNION ALL
  SELECT 62, depth, relname, NULL,
         format('COMMENT ON %s %s IS %L', word, name, obj_description(oid, 'pg_class'))
  FROM views WHERE obj_description(oid, 'pg_class') IS NOT NULL
  UNION ALL
  SELECT 62, depth, relname, NULL,
         format('COMMENT ON COLUMN %s.%I IS %L', name, attname, col_description(oid, attnum))
  FROM views JOIN pg_attribute a ON a.attrelid = oid AND NOT attisdropped
  WHERE col_description(oid, attnum) IS NOT NULL
  UNION ALL
  SELECT 63, depth, relname, NULL,
         format('GRANT %s ON %s TO %s%s', acl.privilege_type, name,
           {role}, {option})
  FROM views, aclexplode(relacl) acl WHERE acl.grantee <> relowner
  UNION ALL
  SELECT 63, depth, relname, NULL,
         format('GRANT %s (%I) ON %s TO %s%s', acl.privilege_type, a.attname, name,
           {role}, {option})
  FROM views JOIN pg_attribute a ON a.attrelid = oid, aclexplode(a.attacl) acl
  UNION ALL
  SELECT 64, depth, relname, NULL,
         format('ALTER %s %s OWNER TO %I', word, name, pg_get_userbyid(relowner))
  FROM views WHERE relowner <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
  UNION ALL
  SELECT 70, 0, tgname, CASE WHEN tgrelid IN (SELECT oid FROM views) THEN NULL
           ELSE format('DROP TRIGGER %I ON %s', tgname, name) END, pg_get_triggerdef(oid)
  FROM told
  UNION ALL
  SELECT 71, 0, tgname, NULL, format('ALTER TABLE %s %s TRIGGER %I', name,
           CASE tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA'
             ELSE 'ENABLE ALWAYS' END, tgname)
  FROM told WHERE tgenabled <> 'O'"""
ROLE = """CASE acl.grantee WHEN 0 THEN 'PUBLIC'
    ELSE quote_ident(pg_get_userbyid(acl.grantee)) END"""
OPTION = "CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END"
QUERY = f"WITH RECURSIVE {COLUMNS}{VIEWS}{PARTS}".replace("{role}", ROLE)
QUERY = QUERY.replace("{option}", OPTION)
# Without a search path meanwhile, so that each definition has the schemas of what it names.
DROP = """PERFORM set_config('search_path', 'pg_catalog', true);
  FOR part IN SELECT parts.away, parts.again FROM ({query}) parts
      ORDER BY rank DESC, depth DESC, name DESC LOOP
    statements := part.again || statements;
    IF part.away IS NOT NULL THEN
      EXECUTE part.away;
    END IF;
  END LOOP;
  PERFORM set_config('{kept}', to_json(statements)::text, true);
  PERFORM set_config('search_path', path, true);"""
VARIABLES = """part record; statements text[] := '{{}}';
  path text := current_setting('search_path'); tables oid[] := ARRAY[{tables}];"""
RESTORE = block(
    f"""FOR each IN SELECT value FROM json_array_elements_text(
    current_setting('{KEPT}')::json) LOOP
    EXECUTE each;
  END LOOP;""",
    "each text;",
)


def drop(columns: Iterable[str], *, lost: bool = False) -> str:
    """Return what drops what depends on columns, and keeps what makes it again.

    Args:
        columns: with their tables, as SQL writes them.
        lost: they are dropped themselves, and with them indexes and constraints.
    """
    tables, named = [], []
    for number, (table, name) in enumerate(map(_parts, columns), start=1):
        tables.append(f"to_regclass({table})")
        named.append(f"(tables[{number}], {name})")
    query = _query(named, lost=lost)
    body = DROP.replace("{query}", query).replace("{kept}", KEPT)
    return block(body, VARIABLES.format(tables=", ".join(tables)))


def count(columns: Iterable[str]) -> str:
    """Return a query for how much `drop` would drop."""
    return f"SELECT count(parts.away) FROM ({_query(_named(columns))}) parts"


def generated(columns: Iterable[str]) -> str:
    """Return a query for the generated columns that `drop` would drop: schema, table and name."""
    columns = COLUMNS.replace("{columns}", ", ".join(_named(columns)))
    return f"""WITH {columns.replace("{lost}", "generated")}
SELECT n.nspname, c.relname, a.attname FROM generated g
JOIN pg_attribute a ON a.attrelid = g.rel AND a.attnum = g.num
JOIN pg_class c ON c.oid = g.rel JOIN pg_namespace n ON n.oid = c.relnamespace"""


def _named(columns: Iterable[str]) -> list[str]:
    return [f"(to_regclass({table})::oid, {name})" for table, name in map(_parts, columns)]


def _query(named: Iterable[str], *, lost: bool = False) -> str:
    query = QUERY.replace("{columns}", ", ".join(named))
    return query.replace("{lost}", "own" if lost else "generated")


def _parts(column: str) -> tuple[str, str]:
    """Return the table and the name of a column as literals."""
    *table, name = sql.identifiers(column)
    return names.literal(".".join(map(names.column, table))), names.literal(name)
