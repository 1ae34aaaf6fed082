"""Mermaid from tables, whatever they are called: each line is one that Mermaid 10 can read."""

import re

import pytest

from migrator.catalog import Key, Schema
from migrator.diagrams import entities, mermaid, schema_page
from migrator.diagrams.entities import Column, Reference, Table

# As the lexers of Mermaid 10.9 to 11.17 have it; a text has none of their special characters, and
# no entity code but those of one character.
TEXT = r'"(?:[^"%\\;&<>`*~$#]|#\d+;)+"'
WORD = r"(?!(?:pk|fk|uk)\b)[A-Za-z_][A-Za-z0-9_\-\[\]()]*"
LINES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        "erDiagram",
        rf"    {TEXT} \{{",
        "    }",
        rf"        {WORD} {WORD}(?: (?:PK|FK|UK)(?:, (?:PK|FK|UK))*)?(?: {TEXT})?",
        rf"    {TEXT} (?:\|o|\|\|)--o[|{{] {TEXT} : {TEXT}",
    )
]
# Taken for a statement wherever it is in a line.
DIRECTION = re.compile(r"direction\s+(?:TB|BT|LR|RL)", re.IGNORECASE)
NAMES = [
    *("one", "many", "to", "style", "class", "end", "u", "erDiagram", "title", "pk", "FK", "uk-x"),
    *("1", "1x", "a.b", 'a"b', "a%b", "a\\b", "[x]", "---", "<b>x</b>", "Ünïcödé", "用户", "😀"),
    *("#quot;", "#35;", "__proto__", "_id", "`x`", "*x*", "a;b", "a~b~", "a|b", "{x}", "$$x$$"),
    *("x:::y", "many(1)", '"', "```", '%%{init:{"theme":"dark"}}%%', "direction\xa0TB", "%%{"),
    *("direction TB", "only one", "a  b", "a\nb", "a\tb", "zero or more", " "),
]
TYPES = {
    "bigint": ("bigint", ""),
    "numeric(12,2)": ("numeric", "numeric(12,2)"),
    "character varying(200)": ("varchar(200)", ""),
    "timestamp(3) with time zone[]": ("timestamptz(3)[]", ""),
    "timestamp without time zone": ("timestamp", ""),
    "double precision": ("float8", ""),
    '"char"': ("char", '"char"'),
    "interval day to second(3)": ("interval_day_to_second", "interval day to second(3)"),
    '"sch ema"."ty, pe"[]': ("sch_ema___ty__pe[]", '"sch ema"."ty, pe"[]'),
    "用户": ("any", "用户"),
    "pk": ("_pk", "pk"),
    "": ("any", ""),
}


def table(name: str, *references: Reference, column: str = "id", kind: str = "bigint") -> Table:
    return Table(("public", name), (Column(column, kind, ("PK", "FK"), True, name),), references)


@pytest.mark.parametrize("name", NAMES)
def test_every_line_can_be_read_whatever_a_name_is(name: str) -> None:
    reference = Reference(("public", name), (name, name), True, False)
    lines = mermaid.diagram([table(name, reference, column=name, kind=name)])
    assert len(lines) == 5
    for line in lines:
        assert any(pattern.fullmatch(line) for pattern in LINES), line
        assert not DIRECTION.search(line)
    shown = re.sub(r"#(\d+);", lambda match: chr(int(match[1])), lines[2])
    assert name.split() == [] or " ".join(name.split()) in shown  # the true one, where it differs


@pytest.mark.parametrize(("written", "expected"), TYPES.items())
def test_a_type_is_one_word_with_all_of_it_beside_where_that_is_less(
    written: str, expected: tuple[str, str]
) -> None:
    (line,) = mermaid.diagram([Table(("t",), (Column("c", written, ()),), ())])[2:3]
    word, whole = expected
    beside = f" {mermaid._quoted(whole)}" if whole else ""
    assert line == f"        {word} c{beside}"


def test_a_wide_table_says_how_many_columns_are_left_out() -> None:
    columns = tuple(Column(f"c{number}", "int") for number in range(130))
    lines = mermaid.diagram([Table(("t",), columns, ())])
    assert lines[-2] == '        and more "30 more columns"'


def test_many_tables_are_in_parts_that_mermaid_accepts() -> None:
    objects: dict[Key, dict[str, object]] = {}
    for number in range(60):
        schema = ("public", "billing")[number % 2]
        name = (schema, f"t{number:02}")
        objects[Key("table", name)] = {}
        for column in range(20):
            properties = {"type": "text", "comment": "x" * 200, "position": column}
            objects[Key("column", (*name, f"c{column}"))] = properties
    page = schema_page.write(Schema(objects), {("public", "t00"): "app.models.first"})
    parts = re.findall(r"## ([^\n]*)\n\n```mermaid\n(.*?)\n```", page, re.DOTALL)
    titles = [title for title, _ in parts]
    assert titles[0] == "app.models.first"
    assert {title.partition(":")[0] for title in titles[1:]} == {"billing", "public"}
    assert sum(text.count(" {\n") for _, text in parts) == 60
    assert all(len(text) < 50_000 for _, text in parts)
    assert f"60 tables, in {len(parts)} diagrams" in page


def test_an_sqlite_reference_is_found_by_the_longest_name() -> None:
    names = ("user", "user items")
    objects: dict[Key, dict[str, object]] = {Key("table", (name,)): {} for name in names}
    said: dict[str, object] = {
        "type": "foreign key",
        "columns": ("a",),
        "references": "references user items ( id )",
    }
    objects |= {Key("table", ("t",)): {}, Key("column", ("t", "a")): {"type": "int"}}
    objects[Key("constraint", ("t", "f"))] = said
    objects[Key("index", ("t", "i"))] = {"definition": "create unique index i on t ( a )"}
    found = {each.name: each for each in entities.read(Schema(objects))}
    assert found[("t",)].references == (Reference(("user items",), ("a",), True, True),)
    assert found[("t",)].columns[0].keys == ("FK", "UK")
