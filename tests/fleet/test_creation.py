"""A new tenant has every kind of object; one that is removed takes nothing of others along."""

from tests.fleet.fleets import Fleet

RICH = (
    "CREATE DOMAIN email AS varchar(100) CHECK (VALUE LIKE '%@%')",
    "CREATE TYPE pair AS (a int, b email)",
    "CREATE TABLE contacts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mail email, p pair)",
    "COMMENT ON COLUMN contacts.mail IS 'public.email'",
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TRIGGER tr BEFORE INSERT ON contacts FOR EACH ROW EXECUTE FUNCTION touch()",
    "CREATE FUNCTION n() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM items'",
    "CREATE FUNCTION m() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT 1;"
    " SELECT CASE WHEN count(*) > 0 THEN 1 ELSE 0 END FROM items; END",
    "CREATE FUNCTION k(a order_state DEFAULT 'open') RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE VIEW v AS SELECT o.id FROM orders o JOIN shared.plans p ON p.id = o.plan_id"
    " WHERE o.state = 'paid'::order_state",
    "CREATE MATERIALIZED VIEW mv AS SELECT name FROM items",
    "CREATE MATERIALIZED VIEW of_mv AS SELECT name FROM mv",
    "CREATE MATERIALIZED VIEW empty AS SELECT name FROM items WITH NO DATA",
    "ALTER TABLE items ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY p ON items USING (id IN (SELECT item_id FROM orders))",
    "CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at)",
    "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
    "CREATE SEQUENCE numbers START 5",
    "CREATE TABLE uses (n int DEFAULT nextval('numbers'), s order_state[] DEFAULT '{open}')",
    "CREATE RULE r AS ON DELETE TO uses DO ALSO NOTIFY x",
    "CREATE STATISTICS st ON name, price FROM items",
)


def test_every_kind_of_object(fleet: Fleet) -> None:
    """Deployed to one tenant, created with the others, they are equal."""
    fleet.tenants(["t1"])
    fleet.revision("rich", "; ".join(f"op.execute({each!r})" for each in RICH))
    fleet.snapshot()
    fleet.run("deploy --no-backup --no-lint")
    for name in ("t2", 'we"ird.dots'):
        assert f"Created schema {name}" in fleet.run(f"create {name}")
    assert "None differs" in fleet.run("verify")
    facts = fleet.json("verify")
    assert [each["by_hand"] for each in facts["tenants"]] == [[], [], []]
    assert fleet.ask("SELECT t2.m(), (SELECT count(*) FROM t2.mv)") == [(0, 0)]
    fleet.ask("INSERT INTO t2.uses DEFAULT VALUES")
    assert fleet.ask("SELECT n FROM t2.uses") == [(5,)]


def test_what_others_have_is_not_dropped(fleet: Fleet) -> None:
    """CASCADE would take along a view over many tenants, without a word."""
    fleet.tenants(["t1", "t2"])
    fleet.ask(
        "CREATE VIEW shared.every AS SELECT name FROM t1.items UNION SELECT name FROM t2.items"
    )
    fleet.ask("CREATE FUNCTION shared.f(t1.order_state) RETURNS int LANGUAGE sql AS 'SELECT 1'")
    fleet.ask("CREATE TABLE shared.refers (id bigint REFERENCES t1.items (id))")
    said = fleet.run("drop t1 --yes", code=5)
    assert (
        "shared.every, shared.f(t1.order_state), shared.refers in another schema would go with t1"
        in said
    )
    assert "backup" not in said
    fleet.ask("DROP VIEW shared.every; DROP FUNCTION shared.f; DROP TABLE shared.refers")
    assert "Removed schema t1" in fleet.run("drop t1 --yes")


def test_create_sql_fails(fleet: Fleet) -> None:
    """Nothing of the tenant is left."""
    fleet.ask("ALTER TABLE shared.tenants ADD CHECK (name <> 't9')")
    assert "Nothing of it is left." in fleet.run("create t9", code=1)
    assert fleet.ask("SELECT count(*) FROM pg_namespace WHERE nspname = 't9'") == [(0,)]
    assert fleet.at() == {}
