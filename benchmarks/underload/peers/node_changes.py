"""The ten changes for the tools from npm: in JavaScript for two, in SQL for dbmate."""

NODE_PG_MIGRATE = {
    "add-column": 'pgm.addColumn("accounts", { extra: { type: "varchar(50)" } });',
    "add-default": 'pgm.addColumn("accounts",'
    ' { status: { type: "integer", notNull: true, default: 0 } });',
    "drop-column": 'pgm.dropColumn("accounts", "legacy");',
    "rename-column": 'pgm.renameColumn("accounts", "nick", "nickname");',
    "index": 'pgm.createIndex("accounts", "region");',
    "unique": 'pgm.addConstraint("accounts", "accounts_code", { unique: "code" });',
    "foreign-key": 'pgm.addConstraint("accounts", "accounts_branch",'
    ' { foreignKeys: { columns: "branch_id", references: "branches(id)" } });',
    "check": 'pgm.addConstraint("accounts", "accounts_region", { check: "region >= 0" });',
    "not-null": 'pgm.alterColumn("accounts", "owner", { notNull: true });',
    "widen-type": 'pgm.alterColumn("accounts", "note", { type: "varchar(100)" });',
}
KNEX = {
    "add-column": 'table.string("extra", 50);',
    "add-default": 'table.integer("status").notNullable().defaultTo(0);',
    "drop-column": 'table.dropColumn("legacy");',
    "rename-column": 'table.renameColumn("nick", "nickname");',
    "index": 'table.index("region");',
    "unique": 'table.unique("code");',
    "foreign-key": 'table.foreign("branch_id").references("branches.id");',
    "check": 'table.check("region >= 0", [], "accounts_region");',
    "not-null": 'table.dropNullable("owner");',
    "widen-type": 'table.string("note", 100).alter();',
}
SQL = {
    "add-column": "ALTER TABLE accounts ADD COLUMN extra varchar(50);",
    "add-default": "ALTER TABLE accounts ADD COLUMN status integer NOT NULL DEFAULT 0;",
    "drop-column": "ALTER TABLE accounts DROP COLUMN legacy;",
    "rename-column": "ALTER TABLE accounts RENAME COLUMN nick TO nickname;",
    "index": "CREATE INDEX accounts_region ON accounts (region);",
    "unique": "ALTER TABLE accounts ADD CONSTRAINT accounts_code UNIQUE (code);",
    "foreign-key": "ALTER TABLE accounts ADD CONSTRAINT accounts_branch"
    " FOREIGN KEY (branch_id) REFERENCES branches (id);",
    "check": "ALTER TABLE accounts ADD CONSTRAINT accounts_region CHECK (region >= 0);",
    "not-null": "ALTER TABLE accounts ALTER COLUMN owner SET NOT NULL;",
    "widen-type": "ALTER TABLE accounts ALTER COLUMN note TYPE varchar(100);",
}
