"""The schema that a catalog describes, under the names that sessions see."""

from migrator.catalog import Schema
from migrator.lint import known_catalog
from migrator.lint.known_schema import Schema as Known
from migrator.lint.statements import Type, read

CATALOG = """
table ["app", "t"]

column ["app", "t", "id"]
  not_null: true
  type: "integer"

column ["app", "t", "kind"]
  default: "'a'::app.kind"
  type: "app.kind"

column ["app", "t", "by_identity"]
  identity: "always"
  not_null: true
  type: "integer"

constraint ["app", "t", "ck"]
  columns: ["kind"]
  definition: "CHECK ((kind IS NOT NULL))"
  not_valid: true
  type: "check"

index ["app", "t", "left"]
  definition: "CREATE UNIQUE INDEX \\"left\\" ON app.t USING btree (kind)"
  invalid: true
  unique: true

index ["app", "t", "ix"]
  definition: "CREATE UNIQUE INDEX ix ON app.t USING btree (id)"
  unique: true

sequence ["app", "s"]
  owned_by: "app.t.id"
  type: "integer"

sequence ["app", "i"]
  of_identity: true
  owned_by: "app.t.by_identity"
  type: "integer"

view ["app", "v"]
  columns: ["id integer", "\\"a b\\" text"]
  definition: " SELECT id, kind AS \\"a b\\" FROM app.t;"

table ["public", "t"]

column ["public", "t", "other"]
  type: "integer"

table ["public", "u"]
"""


def known(*path: str, says_public: bool = False) -> Known:
    """What is known with this search path."""
    return known_catalog.of_catalog(Schema.parse(CATALOG), path, says_public=says_public)[0]


def test_everything_of_a_table() -> None:
    schema = known("public")
    column = schema.column("app.t", "kind")
    assert column and (column.type, column.has_default) == (Type("app.kind"), True)
    assert schema.is_key("app.t", ["id"]) and not schema.is_key("app.t", ["kind"])
    assert schema.lacks(*read('DROP INDEX IF EXISTS app."left"').actions)
    assert not schema.lacks(*read("DROP INDEX IF EXISTS app.ix").actions)
    assert not schema.has_check("app.t", "kind") and schema.is_read_again("app.t", "kind")
    column = schema.column("app.t", "id")
    assert column and schema.sequences[column.sequence] == Type("int4")
    column = schema.column("app.t", "by_identity")
    assert column and column.has_default and not column.sequence
    assert schema.views == {"app.v": ("id", "a b")} and schema.reads == {"app.v": ("app.t",)}
    assert schema.column("t", "other")


def test_a_search_path() -> None:
    schema = known("app", "public")
    assert schema.tables.keys() == {"t", "u"}
    column = schema.column("t", "kind")
    assert column and column.type == Type("kind")
    assert schema.reads == {"v": ("t",)} and schema.table_of_index("ix") == "t"
    assert known("public", "app").column("app.t", "id")
    assert known("public", "app").column("t", "other")


def test_what_is_not_clear_is_not_known() -> None:
    schema = known("app", says_public=True)
    assert schema.tables.keys() == {"u"} and not schema.sure
    assert known("public", says_public=True).sure
