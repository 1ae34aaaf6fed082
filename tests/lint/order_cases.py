"""Unsafe and safe revisions on the tables of a shop, by what has to be known to judge them.

`SCHEMA` was deployed long before; the tables have rows. A revision is an expand revision unless its
body begins with a phase. `ALONE` are the unsafe ones that lint has to find without a trial; what
the others do is decided by Python or by the rows.
"""

from __future__ import annotations

from tests.lint.catch_cases import BLOCK, Case

SCHEMA = r'''
op.execute("CREATE TYPE status AS ENUM ('new', 'paid', 'sent')")
op.execute("CREATE DOMAIN amount AS numeric(10, 2)")
op.create_table(
    "customers",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("email", sa.String(100), nullable=False, unique=True),
    sa.Column("ref", sa.Text()),
)
op.execute("""
CREATE TABLE orders (
    id serial PRIMARY KEY,
    customer_id bigint,
    status status NOT NULL DEFAULT 'new',
    total numeric(10, 2),
    note text,
    created timestamptz NOT NULL DEFAULT now(),
    code text NOT NULL,
    label varchar(40),
    fee numeric(8, 2),
    worth amount,
    CONSTRAINT ck_orders_fee CHECK (fee >= 0)
);
CREATE INDEX ix_orders_created ON orders (created);
CREATE UNIQUE INDEX ix_orders_code ON orders (code);
CREATE TABLE archive (LIKE orders INCLUDING ALL);
CREATE VIEW v_orders AS SELECT id, code FROM orders;
CREATE MATERIALIZED VIEW mv AS SELECT id, code FROM orders;
CREATE UNIQUE INDEX ix_mv ON mv (id);
CREATE SEQUENCE numbers;
CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER t_orders BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION trg();
CREATE TABLE leftovers (id int PRIMARY KEY, n int);
CREATE INDEX ix_leftovers_n ON leftovers (n);
""")
'''
CONTRACT = 'phase = "contract"\n'


def sql(*statements: str) -> str:
    """The body that executes these statements."""
    return "\n".join(f"op.execute({each!r})" for each in statements)


def apart(*statements: str) -> str:
    """Likewise, outside the transaction."""
    return BLOCK + "\n    ".join(f"op.execute({each!r})" for each in statements)


LOOK = "if not op.get_context().as_sql:\n    "
# What SQL or Python alone tells.
ALONE = {
    "limit off": [
        sql("SET LOCAL lock_timeout = 0", "ALTER TABLE orders ADD COLUMN x int"),
        sql("SET LOCAL lock_timeout TO DEFAULT", "ALTER TABLE orders ADD COLUMN x int"),
        sql("SELECT set_config('lock_timeout', '0', true)", "ALTER TABLE orders ADD x int"),
        sql("SELECT pg_catalog.set_config('Lock_Timeout', '0s', false)"),
        sql("RESET lock_timeout", "ALTER TABLE orders ADD COLUMN x int"),
        sql("SET lock_timeout = '10min'", "ALTER TABLE orders ADD x int", "RESET lock_timeout"),
        sql("DO $$BEGIN PERFORM set_config('lock_timeout', '0', true); END$$"),
        'op.get_bind().execute(sa.text("SET LOCAL lock_timeout = 0"))',
    ],
    "state left behind": [
        sql("SET search_path = other, public"),
        sql("SELECT set_config('search_path', '', false)"),
        sql("SET ROLE pg_read_all_data"),
        sql("SET SESSION session_replication_role = replica", "DELETE FROM orders WHERE id = 1"),
        sql("SET TIME ZONE 'UTC'"),
        sql("SELECT pg_advisory_lock(7)"),
    ],
    "own transaction": [
        "op.get_bind().commit()\n" + sql("ALTER TABLE orders ADD COLUMN x int"),
        sql("ALTER TABLE orders ADD COLUMN x int", "COMMIT"),
        sql("COMMIT; BEGIN", "ALTER TABLE orders ADD COLUMN x int"),
        "connection = op.get_bind()\nconnection.rollback()",
        sql("END"),
    ],
    "two tables": [
        sql("ALTER TABLE orders ADD x int", "ALTER TABLE customers ADD x int"),
        'op.add_column("orders", sa.Column("x", sa.Integer()))\n'
        'op.add_column("archive", sa.Column("x", sa.Integer()))',
        sql("DO $$BEGIN ALTER TABLE orders ADD x int; ALTER TABLE archive ADD x int; END$$"),
    ],
    "object dropped": [
        sql("DROP VIEW v_orders"),
        sql("DROP VIEW v_orders", "CREATE VIEW v_orders AS SELECT id FROM orders"),
        sql("DROP VIEW v_orders", "CREATE VIEW v_orders AS SELECT id, code AS c FROM orders"),
        sql("DROP VIEW v_orders", "CREATE VIEW v_orders (id, kode) AS SELECT id, code FROM orders"),
        sql(
            "DROP MATERIALIZED VIEW mv",
            "CREATE MATERIALIZED VIEW mv AS SELECT o.id FROM orders o UNION SELECT 1",
        ),
        sql("DROP FUNCTION trg() CASCADE"),
        sql("DROP TRIGGER t_orders ON orders"),
        sql("DROP MATERIALIZED VIEW mv"),
        sql("DROP SEQUENCE numbers"),
        sql("DROP DOMAIN amount CASCADE"),
        sql("DROP TYPE IF EXISTS status CASCADE"),
        sql("DROP EXTENSION IF EXISTS plpgsql CASCADE"),
        sql("DO $$BEGIN EXECUTE 'DROP VIEW ' || 'v_orders'; END$$"),
    ],
    "renamed": [
        sql("ALTER TYPE status RENAME TO order_status"),
        sql("ALTER FUNCTION trg() RENAME TO before_order"),
        sql("ALTER VIEW v_orders RENAME TO orders_view"),
        sql("ALTER SEQUENCE numbers RENAME TO counters"),
        sql("CREATE SCHEMA other", "ALTER FUNCTION trg() SET SCHEMA other"),
    ],
    "default or key": [
        sql("ALTER TABLE orders ALTER COLUMN created DROP DEFAULT"),
        sql("ALTER TABLE orders ALTER status DROP DEFAULT"),
        sql("ALTER TABLE leftovers DROP CONSTRAINT leftovers_pkey"),
        sql("ALTER TABLE customers DROP CONSTRAINT customers_email_key"),
    ],
    "access": [
        sql("ALTER TABLE orders ENABLE ROW LEVEL SECURITY"),
        sql("CREATE POLICY p ON orders AS RESTRICTIVE USING (id > 0)"),
        sql("REVOKE SELECT ON orders FROM PUBLIC"),
        sql("ALTER TABLE orders FORCE ROW LEVEL SECURITY"),
    ],
    "rule that old code breaks": [
        sql("ALTER TABLE orders ADD CONSTRAINT c CHECK (note IS NOT NULL) NOT VALID"),
        apart("CREATE UNIQUE INDEX CONCURRENTLY uq_note ON orders (note)"),
        sql(
            "ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (customer_id) REFERENCES customers"
            " NOT VALID"
        ),
        sql("ALTER DOMAIN amount ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID"),
        sql("ALTER TABLE orders ADD EXCLUDE USING btree (code WITH =)"),
    ],
    "all rows": [
        sql("INSERT INTO archive SELECT * FROM orders"),
        sql("SELECT * FROM orders FOR UPDATE"),
        sql("SELECT id FROM orders WHERE note IS NULL FOR SHARE"),
        sql("UPDATE orders SET note = c.ref FROM customers c WHERE c.id = orders.customer_id"),
        sql("UPDATE orders SET note = 'x' WHERE id IN (SELECT id FROM archive)"),
        sql("DELETE FROM archive WHERE id IN (SELECT id FROM orders WHERE note IS NULL)"),
        sql("DELETE FROM archive USING orders WHERE archive.id = orders.id"),
        sql("WITH o AS (SELECT id FROM orders) UPDATE archive SET note = '' FROM o"),
        sql("WITH gone AS (DELETE FROM archive RETURNING 1) SELECT count(*) FROM gone"),
        sql(
            "MERGE INTO archive a USING orders o ON a.id = o.id"
            " WHEN MATCHED THEN UPDATE SET note = o.note"
        ),
        sql("UPDATE orders SET note = 'x' WHERE EXISTS (SELECT 1 FROM customers)"),
        sql("UPDATE orders SET note = '' WHERE note IS NULL"),
        'op.get_bind().execute(sa.text("UPDATE orders SET note = :x"), {"x": "y"})',
        "orders = sa.table('orders', sa.column('note'))\n"
        "op.execute(orders.update().values(note=sa.null()).where(orders.c.note != 'x'))",
        sql("DO $$DECLARE r record; BEGIN UPDATE orders SET note = '' WHERE id > 0; END$$"),
        sql(
            "CREATE FUNCTION fill() RETURNS void LANGUAGE sql AS 'UPDATE orders SET note = code'",
            "SELECT fill()",
        ),
    ],
    "replaced by hand": [
        apart(
            "DROP INDEX CONCURRENTLY ix_orders_code",
            "CREATE UNIQUE INDEX CONCURRENTLY ix_orders_code ON orders (lower(code))",
        ),
        CONTRACT
        + apart(
            "ALTER TABLE orders DROP CONSTRAINT ck_orders_fee",
            "ALTER TABLE orders ADD CONSTRAINT ck_orders_fee CHECK (fee > 0) NOT VALID",
        ),
    ],
    "rewritten in place": [
        apart("VACUUM FULL orders"),
        apart("VACUUM (FULL, ANALYZE) orders"),
        apart("CLUSTER orders USING ix_orders_created"),
        sql("REINDEX TABLE orders"),
        sql("ALTER TABLE orders SET UNLOGGED"),
        sql("ALTER TABLE leftovers SET UNLOGGED"),
        sql("ALTER TABLE orders ALTER COLUMN fee TYPE numeric"),
        sql("REFRESH MATERIALIZED VIEW mv"),
        sql("ALTER TABLE orders ALTER COLUMN total TYPE numeric(12, 4)"),
        sql("ALTER TABLE orders ALTER COLUMN label TYPE varchar(20)"),
        sql("ALTER TABLE orders ALTER COLUMN note TYPE varchar(100)"),
        sql("ALTER TABLE orders ALTER COLUMN id TYPE bigint"),
        sql("ALTER TABLE orders ADD COLUMN u uuid DEFAULT gen_random_uuid()"),
        sql("ALTER TABLE orders ADD COLUMN n serial"),
        sql("ALTER TABLE orders ADD COLUMN g int GENERATED ALWAYS AS (id * 2) STORED"),
        sql("ALTER TABLE orders ADD x int", "SELECT count(*) FROM orders"),
    ],
    "past Alembic": [
        LOOK + 'op.get_bind().connection.cursor().execute("CREATE INDEX ix_n ON orders (note)")',
        "engine = sa.create_engine('postgresql://nowhere')",
        LOOK + 'op.get_bind().connection.driver_connection.execute("SELECT 1")',
        "import subprocess\nsubprocess.run(['true'])",
    ],
    "models": ["from app.models import user", "import app.models"],
}
# What only a trial sees.
TOGETHER = {
    "a loop in Python": [
        'rows = op.get_bind().execute(sa.text("SELECT id FROM orders")).scalars().all()\n'
        "for row in rows:\n"
        "    op.execute(f\"UPDATE orders SET note = 'x' WHERE id = {row}\")",
    ],
}
SAFE = {
    "widened": [
        sql("ALTER TABLE orders ALTER COLUMN label TYPE text"),
        sql("ALTER TABLE orders ALTER COLUMN label TYPE varchar(200)"),
        sql("ALTER TABLE orders ALTER COLUMN total TYPE numeric(12, 2)"),
        sql("ALTER TABLE orders ALTER COLUMN total TYPE numeric"),
        'op.alter_column("customers", "email", type_=sa.String(200))',
    ],
    "new column": [
        sql("ALTER TABLE orders ADD COLUMN x int"),
        sql("ALTER TABLE orders ADD COLUMN x int NOT NULL DEFAULT 0"),
        sql("ALTER TABLE orders ADD COLUMN x timestamptz NOT NULL DEFAULT now()"),
        sql("ALTER TABLE orders ADD COLUMN x jsonb NOT NULL DEFAULT '{}'::jsonb"),
        sql("ALTER TABLE orders ADD COLUMN x text[] DEFAULT ARRAY[]::text[]"),
        sql("ALTER TABLE orders ADD COLUMN x date DEFAULT CURRENT_DATE, ADD COLUMN y text"),
        sql("ALTER TABLE orders ADD COLUMN owner bigint REFERENCES customers"),
        "op.add_column('orders', sa.Column('x', sa.Boolean(), server_default=sa.false()))",
        sql("ALTER TABLE orders ADD COLUMN x int", "ALTER TABLE orders ALTER x SET DEFAULT 1"),
    ],
    "rows of one key": [
        'op.bulk_insert(sa.table("leftovers", sa.column("id", sa.Integer())),'
        ' [{"id": n} for n in range(900, 905)])',
        sql("INSERT INTO leftovers VALUES (901, 1), (902, 2)"),
        sql("UPDATE orders SET note = 'x' WHERE id = 1"),
        sql("UPDATE orders SET note = 'x' WHERE code = 'abc'"),
        sql("DELETE FROM leftovers WHERE id IN (1, 2, 3)"),
        sql("DELETE FROM customers WHERE email = 'a@b.example'"),
        sql("UPDATE orders SET note = 'x' WHERE id BETWEEN 1 AND 500"),
        sql("SELECT id FROM orders WHERE id = 1 FOR UPDATE"),
        sql(
            "INSERT INTO leftovers SELECT 905, 1 WHERE NOT EXISTS"
            " (SELECT 1 FROM leftovers WHERE id = 905)"
        ),
        sql("INSERT INTO leftovers VALUES (907, 1) ON CONFLICT DO NOTHING"),
        'op.get_bind().execute(sa.text("DELETE FROM leftovers WHERE id = :id"), {"id": 4})',
        "t = sa.table('orders', sa.column('id'), sa.column('note'))\n"
        "op.execute(t.update().where(t.c.id == 7).values(note='x'))",
    ],
    "new table": [
        sql(
            "CREATE TABLE items (id bigint PRIMARY KEY, order_id int REFERENCES orders)",
            "CREATE INDEX ix_items ON items (order_id)",
            "INSERT INTO items VALUES (1, NULL)",
            "DELETE FROM items",
            "ALTER TABLE items ALTER COLUMN order_id SET NOT NULL",
        ),
        sql("CREATE TABLE copy AS SELECT * FROM orders", "CREATE INDEX ix_copy ON copy (id)"),
        'op.create_table("one", sa.Column("id", sa.Integer(), primary_key=True))\n'
        'key = sa.Column("one_id", sa.Integer(), sa.ForeignKey("one.id"))\n'
        'op.create_table("two", key)\n'
        'op.create_index("ix_two", "two", ["one_id"])',
        sql("CREATE TYPE color AS ENUM ('red')", "CREATE TABLE paints (c color)"),
        sql("CREATE TABLE gone (id int)", "DROP TABLE gone"),
        sql("CREATE VIEW v2 AS SELECT id FROM orders", "DROP VIEW v2"),
        sql("CREATE TABLE a (LIKE orders INCLUDING ALL)", "INSERT INTO a SELECT * FROM a"),
        "kind = sa.Enum('a', 'b', name='kind')\nkind.create(op.get_bind(), checkfirst=True)\n"
        'op.add_column("orders", sa.Column("kind", kind))',
    ],
    "objects": [
        sql("CREATE OR REPLACE VIEW v_orders AS SELECT id, code, note FROM orders"),
        sql(
            "CREATE OR REPLACE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN RETURN NEW; END$$"
        ),
        sql("DROP VIEW v_orders", "CREATE VIEW v_orders AS SELECT id, code, note FROM orders"),
        sql("COMMENT ON TABLE orders IS 'what was bought'"),
        sql("GRANT SELECT ON orders TO PUBLIC"),
        sql("CREATE EXTENSION IF NOT EXISTS plpgsql"),
        sql("ALTER TYPE status ADD VALUE IF NOT EXISTS 'returned'"),
        sql("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM orders'"),
        sql("CREATE SEQUENCE more", "CREATE SCHEMA other", "CREATE DOMAIN d AS int"),
        sql("CREATE POLICY p ON orders USING (true)"),
    ],
    "without locks": [
        apart("CREATE INDEX CONCURRENTLY ix_n ON orders (note)"),
        apart("REFRESH MATERIALIZED VIEW CONCURRENTLY mv"),
        sql("REFRESH MATERIALIZED VIEW CONCURRENTLY mv"),
        apart("REINDEX TABLE CONCURRENTLY orders"),
        apart("ANALYZE orders"),
        apart("VACUUM orders"),
        sql("ALTER TABLE orders VALIDATE CONSTRAINT ck_orders_fee"),
        sql("ALTER TABLE orders ALTER COLUMN note SET STATISTICS 500"),
        sql("ALTER TABLE orders ALTER COLUMN total DROP NOT NULL"),
        "op.get_bind().commit()\n" + apart("CREATE INDEX CONCURRENTLY ix_n ON orders (note)"),
        sql("CREATE INDEX ix_mv_code ON mv (code)"),
    ],
    "session": [
        sql("SET LOCAL search_path = public"),
        sql("SET LOCAL statement_timeout = '5s'", "SET LOCAL lock_timeout = '2s'"),
        sql("SET search_path = public", "SELECT 1", "RESET search_path"),
        sql("SELECT set_config('work_mem', '8MB', true)"),
        sql("SELECT pg_advisory_xact_lock(7)"),
    ],
    "contract": [
        CONTRACT + sql("DROP INDEX ix_leftovers_n", "DROP TABLE leftovers"),
        CONTRACT + sql("ALTER TABLE orders DROP COLUMN note"),
        CONTRACT + sql("DROP VIEW v_orders"),
        CONTRACT + sql("ALTER TABLE orders ALTER COLUMN created DROP DEFAULT"),
        CONTRACT + sql("ALTER TABLE orders ADD CONSTRAINT c CHECK (note <> '') NOT VALID"),
        CONTRACT + apart("CREATE UNIQUE INDEX CONCURRENTLY uq_note ON orders (note)"),
    ],
}


def cases_of(kind: str, unsafe: bool, groups: dict[str, list[str]]) -> list[Case]:
    """Cases of these rows, whose names begin with `kind`."""
    found = []
    bodies = [(row, body) for row, some in groups.items() for body in some]
    for number, (row, body) in enumerate(bodies):
        phase = CONTRACT if body.startswith(CONTRACT) else 'phase = "expand"\n'
        found.append(Case(f"{kind}_{number}", row, unsafe, body.removeprefix(CONTRACT), phase))
    return found


def cases() -> list[Case]:
    """All of them, the unsafe ones first."""
    alone, together = cases_of("a", True, ALONE), cases_of("t", True, TOGETHER)
    return [*alone, *together, *cases_of("s", False, SAFE)]
