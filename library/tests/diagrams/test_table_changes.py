"""Tables before and after a revision."""

from typing import Any

from migrator import catalog
from migrator.catalog import Key, Schema
from migrator.diagrams.table_changes import Line, TableChange, changes

TABLE = ("public", "users")


def schema(**columns: dict[str, Any]) -> Schema:
    objects: dict[Key, dict[str, Any]] = {Key("table", TABLE): {}}
    for place, (name, properties) in enumerate(columns.items()):
        objects[Key("column", (*TABLE, name))] = {"position": place, **properties}
    return Schema(objects)


def found(before: Schema, after: Schema) -> list[TableChange]:
    return changes(before, after, catalog.diff(before, after))


def test_a_changed_table_has_all_its_columns_in_order() -> None:
    before = schema(name={"type": "text"}, id={"type": "int"})
    after = schema(name={"type": "text", "not_null": True}, id={"type": "int"}, age={"type": "int"})
    assert found(before, after) == [
        TableChange(
            "table",
            "users",
            (
                Line("column", "name", "text", "text NOT NULL"),
                Line("column", "id", "int", "int"),
                Line("column", "age", None, "int"),
            ),
        )
    ]


def test_a_new_and_a_dropped_table_have_one_side() -> None:
    full = schema(id={"type": "int", "default": "1", "comment": "a <b>"})
    (made,) = found(Schema({}), full)
    assert made.lines[-1] == Line("column", "id", None, "int DEFAULT 1 comment: a <b>")
    (dropped,) = found(full, Schema({}))
    assert all(line.after is None for line in dropped.lines)


def test_the_sequence_of_a_new_column_and_an_owner_are_no_change_of_their_own() -> None:
    key = Key("sequence", ("public", "users_id_seq"))
    owned = Schema({**schema().objects, key: {"owned_by": "public.users.id"}})
    assert found(schema(), owned) == []
    alone = Schema({**schema().objects, key: {"owner": "me", "start": 1}})
    (made,) = found(schema(), alone)
    assert made.lines == (Line("sequence", "users_id_seq", None, "start: 1"),)


def test_an_index_belongs_to_its_table() -> None:
    index = {Key("index", (*TABLE, "i")): {"definition": "CREATE INDEX i ON users (id)"}}
    before = schema(id={"type": "int"})
    (change,) = found(before, Schema({**before.objects, **index}))
    assert (change.name, change.lines[-1].kind) == ("users", "index")
