"""Unsafe and safe revisions on the tables of a service for devices, in other spellings.

The names say what each is about.
"""

# ruff: noqa: E501 - one statement a line

from tests.lint.catch_cases import BLOCK, Case
from tests.lint.order_cases import cases_of

SCHEMA = r'''
op.execute("""
CREATE SCHEMA "Ops";
CREATE TYPE "Ops".state AS ENUM ('queued', 'running', 'done');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN label AS text;
CREATE TABLE tenants (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, plan varchar(20) NOT NULL DEFAULT 'free', CONSTRAINT uq_tenants_name UNIQUE (name));
CREATE TABLE "Ops".jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants,
    state "Ops".state NOT NULL DEFAULT 'queued',
    payload json,
    attempts smallint NOT NULL DEFAULT 0,
    run_at timestamptz NOT NULL DEFAULT now(),
    "lockedBy" text
);
CREATE INDEX ix_jobs_run_at ON "Ops".jobs (run_at);
CREATE TABLE devices (serial_no char(12) PRIMARY KEY, tenant_id uuid, model varchar(30) NOT NULL, weight numeric(6,2), installed date, lastseen timestamp);
CREATE INDEX ix_devices_model ON devices (model);
CREATE TABLE readings (device char(12) NOT NULL, at timestamptz NOT NULL, value real) PARTITION BY RANGE (at);
CREATE TABLE readings_a PARTITION OF readings FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE readings_rest PARTITION OF readings DEFAULT;
CREATE TABLE spare (id int, note text);
CREATE TABLE flags (name text PRIMARY KEY, is_on boolean NOT NULL DEFAULT false);
CREATE VIEW running AS SELECT id, tenant_id FROM "Ops".jobs WHERE state = 'running';
CREATE MATERIALIZED VIEW per_model AS SELECT model, count(*) AS n FROM devices GROUP BY model;
CREATE UNIQUE INDEX ux_per_model ON per_model (model);
CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON devices FOR EACH ROW EXECUTE FUNCTION guard();
CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  /* frozen */ RAISE SQLSTATE '45000' USING MESSAGE = 'frozen';
END$$;
""")
'''
UNSAFE = {
    "lasting setting in one database": [
        'op.execute("ALTER ROLE SESSION_USER IN DATABASE postgres SET statement_timeout = 0")'
    ],
    "lasting reset": ['op.execute("ALTER ROLE ALL RESET ALL")'],
    "database closed": ['op.execute("ALTER DATABASE postgres WITH CONNECTION LIMIT 3")'],
    "trigger refuses, created or replaced": [
        'op.execute("CREATE OR REPLACE TRIGGER frozen AFTER DELETE ON tenants FOR EACH ROW EXECUTE FUNCTION never()")'
    ],
    "guard now drops rows": [
        'op.execute("""CREATE OR REPLACE FUNCTION public.guard() RETURNS trigger AS $x$\nDECLARE n int := 0;\nBEGIN\n    IF NEW.weight > 900 THEN return null; END IF;\n    RETURN NEW;\nEND $x$ LANGUAGE \'plpgsql\'""")'
    ],
    "trigger through a DO": [
        "op.execute(\"DO $$BEGIN EXECUTE 'CREATE TRIGGER t9 BEFORE TRUNCATE ON devices EXECUTE FUNCTION never()'; END$$\")"
    ],
    "view's table gets a rule": [
        "op.execute(\"CREATE OR REPLACE RULE keep AS ON DELETE TO tenants DO INSTEAD UPDATE tenants SET plan = 'gone' WHERE id = OLD.id\")"
    ],
    "thousands by execute with a list": [
        'rows = [{"i": n, "n": "x"} for n in range(2500)]\nop.get_bind().execute(sa.text("INSERT INTO spare (id, note) VALUES (:i, :n)"), rows)'
    ],
    "thousands of deletes by key": [
        'for n in range(0, 1500):\n    op.get_bind().execute(sa.text("DELETE FROM flags WHERE name = :n"), {"n": f"flag-{n}"})'
    ],
    "quoted identity restarts": [
        'op.execute(\'ALTER TABLE "Ops".jobs ALTER COLUMN "id" RESTART WITH 1\')'
    ],
    "identity on an old column": [
        'op.execute("ALTER TABLE spare ALTER id SET NOT NULL, ALTER id ADD GENERATED ALWAYS AS IDENTITY (INCREMENT BY 2)")'
    ],
    "domain with a check on a new column": [
        'op.add_column("devices", sa.Column("slots", sa.Integer()))\nop.execute("ALTER TABLE \\"Ops\\".jobs ADD COLUMN priority public.positive")'
    ],
    "partition beside a default one": [
        'op.execute("""CREATE TABLE readings_b PARTITION OF readings\n  FOR VALUES FROM (\'2026-07-01\') TO (\'2027-01-01\')""")'
    ],
    "unique by an inline column": [
        "op.execute('ALTER TABLE devices ADD COLUMN \"imei\" text UNIQUE')"
    ],
    "char to text": ['op.execute("ALTER TABLE devices ALTER COLUMN serial_no TYPE text")'],
    "value added and cast": [
        "op.execute(\"ALTER TYPE \\\"Ops\\\".state ADD VALUE 'failed' BEFORE 'done'; UPDATE \\\"Ops\\\".jobs SET state = 'failed' WHERE id = 1\")"
    ],
    "VACUUM FULL by an option": [BLOCK + 'op.execute("VACUUM (VERBOSE, FULL on) devices")'],
    "reindex of a schema in a transaction": ['op.execute("REINDEX SCHEMA CONCURRENTLY public")'],
    "published without a key": [
        'op.execute("ALTER TABLE spare REPLICA IDENTITY DEFAULT; CREATE PUBLICATION p1 FOR ALL TABLES")'
    ],
    "triggers off while rows are deleted": [
        "op.execute(\"ALTER TABLE tenants DISABLE TRIGGER ALL; DELETE FROM tenants WHERE name = 'x'; ALTER TABLE tenants ENABLE TRIGGER ALL\")"
    ],
    "waits for another system": [
        'import urllib.request\nop.add_column("devices", sa.Column("x", sa.Integer()))\ntry:\n    urllib.request.urlopen("http://127.0.0.1:9/", timeout=0.1)\nexcept OSError:\n    pass'
    ],
    "type of a view's column by drop of the view": [
        'op.execute("DROP VIEW IF EXISTS running; CREATE VIEW running AS SELECT id FROM \\"Ops\\".jobs")'
    ],
    "a column that a materialized view reads": [
        'with op.batch_alter_table("devices") as b:\n    b.alter_column("model", existing_type=sa.String(30), type_=sa.String(60))'
    ],
}
UNSAFE_WITH_TRIAL = {
    "rows of a session changed": [
        'from sqlalchemy.orm import Session, declarative_base\nBase = declarative_base()\nclass Device(Base):\n    __tablename__ = "devices"\n    serial_no = sa.Column(sa.String, primary_key=True)\n    model = sa.Column(sa.String)\nwith Session(op.get_bind()) as session:\n    for device in session.scalars(sa.select(Device)):\n        device.model = device.model.upper()\n    session.flush()'
    ],
}
SAFE = {
    "settings of a transaction by set_config": [
        "op.execute(\"SELECT set_config('statement_timeout', '15s', true), set_config('lock_timeout', '2s', true)\")"
    ],
    "own role": [
        'op.execute("CREATE ROLE ops_reader; ALTER ROLE ops_reader SET default_transaction_read_only = on; ALTER ROLE ops_reader NOLOGIN")'
    ],
    "trigger warns only": [
        'op.execute("""CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.model = \'\' THEN RAISE WARNING \'empty: RAISE EXCEPTION\'; END IF; RETURN NEW; END $$""")\nop.execute("CREATE TRIGGER warn BEFORE INSERT ON devices FOR EACH ROW EXECUTE FUNCTION warn()")'
    ],
    "trigger fills what is NULL": [
        'op.execute("""CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.lastseen IS NULL THEN NEW.lastseen = NEW.installed; END IF; NEW.weight := COALESCE(NEW.weight, 0); RETURN NEW; END $$;\nCREATE TRIGGER fill BEFORE INSERT ON devices FOR EACH ROW EXECUTE FUNCTION fill();""")'
    ],
    "guard of a trigger made again": [
        'op.execute("DROP TRIGGER guard ON devices; CREATE TRIGGER guard BEFORE INSERT OR UPDATE OF model ON devices FOR EACH ROW EXECUTE FUNCTION guard()")'
    ],
    "instead of trigger on a view": [
        'op.execute("CREATE TRIGGER through INSTEAD OF DELETE ON running FOR EACH ROW EXECUTE FUNCTION never()")'
    ],
    "some hundred rows": [
        'op.bulk_insert(sa.table("flags", sa.column("name")), [{"name": f"n{n}"} for n in range(300)])'
    ],
    "keys from a tuple": [
        'for name in ("a", "b", "c"):\n    op.get_bind().execute(sa.text("UPDATE flags SET is_on = true WHERE name = :n"), dict(n=name))'
    ],
    "identity of a new column": [
        'op.execute("CREATE TABLE fresh (a int)")\nop.execute("ALTER TABLE fresh ALTER a SET NOT NULL")\nop.execute("ALTER TABLE fresh ALTER a ADD GENERATED BY DEFAULT AS IDENTITY")'
    ],
    "identity goes on": [
        'op.execute("ALTER TABLE \\"Ops\\".jobs ALTER COLUMN id RESTART WITH 900000")'
    ],
    "domain without a check": ['op.execute("ALTER TABLE devices ADD COLUMN nickname label")'],
    "publication of inserts": [
        "op.execute(\"CREATE PUBLICATION p2 FOR TABLE spare WITH (publish = 'insert')\")"
    ],
    "pause between batches": [
        "import time\nbind = op.get_bind()\n"
        + BLOCK
        + 'for _ in range(2):\n        op.execute("UPDATE devices SET model = lower(model) WHERE serial_no IN (SELECT serial_no FROM devices WHERE model <> lower(model) LIMIT 100)")\n        time.sleep(0.01)'
    ],
    "vacuum with options off": [BLOCK + 'op.execute("VACUUM (FULL off, FREEZE) devices")'],
    "value for later": [
        'op.execute("ALTER TYPE \\"Ops\\".state ADD VALUE \'paused\'")\nop.add_column("jobs", sa.Column("paused_at", sa.DateTime(timezone=True)), schema="Ops")'
    ],
    "index by its own operation style": [
        BLOCK
        + 'op.create_index("ix_jobs_locked", "jobs", ["lockedBy"], schema="Ops", postgresql_concurrently=True, postgresql_where=sa.text(\'"lockedBy" IS NOT NULL\'))'
    ],
    "view extended": [
        'op.execute("CREATE OR REPLACE VIEW running (id, tenant_id, run_at) AS SELECT id, tenant_id, run_at FROM \\"Ops\\".jobs WHERE state = \'running\'")'
    ],
    "small rewrite of comments and grants": [
        "op.execute(\"COMMENT ON VIEW running IS 'LOCK TABLE devices'; GRANT SELECT ON running TO PUBLIC; ALTER TABLE devices ALTER weight SET DEFAULT 0\")"
    ],
}
SAFE_WITH_TRIAL = {
    "one tenant of a key": [
        'bind = op.get_bind()\nfor (key,) in bind.execute(sa.text("SELECT id FROM tenants WHERE name = :n"), {"n": "acme"}).all():\n    bind.execute(sa.text("UPDATE tenants SET plan = \'gold\' WHERE id = :i"), {"i": key})'
    ],
}


def alone() -> list[Case]:
    """Those that SQL and Python decide."""
    return [*cases_of("du", True, UNSAFE), *cases_of("ds", False, SAFE)]


def together() -> list[Case]:
    """Those that need a trial, because Python reads from the database."""
    unsafe = cases_of("dtu", True, UNSAFE_WITH_TRIAL)
    return [*unsafe, *cases_of("dts", False, SAFE_WITH_TRIAL)]
