"""The diagram of what a branch changes."""

from typing import Any

from migrator.catalog import Key, Schema
from migrator.diagrams.changed_tables import ChangedTables
from migrator.diagrams.entities import Column


def schema(tables: dict[str, dict[str, Any]]) -> Schema:
    objects: dict[Key, dict[str, Any]] = {}
    for name, columns in tables.items():
        objects[Key("table", ("public", name))] = {}
        for place, (column, properties) in enumerate(columns.items()):
            objects[Key("column", ("public", name, column))] = {"position": place, **properties}
    return Schema(objects)


def test_only_tables_that_change_are_in_it_and_each_column_says_how() -> None:
    same = {"id": {"type": "int"}}
    before = schema({"same": same, "gone": same, "users": {"a": {"type": "int"}, "b": same["id"]}})
    columns = {"a": {"type": "bigint", "not_null": True}, "c": {"type": "text", "comment": "x"}}
    found = ChangedTables.between(before, schema({"same": same, "users": columns, "more": same}))
    assert (found.new, found.dropped) == (("more",), ("gone",))
    assert [table.name[-1] for table in found.tables] == ["gone", "more", "users"]
    assert found.tables[-1].columns == (
        Column("a", "bigint", (), False, "was int, was nullable"),
        Column("c", "text", (), True, "new; x"),
        Column("b", "int", (), True, "dropped"),
    )
    drawn, left_out = found.diagram()
    assert drawn.count(" {") == 3 and left_out == 0


def test_of_a_wide_table_only_what_changes_is_shown() -> None:
    columns: dict[str, dict[str, Any]] = {f"c{number}": {"type": "int"} for number in range(90)}
    after = schema({"wide": {**columns, "c50": {"type": "text"}}})
    (table,) = ChangedTables.between(schema({"wide": columns}), after).tables
    assert [column.name for column in table.columns] == ["c50"]


def test_it_fits_into_a_comment_whatever_a_branch_changes() -> None:
    wide = {f"column_{number}": {"type": "text", "comment": "用" * 80} for number in range(100)}
    for number, columns in ((500, {"id": {"type": "int"}}), (30, wide), (3, {**wide, "用": {}})):
        after = schema({f"table_{place:03}": columns for place in range(number)})
        drawn, left_out = ChangedTables.between(schema({}), after).diagram()
        assert len(drawn.encode()) <= 10_000
        assert drawn.count(" {\n") + left_out == number
    small = {"z": {"id": {"type": "int"}}}
    drawn, left_out = ChangedTables.between(schema({}), schema({"wide": wide, **small})).diagram()
    assert '"z" {' in drawn and left_out == 1


def test_no_change_is_no_diagram() -> None:
    some = schema({"users": {"id": {"type": "int"}}})
    assert ChangedTables.between(some, some).diagram() == ("", 0)
