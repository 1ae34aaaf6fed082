"""The unsafe forms that lint and trace have to catch, each beside its safe counterpart.

A case is the body of `upgrade()`. `SCHEMA` is what was deployed long before; everything in it has
rows, as far as the trace can make them.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

REVISION = '''"""{doc}"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down!r}
branch_labels = None
depends_on = None
{more}

def upgrade() -> None:
{body}


def downgrade() -> None:
    pass
'''

SCHEMA = r'''
op.execute("CREATE TYPE mood AS ENUM ('happy', 'it''s sad')")
op.execute("CREATE DOMAIN percentage AS integer CHECK (VALUE BETWEEN 0 AND 100)")
op.execute('CREATE SCHEMA "Odd Schema"')
op.create_table(
    "teams",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False, unique=True),
)
op.create_table(
    "users",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("email", sa.String(200), nullable=False, unique=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("nick", sa.String(200)),
    sa.Column("age", sa.Integer()),
    sa.Column("team_id", sa.BigInteger()),
    sa.Column("boss_id", sa.BigInteger(), index=True),
    sa.Column("joined", sa.DateTime()),
    sa.Column("code", sa.String(20), nullable=False),
    sa.CheckConstraint("age >= 18 AND age < 150", name="ck_users_age"),
)
op.execute("ALTER TABLE users ADD COLUMN shout text GENERATED ALWAYS AS (upper(name)) STORED")
op.execute("ALTER TABLE users ADD COLUMN mood mood NOT NULL DEFAULT 'happy'")
op.execute("ALTER TABLE users ADD COLUMN done percentage NOT NULL DEFAULT 50")
op.create_index("ix_users_nick", "users", ["nick"])
op.create_table(
    "Odd Table",
    sa.Column("Odd Id", sa.Uuid(), primary_key=True),
    sa.Column("a b", sa.Integer(), nullable=False),
    sa.Column("tags", sa.ARRAY(sa.Text()), nullable=False),
    schema="Odd Schema",
)
op.execute("""
CREATE TABLE events (id bigint NOT NULL, at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
""")
op.create_table("leftovers", sa.Column("id", sa.Integer(), primary_key=True))
op.execute("""
CREATE TABLE keyless (a bigint, b bigint);
CREATE TABLE notes (id serial PRIMARY KEY);
CREATE TABLE events_0 (LIKE events);
CREATE FUNCTION rename_all() RETURNS void LANGUAGE sql AS 'UPDATE users SET nick = name';
""")
'''


@dataclass(frozen=True)
class Case:
    """One revision. `row` is its unsafe form in the matrix; `unsafe` whether it has to be caught.

    `main` is true for the pair that the README's matrix counts; the others are variations.
    """

    name: str
    row: str
    unsafe: bool
    body: str
    more: str = ""
    main: bool = False

    def text(self, down: str | None) -> str:
        """The revision's file; `down` is the revision before it."""
        body = textwrap.indent(textwrap.dedent(self.body).strip("\n"), "    ")
        return REVISION.format(
            doc=self.name, revision=self.name, down=down, body=body, more=self.more
        )


ROWS = {
    "add NOT NULL column": "required",
    "add index": "index",
    "rename column": "rename_column",
    "drop column": "drop_column",
    "change type": "type",
    "add foreign key": "fk",
    "add check": "check",
    "add unique": "unique",
    "volatile default": "volatile",
    "LOCK, TRUNCATE": "lock",
    "set NOT NULL": "not_null",
    "drop table": "drop_table",
    "rename table": "rename_table",
    "bulk UPDATE": "bulk",
    "raw SQL index": "raw",
    "batch_alter_table": "batch",
    "CONCURRENTLY in a transaction": "transaction",
}
BLOCK = "with op.get_context().autocommit_block():\n    "
ORM = """
from sqlalchemy.orm import Session, declarative_base
class User(declarative_base()):
    __tablename__ = "users"
    id = sa.Column(sa.BigInteger, primary_key=True)
    name = sa.Column(sa.Text)
    nick = sa.Column(sa.Text)
session = Session(bind=op.get_bind())
"""
ONLINE = "if not op.get_context().as_sql:\n    "
CONTRACT = 'phase = "contract"\n'
# For each row the main pair first: unsafe, safe.
UNSAFE = {
    "add NOT NULL column": [
        'op.add_column("users", sa.Column("city", sa.Text(), nullable=False))',
        'op.add_column("Odd Table", sa.Column("c", sa.Integer(), nullable=False), '
        'schema="Odd Schema")',
        'op.execute("ALTER TABLE events ADD COLUMN n integer NOT NULL")',
    ],
    "add index": [
        'op.create_index("ix_users_name", "users", ["name"])',
        'op.create_index("ix_two", "users", ["name", "age"], unique=True)',
        'op.create_index("ix_part", "users", ["age"], postgresql_where=sa.text("age > 20"))',
        'op.create_index("ix_expr", "users", [sa.text("lower(email)")])',
        'op.create_index("Odd Index", "Odd Table", ["a b"], schema="Odd Schema")',
        'op.create_index("ix_events_what", "events", ["what"])',
    ],
    "rename column": [
        'op.alter_column("users", "nick", new_column_name="alias")',
        'op.alter_column("Odd Table", "a b", new_column_name="B", schema="Odd Schema")',
        'op.execute("DO $$BEGIN ALTER TABLE users RENAME COLUMN nick TO alias; '
        'EXCEPTION WHEN undefined_column THEN NULL; END$$")',
        "op.execute(\"DO $$BEGIN EXECUTE format('ALTER TABLE %I RENAME nick TO alias', 'users'); "
        'END$$")',
        "op.execute(\"ALTER TYPE mood RENAME VALUE 'happy' TO 'glad'\")",
    ],
    "drop column": [
        'op.drop_column("users", "nick")',
        'op.drop_column("Odd Table", "tags", schema="Odd Schema")',
        f'{ONLINE}op.drop_column("users", "nick")',
        'op.execute("CREATE TABLE IF NOT EXISTS users (id bigint)")\n'
        'op.drop_column("users", "nick")',
    ],
    "change type": [
        'op.alter_column("users", "age", type_=sa.BigInteger())',
        'op.alter_column("users", "name", type_=sa.String(100))',
        'op.execute("ALTER TABLE users ALTER COLUMN mood DROP DEFAULT, '
        'ALTER COLUMN mood TYPE text")',
        'op.execute("ALTER TABLE events ALTER COLUMN id TYPE numeric")',
        'op.alter_column("users", "joined", type_=sa.DateTime(timezone=True))',
    ],
    "add foreign key": [
        'op.create_foreign_key("fk_users_team", "users", "teams", ["team_id"], ["id"])',
        'op.add_column("Odd Table", sa.Column("team", sa.BigInteger()), schema="Odd Schema")\n'
        'op.create_foreign_key("fk_odd", "Odd Table", "teams", ["team"], ["id"], '
        'source_schema="Odd Schema")',
        "op.execute('ALTER TABLE users ADD CONSTRAINT fk FOREIGN KEY (team_id) REFERENCES teams "
        "NOT VALID')\nop.execute('ALTER TABLE users VALIDATE CONSTRAINT fk')",
        # Behind an index: PostgreSQL may read that, and no scan is counted.
        'op.create_foreign_key("fk_users_boss", "users", "users", ["boss_id"], ["id"])',
        "op.execute('ALTER TABLE users ADD CONSTRAINT fk FOREIGN KEY (boss_id) REFERENCES teams "
        "NOT VALID')\nop.execute('ALTER TABLE users VALIDATE CONSTRAINT fk')",
        'op.execute("ALTER TABLE users ADD COLUMN owner bigint DEFAULT 1 REFERENCES teams")',
    ],
    "add check": [
        'op.create_check_constraint("ck_users_name", "users", "length(name) > 0")',
        'op.create_check_constraint("Odd Check", "Odd Table", \'"a b" < 1000\', '
        'schema="Odd Schema")',
        'op.execute("ALTER DOMAIN percentage ADD CONSTRAINT even CHECK (VALUE < 101)")',
        "op.execute('ALTER TABLE users ADD CONSTRAINT ck CHECK (age > 1) NOT VALID')\n"
        "op.execute('ALTER TABLE users VALIDATE CONSTRAINT ck')",
        "op.execute(\"ALTER TABLE events ATTACH PARTITION events_0 FOR VALUES FROM ('2025-01-01') "
        "TO ('2026-01-01')\")",
    ],
    "add unique": [
        'op.create_unique_constraint("uq_users_code", "users", ["code"])',
        'op.create_unique_constraint("uq_odd", "Odd Table", ["Odd Id", "a b"], '
        'schema="Odd Schema")',
    ],
    "volatile default": [
        'op.add_column("users", sa.Column("token", sa.Uuid(), '
        'server_default=sa.text("gen_random_uuid()")))',
        'op.add_column("users", sa.Column("seen", sa.DateTime(), '
        "server_default=sa.func.clock_timestamp()))",
        'op.add_column("users", sa.Column("twice", sa.Integer(), '
        'sa.Computed("age * 2", persisted=True)))',
    ],
    "LOCK, TRUNCATE": [
        'op.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")',
        'op.execute("TRUNCATE leftovers")',
        'op.execute(\'LOCK "Odd Schema"."Odd Table" IN SHARE MODE\')',
        "op.execute('TRUNCATE TABLE users, leftovers RESTART IDENTITY')",
    ],
    "set NOT NULL": [
        'op.alter_column("users", "age", nullable=False)',
        'op.execute("ALTER TABLE events ALTER COLUMN what SET NOT NULL")',
        f"{BLOCK}op.execute('CREATE UNIQUE INDEX CONCURRENTLY k ON keyless (a, b)')\n"
        'op.execute("ALTER TABLE keyless ADD CONSTRAINT k PRIMARY KEY USING INDEX k")',
        # What is dropped is dropped first.
        "op.execute('ALTER TABLE users ADD CONSTRAINT nn CHECK (team_id IS NOT NULL) NOT VALID')\n"
        f"{BLOCK}op.execute('ALTER TABLE users VALIDATE CONSTRAINT nn')\n"
        'op.execute("ALTER TABLE users ALTER team_id SET NOT NULL, DROP CONSTRAINT nn")',
    ],
    "drop table": [
        'op.drop_table("leftovers")',
        'op.drop_table("Odd Table", schema="Odd Schema")',
        f'{ONLINE}op.drop_table("leftovers")',
        "op.execute('DROP SCHEMA \"Odd Schema\" CASCADE')",
    ],
    "rename table": [
        'op.rename_table("leftovers", "remains")',
        'op.rename_table("Odd Table", "Table", schema="Odd Schema")',
        "op.execute('ALTER TABLE users SET SCHEMA \"Odd Schema\"')",
        "op.execute('ALTER SCHEMA \"Odd Schema\" RENAME TO odd')",
    ],
    "bulk UPDATE": [
        "op.execute(\"UPDATE users SET nick = 'x'\")",
        'op.execute("UPDATE users SET nick = name WHERE age IS NULL")',
        "op.execute(sa.table('users', sa.column('nick')).update().values(nick='x'))",
        "op.execute('DELETE FROM leftovers')",
        "op.execute(\"UPDATE users SET nick = 'x' WHERE boss_id IS NOT NULL\")",
        "op.execute('DELETE FROM users WHERE id > 0')",
        "op.execute(\"DO $$BEGIN UPDATE users SET nick = 'x' WHERE id > 0; END$$\")",
        "op.execute(\"SET LOCAL work_mem = '8MB'; UPDATE users SET nick = 'x' WHERE id > 0\")",
        "from sqlalchemy.orm import Session\nsession = Session(bind=op.get_bind())\n"
        "session.execute(sa.text(\"UPDATE users SET nick = 'x' WHERE age > 20\"))\n"
        "session.commit()",
        # What is written may be what is there, in our rows.
        f"{ORM}for user in session.query(User).all():\n    user.nick = user.name.lower()\n"
        "session.commit()",
        f"{ORM}session.query(User).filter(User.nick.is_(None)).update({{User.nick: ''}})",
        'bind = op.get_bind()\nrows = bind.execute(sa.text("SELECT id FROM users")).fetchall()\n'
        'bind.execute(sa.text("UPDATE users SET nick = name WHERE id = :id"), '
        '[{"id": row.id} for row in rows])',
        "for start in range(0, 100_000, 5_000):\n"
        "    op.execute(f\"UPDATE users SET nick = 'x' WHERE id >= {start} "
        'AND id < {start + 5_000}")',
        "op.execute('WITH u AS (SELECT id FROM users) INSERT INTO leftovers SELECT id FROM u')",
        "op.execute('INSERT INTO leftovers SELECT g FROM generate_series(1000, 100000) AS g')",
        'op.execute("DO $$BEGIN LOOP UPDATE users SET nick = name WHERE id IN (SELECT id FROM '
        'users WHERE nick IS NULL LIMIT 500); EXIT WHEN NOT FOUND; END LOOP; END$$")',
        'op.execute("DO $$DECLARE c CURSOR FOR SELECT * FROM users; r record; BEGIN FOR r IN c '
        "LOOP UPDATE users SET nick = 'q' WHERE CURRENT OF c; END LOOP; END$$\")",
        'op.execute("SELECT rename_all()")',
    ],
    "raw SQL index": [
        'op.execute("CREATE INDEX ix_raw ON users (age)")',
        'op.execute("/* fast */ create unique index ix_raw on only public.users '
        'using btree (code) where age > 3; SELECT 1")',
        'op.execute(\'CREATE INDEX ON "Odd Schema"."Odd Table" ("a b")\')',
    ],
    "batch_alter_table": [
        'with op.batch_alter_table("users") as batch:\n'
        '    batch.add_column(sa.Column("city", sa.Text(), nullable=False))\n'
        '    batch.create_index("ix_users_age", ["age"])',
        'with op.batch_alter_table("Odd Table", schema="Odd Schema") as batch:\n'
        '    batch.alter_column("a b", type_=sa.BigInteger())',
        'with op.batch_alter_table("users") as batch:\n'
        '    batch.create_foreign_key("fk_users_team", "teams", ["team_id"], ["id"])',
    ],
    "CONCURRENTLY in a transaction": [
        'op.create_index("ix_users_name", "users", ["name"], postgresql_concurrently=True)',
        'op.execute("CREATE INDEX CONCURRENTLY ix_raw ON users (age)")',
        'op.drop_index("ix_users_nick", "users", postgresql_concurrently=True)',
    ],
}
SAFE = {
    "add NOT NULL column": [
        'op.add_column("users", sa.Column("city", sa.Text(), nullable=False, server_default=""))',
        'op.add_column("users", sa.Column("city", sa.Text()))',
        'op.create_table("shops", sa.Column("id", sa.Integer()))\n'
        'op.add_column("shops", sa.Column("city", sa.Text(), nullable=False))',
    ],
    "add index": [
        f'{BLOCK}op.create_index(\n        "ix_users_name", "users", ["name"], '
        "postgresql_concurrently=True, if_not_exists=True\n    )",
        'op.create_table("shops", sa.Column("id", sa.Integer()))\n'
        'op.create_index("ix_shops", "shops", ["id"])',
        'op.execute(\'CREATE TABLE "Odd Schema"."Shops" (id int)\')\n'
        'op.create_index("ix_shops", "Shops", ["id"], schema="Odd Schema")\n'
        'op.drop_index("ix_shops", schema="Odd Schema")',
        'op.execute("CREATE TABLE IF NOT EXISTS shops (id int)")\n'
        'op.create_index("ix_shops", "shops", ["id"])',
        'op.execute("CREATE INDEX ix_events ON ONLY events (what)")',
        'if "users" in sa.inspect(op.get_bind()).get_table_names():\n'
        "    with op.get_context().autocommit_block():\n"
        '        op.create_index("ix_a", "users", ["age"], postgresql_concurrently=True)',
    ],
    "rename column": [
        'op.add_column("users", sa.Column("alias", sa.String(200)))',
        'op.create_table("shops", sa.Column("id", sa.Integer()))\n'
        'op.alter_column("shops", "id", new_column_name="number")',
    ],
    "drop column": ['op.drop_column("users", "nick")'],
    "change type": [
        'op.alter_column("users", "nick", type_=sa.Text())',
        'op.alter_column("users", "nick", type_=sa.String(300))',
        'op.execute("ALTER TABLE users ALTER COLUMN nick SET DATA TYPE varchar")',
        "op.execute(\"SET LOCAL timezone = 'UTC'\")\n"
        'op.alter_column("users", "joined", type_=sa.DateTime(timezone=True))',
    ],
    "add foreign key": [
        "op.execute('ALTER TABLE users ADD CONSTRAINT fk FOREIGN KEY (team_id) REFERENCES teams "
        f"NOT VALID')\n{BLOCK}op.execute('ALTER TABLE users VALIDATE CONSTRAINT fk')",
        'op.create_table("shops", sa.Column("team", sa.BigInteger(), sa.ForeignKey("teams.id")))',
        'op.execute("ALTER TABLE users ADD COLUMN owner bigint REFERENCES teams")',
    ],
    "add check": [
        "op.execute('ALTER TABLE users ADD CONSTRAINT ck CHECK (age > 1) NOT VALID')\n"
        f"{BLOCK}op.execute('ALTER TABLE users VALIDATE CONSTRAINT ck')",
    ],
    "add unique": [
        f"{BLOCK}op.execute('CREATE UNIQUE INDEX CONCURRENTLY uq_users_code ON users (code)')\n"
        "op.execute('ALTER TABLE users ADD CONSTRAINT uq_users_code UNIQUE USING INDEX "
        "uq_users_code')",
    ],
    "volatile default": [
        'op.add_column("users", sa.Column("token", sa.Uuid()))\n'
        'op.alter_column("users", "token", server_default=sa.text("gen_random_uuid()"))',
        'op.add_column("users", sa.Column("seen", sa.DateTime(), server_default=sa.func.now()))',
    ],
    "LOCK, TRUNCATE": [
        'op.execute("SELECT pg_advisory_xact_lock(7)")',
        'op.create_table("shops", sa.Column("id", sa.Integer()))\nop.execute("TRUNCATE shops")\n'
        'op.execute("LOCK TABLE shops")',
        'op.execute("LOCK TABLE users IN ROW EXCLUSIVE MODE")',
    ],
    "set NOT NULL": [
        "op.execute('ALTER TABLE users ADD CONSTRAINT nn CHECK (team_id IS NOT NULL) NOT VALID')\n"
        f"{BLOCK}op.execute('ALTER TABLE users VALIDATE CONSTRAINT nn')\n"
        'op.alter_column("users", "team_id", nullable=False)\n'
        'op.drop_constraint("nn", "users")',
        "op.execute('ALTER TABLE users ADD CONSTRAINT nn CHECK (team_id IS NOT NULL) NOT VALID')\n"
        "op.execute('ALTER TABLE users RENAME CONSTRAINT nn TO team')\n"
        f"{BLOCK}op.execute('ALTER TABLE users VALIDATE CONSTRAINT team')\n"
        'op.alter_column("users", "team_id", nullable=False)',
    ],
    "drop table": ['op.drop_table("leftovers")'],
    "rename table": [
        'op.create_table("shops", sa.Column("id", sa.Integer()))\n'
        'op.rename_table("shops", "stores")\nop.create_index("ix", "stores", ["id"])',
    ],
    "bulk UPDATE": [
        f"{BLOCK}for start in range(0, 10, 2):\n"
        "        op.execute(f\"UPDATE users SET nick = 'x' WHERE id > {start} "
        'AND id <= {start + 2}")',
        "op.execute(\"UPDATE users SET nick = 'x' WHERE id = 1\")",
        "op.execute(\"UPDATE users SET nick = 'x' WHERE id BETWEEN 1 AND 5000\")",
        # What `--sql` writes for a backfill.
        f'{BLOCK}op.execute("DO $$DECLARE last bigint := 0; BEGIN LOOP '
        "UPDATE users SET nick = 'x' WHERE id > last AND id <= last + 5000; COMMIT; "
        'last := last + 5000; EXIT WHEN last > 30000; END LOOP; END$$")',
        f"{BLOCK}for _ in range(2):\n        op.execute(\"UPDATE users SET nick = '' WHERE id IN "
        '(SELECT id FROM users WHERE nick IS NULL LIMIT 1000)")',
        f'{BLOCK}op.execute("WITH b AS (SELECT id FROM users WHERE nick IS NULL LIMIT 500 FOR '
        'UPDATE SKIP LOCKED) UPDATE users SET nick = name FROM b WHERE users.id = b.id")',
        f"{BLOCK}op.execute('DELETE FROM users u USING (SELECT id FROM users LIMIT 500) AS b "
        "WHERE u.id = b.id')",
        "for key in (1, 2):\n    op.execute(f\"UPDATE users SET nick = 'x' WHERE id = {key}\")",
        f"{BLOCK}for row in op.get_bind().execute(sa.text('SELECT id FROM users')).fetchall():\n"
        "        op.execute(f\"UPDATE users SET nick = 'x' WHERE id = {row.id}\")",
    ],
    "raw SQL index": [
        f'{BLOCK}op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_raw ON users (age)")',
    ],
    "batch_alter_table": [
        'with op.batch_alter_table("users") as batch:\n'
        '    batch.add_column(sa.Column("city", sa.Text()))',
    ],
    "CONCURRENTLY in a transaction": [
        f'{BLOCK}op.drop_index("ix_users_nick", "users", postgresql_concurrently=True)',
    ],
}
# The same in this project's own operations; their modules are no part of other tools' tables.
OPERATIONS = {
    "index": """
op.create_index_concurrently("ix_users_name", "users", ["name", sa.text("lower(email)")])
op.create_index_concurrently(
    "Odd Index", "Odd Table", ["a b"], unique=True, schema="Odd Schema",
    postgresql_where=sa.text('"a b" > 3'),
)
op.drop_index_concurrently("ix_users_nick", "users")
op.create_index_concurrently("ix_events_what", "events", ["what"])
""",
    "fk": """
op.add_foreign_key_validated("fk_users_team", "users", "teams", ["team_id"], ["id"])
""",
    "check": """
op.add_check_validated("ck_users_name", "users", "length(name) < 300")
op.add_check_validated("Odd Check", "Odd Table", '"a b" < 1000', schema="Odd Schema")
""",
    "unique": """
op.add_unique_concurrently("uq_users_code", "users", ["code"])
op.add_unique_concurrently("uq_events", "events", ["id", "at"])
""",
    "not_null": """
op.set_not_null("users", "team_id")
op.set_not_null("users", "age")
""",
    "bulk": """
op.backfill("users", {"nick": sa.text("name"), "age": 30})
""",
}
PLAIN = {
    "index": 'op.create_index_concurrently("ix_users_name", "users", ["name"], plain=True)',
    "not_null": 'op.set_not_null("users", "age", plain=True)',
}
MORE = {"drop column": CONTRACT, "drop table": CONTRACT}


def cases() -> list[Case]:
    """All of them: rows in the order of the matrix, the main pair first."""
    found = []
    for row, short in ROWS.items():
        for unsafe, bodies in ((True, UNSAFE[row]), (False, SAFE[row])):
            kind = "unsafe" if unsafe else "safe"
            more = "" if unsafe else MORE.get(row, "")
            found += [
                Case(f"{short}_{kind}_{number}", row, unsafe, body, more, main=number == 1)
                for number, body in enumerate(bodies, start=1)
            ]
    head = "from migrator.operations import op\n"
    for unsafe, own in ((True, PLAIN), (False, OPERATIONS)):
        for short, body in own.items():
            row = next(row for row, name in ROWS.items() if name == short)
            name = f"{short}_own_{'plain' if unsafe else 'safe'}"
            found.append(Case(name, row, unsafe, head + body.lstrip()))
    return found
