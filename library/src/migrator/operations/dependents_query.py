"""The query for what depends on columns, with the statements that drop it and make it again."""

from migrator.operations import dependents_parts

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
    AND r.rulename = '_RETURN'
  UNION
  SELECT r.ev_class, s.depth + 1
  FROM steps s
  JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.view
    AND d.classid = 'pg_rewrite'::regclass
  JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> s.view
    AND r.rulename = '_RETURN'
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
), ruled AS (
  SELECT r.*, r.ev_class::regclass AS name FROM pg_rewrite r
  WHERE r.rulename <> '_RETURN' AND (r.ev_class IN (SELECT oid FROM views) OR r.oid IN (
    SELECT objid FROM used WHERE classid = 'pg_rewrite'::regclass
    UNION SELECT d.objid FROM pg_depend d JOIN views ON d.refobjid = views.oid
      AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass))
), routines AS (
  SELECT p.*, p.oid::regprocedure AS name FROM pg_proc p
  WHERE p.oid IN (
    SELECT objid FROM used WHERE classid = 'pg_proc'::regclass
    UNION SELECT d.objid FROM pg_depend d JOIN views ON d.refobjid = views.oid
      AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_proc'::regclass)
), told AS (
  SELECT DISTINCT ON (t.oid) t.*, t.tgrelid::regclass AS name
  FROM pg_trigger t
  WHERE NOT t.tgisinternal AND (t.tgrelid IN (SELECT oid FROM views) OR t.oid IN (
    SELECT objid FROM used WHERE classid = 'pg_trigger'::regclass))
)"""
QUERY = f"WITH RECURSIVE {COLUMNS}{VIEWS}{dependents_parts.PARTS}"
