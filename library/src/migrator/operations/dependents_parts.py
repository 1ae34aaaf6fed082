"""What depends on columns: the statements that drop it and make it again, as a query.

The columns and the objects themselves are found by `dependents_query`.
"""

ROLE = """CASE acl.grantee WHEN 0 THEN 'PUBLIC'
    ELSE quote_ident(pg_get_userbyid(acl.grantee)) END"""
OPTION = "CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END"
# Triggers and rules: they go with their view, and are enabled or not.
SWITCHED = """\
  SELECT {rank}0, 0, {prefix}name, CASE WHEN {table} IN (SELECT oid FROM views) THEN NULL
           ELSE format('DROP {kind} %I ON %s', {prefix}name, name) END, {definition}
  FROM {rows}
  UNION ALL
  SELECT {rank}1, 0, {prefix}name, NULL, format('ALTER TABLE %s %s {kind} %I', name,
           CASE {enabled} WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA'
             ELSE 'ENABLE ALWAYS' END, {prefix}name)
  FROM {rows} WHERE {enabled} <> 'O'
  UNION ALL
  SELECT {rank}2, 0, {prefix}name, NULL, format('COMMENT ON {kind} %I ON %s IS %L', {prefix}name,
    name, obj_description(oid, '{catalog}'))
  FROM {rows} WHERE obj_description(oid, '{catalog}') IS NOT NULL"""
TRIGGERS = SWITCHED.format(
    rank=7,
    kind="TRIGGER",
    rows="told",
    prefix="tg",
    table="tgrelid",
    enabled="tgenabled",
    definition="pg_get_triggerdef(oid, true)",
    catalog="pg_trigger",
)
RULES = SWITCHED.format(
    rank=8,
    kind="RULE",
    rows="ruled",
    prefix="rule",
    table="ev_class",
    enabled="ev_enabled",
    definition="pg_get_ruledef(oid)",
    catalog="pg_rewrite",
)
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
  SELECT DISTINCT 31, 0, e.stxname, format('DROP STATISTICS %I.%I', stxnamespace::regnamespace,
    stxname), pg_get_statisticsobjdef(e.oid)
  FROM used u LEFT JOIN lost l USING (rel, num)
  JOIN pg_statistic_ext e ON u.classid = 'pg_statistic_ext'::regclass AND e.oid = u.objid
  WHERE l.rel IS NOT NULL OR 'e' = ANY (e.stxkind)
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
  SELECT 51, 0, polname, NULL, format('COMMENT ON POLICY %I ON %s IS %L', polname,
    polrelid::regclass, obj_description(oid, 'pg_policy'))
  FROM pg_policy
  WHERE oid IN (SELECT objid FROM used WHERE classid = 'pg_policy'::regclass)
    AND obj_description(oid, 'pg_policy') IS NOT NULL
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
  SELECT 61, depth, pg_get_indexdef(i.indexrelid), format('DROP INDEX %s',
    i.indexrelid::regclass), pg_get_indexdef(i.indexrelid, 0, true)
  FROM views JOIN pg_index i ON i.indrelid = views.oid
  UNION ALL
  SELECT 62, depth, pg_get_indexdef(i.indexrelid), NULL, format('COMMENT ON INDEX %s IS %L',
    i.indexrelid::regclass, obj_description(i.indexrelid, 'pg_class'))
  FROM views JOIN pg_index i ON i.indrelid = views.oid
  WHERE obj_description(i.indexrelid, 'pg_class') IS NOT NULL
  UNION ALL
  SELECT 62, depth, a.attname, NULL, format('ALTER VIEW %s ALTER COLUMN %I SET DEFAULT %s', name,
    a.attname, pg_get_expr(f.adbin, f.adrelid))
  FROM views JOIN pg_attribute a ON a.attrelid = oid
  JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
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
{triggers}
  UNION ALL
{rules}
  UNION ALL
  SELECT 90, 0, proname, format('DROP ROUTINE %s', name), pg_get_functiondef(oid)
  FROM routines
  UNION ALL
  SELECT 91, 0, proname, NULL, format('COMMENT ON ROUTINE %s IS %L', name,
    obj_description(oid, 'pg_proc'))
  FROM routines WHERE obj_description(oid, 'pg_proc') IS NOT NULL
  UNION ALL
  SELECT 91, 0, proname, NULL, format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', name)
  FROM routines WHERE proacl IS NOT NULL
  UNION ALL
  SELECT 92, 0, proname, NULL, format('GRANT %s ON ROUTINE %s TO %s%s', acl.privilege_type, name,
           {role}, {option})
  FROM routines, aclexplode(proacl) acl WHERE acl.grantee <> proowner
  UNION ALL
  SELECT 93, 0, proname, NULL, format('ALTER ROUTINE %s OWNER TO %I', name,
    pg_get_userbyid(proowner))
  FROM routines WHERE proowner <> (SELECT oid FROM pg_roles WHERE rolname = current_user)"""
PARTS = PARTS.replace("{role}", ROLE).replace("{option}", OPTION)
PARTS = PARTS.replace("{triggers}", TRIGGERS).replace("{rules}", RULES)
