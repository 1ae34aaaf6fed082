"""Changed columns of existing tables, on PostgreSQL.

The cases of a group are columns of one table, named after the case, which change together: so each
of them is also tried beside others, and an error names it.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.autogenerate.changing import HEAD, Change, Workshop, prove, table


class Case(NamedTuple):
    """The arguments of `mapped_column` before and after; empty where there is no such column.

    `asks` is what has to be named for it: rewrite, lose or drop.
    """

    before: str
    after: str
    asks: str = ""
    null: bool = True


def computed(expression: str, kind: str = "BigInteger", more: str = "") -> str:
    """The arguments of a stored generated column."""
    return f"{kind}, Computed({expression!r}, persisted=True){more}"


REWRITE, LOSE, DROP = "rewrite", "lose", "drop"
ENUMS = """
old_state = Enum('new', 'paid', name='old_state')
state = Enum('new', 'paid', 'draft', name='state')
"""
GENERATED = {
    "changed": Case(computed("a * 2"), computed("a * 3"), REWRITE),
    "becomes_plain": Case(computed("a * 2"), "BigInteger"),
    "becomes_default": Case(computed("a * 2"), "BigInteger, server_default='7'"),
    "from_plain": Case("BigInteger", computed("a * 2"), LOSE),
    "from_default": Case("BigInteger, server_default='7'", computed("coalesce(a, 0)"), LOSE),
    "indexed": Case(
        computed("a", more=", index=True"), computed("-a", more=", index=True"), REWRITE
    ),
    "quoted": Case(
        computed("coalesce(b, '') || ':x'", "Text"),
        computed("b || '%' || 'it''s'", "Text"),
        REWRITE,
    ),
    "wider": Case(computed("a * 2", "Integer"), computed("a * 2"), REWRITE),
    "added": Case("", computed("a + 1"), REWRITE),
    "source": Case("Integer", "", DROP),
    "with_source": Case(computed("source + 2"), "", DROP),
    "of_source": Case(computed("source + 1"), "BigInteger"),
    "removed": Case(computed("a + 2"), "", DROP),
}
TYPES = {
    "collated": Case("String(20)", "String(20, collation='C')"),
    "uncollated": Case("Text(collation='C')", "Text"),
    "array": Case("Integer", "ARRAY(Integer)", REWRITE),
    "elements": Case("ARRAY(Text)", "ARRAY(Numeric)", REWRITE),
    "unbounded": Case("Numeric(10, 2)", "Numeric()"),
    "longer": Case("String(20), server_default='x'", "String(40), server_default='x'"),
    "text_to_uuid": Case("Text", "Uuid", REWRITE),
    "bigint_to_boolean": Case("BigInteger", "Boolean", REWRITE),
    "boolean_to_numeric": Case("Boolean", "Numeric", REWRITE),
    "first_element": Case("ARRAY(Integer)", "Integer", LOSE),
    "uuid_to_text": Case("Uuid", "String(40)", REWRITE),
    "integer_to_boolean": Case("Integer", "Boolean", REWRITE),
    "json_to_jsonb": Case("JSON", "JSONB", REWRITE),
    "texts_to_json": Case("ARRAY(Text)", "JSONB", LOSE),
    "json_to_texts": Case("JSONB", "ARRAY(Text)", LOSE),
    "number_to_json": Case("Integer", "JSONB", REWRITE),
    "uuid_to_digits": Case("Uuid", "Uuid(native_uuid=False)", REWRITE),
    "described": Case("Text, comment='one'", 'Text, comment="it\'s two"'),
    "indexed": Case("Integer, index=True", "BigInteger, index=True", REWRITE),
    "vector": Case("Raw('bit varying(8)')", "Raw('bit varying(9)')"),
    "ranges": Case("ARRAY(Raw('int4range'))", "ARRAY(Raw('int8range'))", REWRITE),
}
DEFAULTS = {
    "quote": Case('Text, server_default="it\'s"', "Text, server_default='50% :x'"),
    "json": Case("JSON, server_default='{}'", "JSON, server_default='[]'"),
    "json_array": Case("ARRAY(JSON), server_default='{}'", "ARRAY(JSON), server_default=None"),
    "with_type": Case("Integer, server_default='1'", "String(9), server_default='low'", REWRITE),
    "boolean": Case("Boolean, server_default='false'", "Text, server_default='no'", REWRITE),
    "type_only": Case("Integer, server_default='1'", "BigInteger, server_default='1'", REWRITE),
    "gone_with_type": Case("Integer, server_default='1'", "Text", REWRITE),
    "volatile": Case(
        "Text, server_default=text('md5(random()::text)')",
        "Text, server_default=text('md5(random()::text)')",
    ),
    "volatile_added": Case("", "Text, server_default=text('md5(random()::text)')"),
    "interval": Case(
        "Interval, server_default=text(\"'1 day'::interval\")", "Interval, server_default='2 h'"
    ),
    "quote_added": Case("", "Text, server_default=\"it's ' \\\\ :x %\""),
    "json_added": Case("", "JSON, server_default='{\"a\": 1}'"),
    "array_added": Case("", "ARRAY(Integer), server_default='{1,2}'"),
    "now": Case("DateTime, server_default=func.now()", "DateTime, server_default=None"),
}
NUMBERED = {
    "added": Case("Integer", "Integer, Identity()", null=False),
    "always": Case(
        "BigInteger", "BigInteger, Identity(always=True, start=1000, increment=5)", null=False
    ),
    "removed": Case("Integer, Identity()", "Integer", null=False),
    "options": Case(
        "Integer, Identity(start=10)",
        "Integer, Identity(always=True, increment=2, cycle=True, maxvalue=100000)",
        null=False,
    ),
    "cached": Case("Integer, Identity()", "Integer, Identity(cache=10)", null=False),
    "uncached": Case("Integer, Identity(cache=5)", "Integer, Identity()", null=False),
    "down": Case("Integer, Identity()", "Integer, Identity(increment=-1)", null=False),
    "bigint": Case("Integer, Identity()", "BigInteger, Identity()", REWRITE, null=False),
    "to_text": Case("Integer, Identity()", "Text", REWRITE, null=False),
    "default": Case("Integer, server_default='1'", "Integer, Identity()", null=False),
    "to_default": Case("Integer, Identity()", "Integer, server_default='1'", null=False),
}
STATES = {
    "new_value": Case(
        "Enum('new', 'paid', name='st'), server_default='new'",
        "Enum('new', 'paid', 'draft', name='st'), server_default='draft'",
    ),
    "to_other": Case("old_state", "state, server_default='draft'", REWRITE),
    "to_text": Case("old_state, server_default='new'", "Text, server_default='no'", REWRITE),
    "from_text": Case("Text, server_default='new'", "state, server_default='new'", REWRITE),
    "kept": Case("old_state, server_default='new'", "old_state, server_default='paid'"),
    "array": Case("ARRAY(Text)", "ARRAY(old_state)", REWRITE),
    "kept_state": Case("state", "state"),
}
GROUPS = {
    "generated": GENERATED,
    "types": TYPES,
    "defaults": DEFAULTS,
    "numbered": NUMBERED,
    "states": STATES,
}
RAW = """
class Raw(types.UserDefinedType):
    cache_ok = True

    def __init__(self, sql):
        self.sql = sql

    def get_col_spec(self, **_):
        return self.sql

"""


def models(cases: dict[str, Case], side: str) -> str:
    """The models with a column for each case."""
    lines = [
        f"{name}: Mapped[Any] = mapped_column({definition}, nullable={case.null})"
        for name, case in cases.items()
        if (definition := getattr(case, side))
    ]
    return table("\n".join(lines)).replace("\nclass T(", f"{RAW}{ENUMS}\n\nclass T(")


def together(cases: dict[str, Case]) -> Change:
    """All cases as one change."""
    asked: dict[str, str] = {}
    for name, case in cases.items():
        if case.asks:
            asked[case.asks] = f"{asked.get(case.asks, '')},t.{name}".lstrip(",")
    needed = [name for name, case in cases.items() if not case.null and "(" not in case.before]
    more = "".join(f', "{name}"' for name in needed)
    rows = (
        f"INSERT INTO t (a, b{more}) SELECT g % 10, 'v' || g{', g' * len(needed)}"
        " FROM generate_series(1, 100) g"
    )
    return Change(models(cases, "before"), models(cases, "after"), asked, rows=rows)


@pytest.mark.parametrize("name", GROUPS)
def test_is_written_and_right_both_ways(workshop: Workshop, name: str) -> None:
    prove(workshop, together(GROUPS[name]))


def key(definition: str, rest: str = "") -> str:
    """A table s whose key is defined so, and what follows it."""
    return (
        table()
        + f"""
class S(Base):
    __tablename__ = "s"
    id: Mapped[int] = mapped_column({definition}, primary_key=True)
    name: Mapped[str | None]

{rest}
"""
    )


CHILD = """
class C(Base):
    __tablename__ = "c"
    id: Mapped[PrimaryKey]
    s_id: Mapped[int | None] = mapped_column({kind}, ForeignKey("s.id"))
"""
KEYS = "INSERT INTO s (name) SELECT 'v' || g FROM generate_series(1, 50) g"
SEQUENCES = {
    "serial_to_identity": Change(key("BigInteger"), key("BigInteger, Identity()"), rows=KEYS),
    "identity_to_serial": Change(key("Integer, Identity(always=True)"), key("Integer"), rows=KEYS),
    "bigint_key": Change(
        key("Integer", CHILD.format(kind="Integer")),
        key("BigInteger", CHILD.format(kind="BigInteger")),
        {"rewrite": "s.id,c.s_id"},
        rows=KEYS,
    ),
    "smallint_identity": Change(
        key("SmallInteger, Identity()"), key("Integer"), {"rewrite": "s.id"}, rows=KEYS
    ),
    "serial_gone": Change(key("Integer"), key("Integer, autoincrement=False"), rows=KEYS),
    "serial_dropped": Change(key("Integer"), table(), {"drop": "s"}, rows=KEYS),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_key_is_numbered_on_both_ways(workshop: Workshop, name: str) -> None:
    prove(workshop, SEQUENCES[name])


def test_numbers_go_on_after_the_highest_value(workshop: Workshop) -> None:
    prove(workshop, SEQUENCES["serial_to_identity"])
    assert workshop.run("INSERT INTO s (name) VALUES ('next') RETURNING id") == [(51,)]
    workshop.downgrade("-1")
    assert workshop.run("INSERT INTO s (name) VALUES ('next') RETURNING id") == [(52,)]


def test_a_revision_does_not_import_the_application(workshop: Workshop) -> None:
    cases = {name: TYPES[name] for name in ("vector", "ranges")}
    prove(workshop, together(cases))
    found = [path.read_text("utf-8") for path in workshop.files()[1:]]
    assert "RawType('bit varying(9)')" in "".join(found).replace('"', "'")
    assert not any("made" in text for text in found)


KEYLESS = """
t = Table("t", Base.metadata, Column("a", BigInteger), Column("b", String(50)))
"""
NEW_KEYS = {
    "bigint": "Column('id', BigInteger, primary_key=True)",
    "integer": "Column('id', Integer, primary_key=True)",
    "identity": "Column('id', BigInteger, Identity(), primary_key=True)",
}


@pytest.mark.parametrize("name", NEW_KEYS)
def test_a_new_key_is_filled_from_its_sequence(workshop: Workshop, name: str) -> None:
    before = HEAD + KEYLESS
    after = before.replace("Base.metadata, ", f"Base.metadata, {NEW_KEYS[name]}, ")
    prove(workshop, Change(before, after, {"rewrite": "t.id"}))


SHORT = "DOMAIN('short', Text, check=\"VALUE <> 'x'\")"
WHOLE = "DOMAIN('whole', Integer, not_null=False)"
DOMAINS = {
    "changed": Case("Text", SHORT, REWRITE),
    "back": Case(WHOLE, "Integer"),
    "kept": Case(WHOLE, WHOLE),
    "default": Case(f"{WHOLE}, server_default='1'", f"{WHOLE}, server_default='2'"),
    "added": Case("", WHOLE),
}


def test_columns_of_domains(workshop: Workshop) -> None:
    prove(workshop, together(DOMAINS))


CONVERTED = {
    "uuid_to_digits": (
        "'00000000-0000-0000-0000-00000000000a'",
        "0000000000000000000000000000000a",
    ),
    "texts_to_json": ("""'{a,"b c"}'""", ["a", "b c"]),
    "number_to_json": ("7", 7),
}


@pytest.mark.parametrize("name", CONVERTED)
def test_values_are_converted(workshop: Workshop, name: str) -> None:
    value, converted = CONVERTED[name]
    change = together({name: TYPES[name]})
    change.rows = f"INSERT INTO t ({name}) VALUES ({value}), (NULL)"
    prove(workshop, change)
    assert workshop.run(f"SELECT {name} FROM t ORDER BY id") == [(converted,), (None,)]


def test_values_of_a_column_with_a_percent_sign_are_converted(workshop: Workshop) -> None:
    """The driver takes a single one for a parameter."""
    before, after = (
        table(f"p: Mapped[Any] = mapped_column('p%\\\\\"s', {kind}, nullable=True)")
        for kind in ("Text", "Integer")
    )
    prove(workshop, Change(before, after, {"rewrite": 't.p%\\"s'}, rows=""))
