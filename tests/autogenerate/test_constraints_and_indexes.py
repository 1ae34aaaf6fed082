"""Indexes and constraints of every kind that come, go, and are replaced."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic import command

from migrator import catalog
from tests.autogenerate.changing import Change, Workshop, prove, table


def arguments(before: str, after: str, columns: str = "", **more: object) -> Change:
    """A change of `__table_args__`."""
    return Change(table(columns, before), table(columns, after), **more)  # type: ignore[arg-type]


def keys(before: str, after: str, more: str = "") -> Change:
    """A change of column k of a table whose primary key is numbered, with one that gets `more`."""
    text = (
        "Table('u', Base.metadata, Column('id', BigInteger{}), Column('k', Integer,"
        " server_default='1'{}){})"
    )
    serial = ", primary_key=True, autoincrement=True"
    first = table(rest=text.format(serial, before, ""))
    second = table(rest=text.format(serial, after, more))
    return Change(
        first, second, rows="INSERT INTO u (k) SELECT g % 3 FROM generate_series(1, 99) g"
    )


RANGE = "r: Mapped[Any] = mapped_column(INT4RANGE, nullable=True)"
C = "c: Mapped[int | None]"
LIVE = "(Index('uq_live', 'id', 'b', unique=True, postgresql_where=text({!r})),)"
B = "(Index('ix_b', 'b'{}),)"
UQ = "(UniqueConstraint('id', 'b', name='uq_b'{}),)"
POS = "(CheckConstraint(\"{}\", name='pos'),)"
FK = " = mapped_column(ForeignKey('t.id', name='fk_c'{}))"
OTHER = "class U(Base):\n    __tablename__ = 'u'\n    id: Mapped[PrimaryKey]"
LONG = "(Index('i' * 50 + '本' * 8, 'a'), UniqueConstraint('id', 'a', name='u' * 50 + '本' * 8))"
CHINESE = (
    "(CheckConstraint('a > 0 OR a = 0', name='数量必须大于零并且不能为空值或者负数字检查约束甲'),"
    " Index('索引名称非常长的中文名字用来测试截断字节数的情况甲乙', 'a'),"
    " UniqueConstraint('id', 'b', name='唯一约束名称非常长的中文名字用来测试截断字节数甲乙'))"
)
EXCLUDE = "(ExcludeConstraint(('r', '&&'), name='ex_t_r', using='gist'{}),)"

ID = "Column('id', Integer), "
PLAIN = (
    f"Table('u', Base.metadata, {ID}Column('k', Integer, nullable=False),"
    " Column('l', Integer, nullable=False)"
)
KEYED = ", PrimaryKeyConstraint('id', name='key'))"
TEN = "INSERT INTO u (k, l) SELECT g, g FROM generate_series(1, 10) g"

NUMBER = "Column('id', BigInteger, primary_key=True), "
COLUMNS = "Column('k', ForeignKey('t.id'), {1}), Column('l', Integer, {1})"
PAIRS = f"Table('u', Base.metadata, {{0}}{COLUMNS}{{2}})"
STATE = "s: Mapped[Any] = mapped_column({}, server_default='a')"

REFERRED = (
    "Table('p', Base.metadata, Column('id', Integer, autoincrement=False), Column('x', Integer),"
    " Column('y', Integer), PrimaryKeyConstraint('id', name='p_pk'), {});"
    "Table('q', Base.metadata, Column('id', BigInteger, primary_key=True), Column('p', ForeignKey("
    "'p.id')), Column('x', Integer), Column('y', Integer), ForeignKeyConstraint(['x', 'y'],"
    " ['p.x', 'p.y'], name='fk_xy', comment='why', deferrable=True))"
)
PAIR = "UniqueConstraint('x', 'y', name='p_uq'{})"


def referred(before: str, after: str) -> Change:
    """A key changes to which foreign keys refer."""
    return Change(
        table(rest=REFERRED.format(before)),
        table(rest=REFERRED.format(after)),
        rows="INSERT INTO p VALUES (1, 2, 3); INSERT INTO q (p, x, y) VALUES (1, 2, 3)",
    )


REFERENCES = {
    "include": referred(PAIR.format(""), PAIR.format(", postgresql_include=['id']")),
    "other order": referred(PAIR.format(""), PAIR.format("").replace("'x', 'y'", "'y', 'x'")),
    "becomes an index": referred(PAIR.format(""), "Index('p_uq', 'x', 'y', unique=True)"),
    "index with include": referred(
        "Index('p_uq', 'x', 'y', unique=True)",
        "Index('p_uq', 'x', 'y', unique=True, postgresql_include=['id'])",
    ),
    "primary key": Change(
        table(rest=REFERRED.format(PAIR.format(""))),
        table(
            rest=REFERRED.format(PAIR.format("")).replace(
                "name='p_pk'", "name='p_pk', postgresql_include=['x']"
            )
        ),
        rows="INSERT INTO p VALUES (1, 2, 3); INSERT INTO q (p, x, y) VALUES (1, 2, 3)",
    ),
}

CHANGES = {
    # Indexes.
    "index added": arguments("", B.format("")),
    "index dropped": arguments(B.format(""), ""),
    "partial unique changes": arguments(LIVE.format("a > 0"), LIVE.format("a > 5")),
    "becomes partial": arguments(B.format(""), B.format(", postgresql_where=text('a IS NULL')")),
    "no longer partial": arguments(B.format(", postgresql_where=text('a > 1')"), B.format("")),
    "include": arguments(B.format(""), B.format(", postgresql_include=['a']")),
    "include goes": arguments(B.format(", postgresql_include=['a']"), B.format("")),
    "operator class": arguments(
        B.format(""), B.format(", postgresql_ops={'b': 'varchar_pattern_ops'}")
    ),
    "method": arguments(B.format(""), B.format(", postgresql_using='hash'")),
    "parameters": arguments(B.format(""), B.format(", postgresql_with={'fillfactor': 70}")),
    "parameters change": arguments(
        B.format(", postgresql_with={'fillfactor': 70}"),
        B.format(", postgresql_with={'fillfactor': 80}"),
    ),
    "descending": arguments(B.format(""), "(Index('ix_b', text('b DESC NULLS LAST')),)"),
    "more columns": arguments(B.format(""), B.format(", 'a'")),
    "fewer columns": arguments(B.format(", 'a'"), B.format("")),
    "other order": arguments("(Index('ix_b', 'a', 'b'),)", "(Index('ix_b', 'b', 'a'),)"),
    "expression": arguments(B.format(""), "(Index('ix_b', text('lower(b)')),)"),
    "expression goes": arguments("(Index('ix_b', text('lower(b)'), 'a'),)", ""),
    "other expression": arguments(
        "(Index('ix_b', text('lower(b)')),)", "(Index('ix_b', text('upper(b)')),)"
    ),
    "becomes unique": arguments(B.format(", 'id'"), B.format(", 'id', unique=True")),
    "no longer unique": arguments(B.format(", 'id', unique=True"), B.format(", 'id'")),
    "function index": arguments(
        "",
        "(Index('ix_ts', text(\"to_tsvector('english'::regconfig, b)\"), postgresql_using='gin'),)",
    ),
    "operator class of an expression goes": arguments(
        "(Index('ix_b', text('lower(b) text_pattern_ops'), postgresql_include=['a']),)", ""
    ),
    "index of another table": Change(
        table(
            "n: Mapped[int | None]",
            "",
            "Table('u', Base.metadata, Column('id', Integer,"
            " primary_key=True), Column('n', Integer), Index('ix_n', 'n'))",
        ),
        table(
            "n: Mapped[int | None]",
            "(Index('ix_n', 'n'),)",
            "Table('u', Base.metadata,"
            " Column('id', Integer, primary_key=True), Column('n', Integer))",
        ),
    ),
    "index renamed": arguments(B.format(""), B.format("").replace("ix_b", "IX:b")),
    "index renamed, and another one takes its name": arguments(
        B.format(""), "(Index('ix_b', 'a'), Index('ix_c', 'b'))"
    ),
    "indexes exchange their names": arguments(
        "(Index('one', 'a'), Index('two', 'b'))", "(Index('two', 'a'), Index('one', 'b'))"
    ),
    # Unique constraints.
    "unique renamed, with a foreign key to it": arguments(
        "(UniqueConstraint('a', name='one'), ForeignKeyConstraint(['id'], ['t.a'], name='fk'))",
        "(UniqueConstraint('a', name='two'), ForeignKeyConstraint(['id'], ['t.a'], name='fk'))",
        rows="INSERT INTO t (id, a) VALUES (1, 1), (2, 2)",
    ),
    "unique added": arguments("", UQ.format("")),
    "unique dropped": arguments(UQ.format(""), ""),
    "deferrable": arguments(UQ.format(""), UQ.format(", deferrable=True")),
    "deferred": arguments(
        UQ.format(", deferrable=True"), UQ.format(", deferrable=True, initially='DEFERRED'")
    ),
    "no longer deferrable": arguments(
        UQ.format(", deferrable=True, initially='DEFERRED'"), UQ.format("")
    ),
    "covering": arguments("", UQ.format(", postgresql_include=['a']")),
    "becomes covering": arguments(UQ.format(""), UQ.format(", postgresql_include=['a']")),
    "covering goes": arguments(UQ.format(", postgresql_include=['a']"), ""),
    "unique of more columns": arguments(
        UQ.format(""), "(UniqueConstraint('id', 'b', 'a', name='uq_b'),)"
    ),
    "unique of fewer columns": arguments(UQ.format(""), "(UniqueConstraint('id', name='uq_b'),)"),
    "unique constraint to index": arguments(
        UQ.format(""), "(Index('uq_b', 'id', 'b', unique=True),)"
    ),
    "unique index to constraint": arguments(
        "(Index('uq_b', 'id', 'b', unique=True),)", UQ.format("")
    ),
    "partial index to constraint": arguments(
        LIVE.format("a > 0"), UQ.format("").replace("uq_b", "uq_live")
    ),
    # CHECK constraints.
    "check added": arguments("", POS.format("a >= 0")),
    "check renamed": arguments(POS.format("a >= 0"), POS.format("a >= 0").replace("pos", "sop")),
    "check dropped": arguments(POS.format("a >= 0"), ""),
    "other condition": arguments(POS.format("a >= 0"), POS.format("a > -1")),
    "condition on another column": arguments(POS.format("a >= 0"), POS.format("b <> 'x'")),
    "check of a column with another type": Change(
        table("p: Mapped[Any] = mapped_column(Integer, nullable=True)"),
        table(
            "p: Mapped[Any] = mapped_column(Numeric(12, 2), nullable=True)",
            "(CheckConstraint('p >= 0', name='p'), Index('p1', text('(p + 1)')),"
            " Index('p2', 'a', postgresql_where=text('p > 2')))",
        ),
        {"rewrite": "t.p"},
    ),
    "check of a column with another type, dropped": Change(
        table(STATE.format("String(9)"), "(CheckConstraint(\"s IN ('a', 'b')\", name='s'),)"),
        table(STATE.format("Enum('a', 'b', name='s')")),
        {"rewrite": "t.s"},
    ),
    "enum becomes text with a check": Change(
        table(STATE.format("Enum('a', 'b', name='s')")),
        table(STATE.format("Enum('a', 'b', name='s', native_enum=False, create_constraint=True)")),
        {"rewrite": "t.s"},
    ),
    "text with a check becomes an enum": Change(
        table(STATE.format("Enum('a', 'b', name='s', native_enum=False, create_constraint=True)")),
        table(STATE.format("Enum('a', 'b', name='s')")),
        {"rewrite": "t.s"},
    ),
    "in a list": arguments(
        POS.format("b IN ('a', 'b')  OR a < 100"), POS.format("b IN ('a', 'c') OR a < 100")
    ),
    "check with a percent sign": arguments("", POS.format("b NOT LIKE '100%%:x'")),
    "check and unique change places": arguments(
        POS.format("a >= 0"), "(UniqueConstraint('id', name='ck_t_pos'),)"
    ),
    "boolean with its check": Change(
        table(),
        table("c: Mapped[bool | None] = mapped_column(Boolean(create_constraint=True, name='cb'))"),
    ),
    # Foreign keys.
    "foreign key added": Change(table(C), table(C + FK.format(""))),
    "foreign key renamed": Change(
        table(C + FK.format("")), table(C + FK.format("").replace("fk_c", "fk_d"))
    ),
    "foreign key dropped": Change(table(C + FK.format("")), table(C)),
    "cascade": Change(table(C + FK.format("")), table(C + FK.format(", ondelete='CASCADE'"))),
    "set null": Change(
        table(C + FK.format(", ondelete='CASCADE'")), table(C + FK.format(", ondelete='SET NULL'"))
    ),
    "update": Change(table(C + FK.format("")), table(C + FK.format(", onupdate='CASCADE'"))),
    "deferrable foreign key": Change(
        table(C + FK.format("")),
        table(C + FK.format(", deferrable=True, initially='DEFERRED'")),
    ),
    "foreign key to another table": Change(
        table(C + FK.format(""), rest=OTHER),
        table(C + FK.format("").replace("t.id", "u.id"), rest=OTHER),
    ),
    "match full": arguments(
        "",
        "(ForeignKeyConstraint(['a'], ['t.id'], name='fk_a',"
        " match='FULL', ondelete='CASCADE', use_alter=True),)",
        rows="",
    ),
    "foreign key with a new column nobody decided": Change(
        table(C + FK.format("")),
        table(
            C + FK.format(", ondelete='CASCADE'") + "\nd: Mapped[int] = mapped_column("
            "server_default='7')"
        ),
    ),
    # Exclusion constraints.
    "exclude added": arguments("", EXCLUDE.format(""), RANGE),
    "exclude with a condition and operator class": arguments(
        "",
        EXCLUDE.format(", where=text('r IS NOT NULL'), ops={'r': 'range_ops'}"),
        RANGE,
    ),
    "exclude replaced": arguments(
        EXCLUDE.format(""), EXCLUDE.format(", where=text('a > 0')"), RANGE
    ),
    "exclude renamed": arguments(
        EXCLUDE.format(""), EXCLUDE.format("").replace("ex_t_r", "other"), RANGE
    ),
    "exclude dropped": arguments(
        EXCLUDE.format(", deferrable=True"), "", RANGE, asked={"drop": "t.ex_t_r"}
    ),
    # Primary keys.
    "key gets a column": keys(", nullable=False", ", primary_key=True"),
    "key loses a column": keys(", primary_key=True", ", nullable=False"),
    "key gets a nullable column": keys("", ", primary_key=True"),
    "key gets a column, and is numbered no more": Change(
        table("k: Mapped[int] = mapped_column(server_default='1')"),
        table("k: Mapped[int] = mapped_column(server_default='1', primary_key=True)"),
    ),
    "key of another name with a foreign key to it": Change(
        table(C + FK.format("")),
        table(C + FK.format(""), "(PrimaryKeyConstraint('id', name='t_key'),)"),
    ),
    "key of another name": arguments("", "(PrimaryKeyConstraint('id', name='t_key'),)"),
    "key of another name and column": keys(
        ", nullable=False", ", primary_key=True", ", PrimaryKeyConstraint('id', 'k', name='u_key')"
    ),
    "key of one new column instead of two": Change(
        table(rest=PAIRS.format("", "primary_key=True", "")),
        table(rest=PAIRS.format(NUMBER, "nullable=False", ", UniqueConstraint('k', 'l')")),
        {"rewrite": "u.id"},
        rows="INSERT INTO t (id) VALUES (1), (2); INSERT INTO u VALUES (1, 1), (2, 1)",
    ),
    "key deferrable": arguments(
        "(PrimaryKeyConstraint('id', name='t_key'),)",
        "(PrimaryKeyConstraint('id', name='t_key', deferrable=True),)",
    ),
    "key loses a column, which may be NULL then": keys(", primary_key=True", ""),
    "key goes": Change(table(rest=PLAIN + KEYED), table(rest=PLAIN + ")"), rows=TEN),
    "key goes with its column": Change(
        table(rest=PLAIN + KEYED),
        table(rest=PLAIN.replace(ID, "") + ")"),
        {"drop": "u.id"},
        rows=TEN,
    ),
    "key of other columns, and the number goes": Change(
        table(rest=PLAIN + KEYED),
        table(rest=PLAIN.replace(ID, "") + ", PrimaryKeyConstraint('k', 'l', name='key'))"),
        {"drop": "u.id"},
        rows=TEN,
    ),
    # Comments.
    "comment of a check": arguments(
        "(CheckConstraint('a >= 0', name='pos'),)",
        "(CheckConstraint('a >= 0', name='pos', comment='why: 5% \"x\"'),)",
    ),
    "comment of a new unique": arguments("", UQ.format(", comment='it is'")),
    "predicate with a list": arguments(
        B.format(", postgresql_where=text(\"b IN ('a', 'b')\")"),
        B.format(", postgresql_where=text(\"b IN ('a', 'c') AND b NOT IN ('x')\")"),
    ),
    "list dropped": arguments(POS.format("b IN ('a', 'b')  OR a < 100"), ""),
    "enum without a type": Change(
        table(
            "c: Mapped[str | None] = mapped_column(Enum('x', 'y', name='c',"
            " native_enum=False, create_constraint=True))"
        ),
        table(
            "c: Mapped[str | None] = mapped_column(Enum('x', 'y', 'z', name='c',"
            " native_enum=False, create_constraint=True))"
        ),
    ),
    # Storage parameters.
    "parameters of the table": arguments("", "{'postgresql_with': {'fillfactor': 70}}"),
    "other parameters of the table": arguments(
        "{'postgresql_with': {'fillfactor': 70}}",
        "{'postgresql_with': {'toast.autovacuum_enabled': False, 'fillfactor': 75}}",
    ),
    # Names.
    "names of more than 63 bytes": Change(
        table(), table(C + FK.format("").replace("fk_c", "f" * 50 + "本" * 8), LONG)
    ),
    "names in Chinese": Change(table(), table(C, CHINESE)),
    "changed under long names": Change(
        table(C, CHINESE), table(C, CHINESE.replace("> 0 ", "> -1 "))
    ),
    # A schema that is written out.
    "public": arguments("{'schema': 'public'}", "(Index('ix_b', 'b'), {'schema': 'public'})"),
}
NULLS = {
    "nulls not distinct": arguments(
        "(UniqueConstraint('id', 'b', name='uq_b'),)",
        UQ.format(", postgresql_nulls_not_distinct=True"),
    ),
    "nulls distinct again": arguments(
        UQ.format(", postgresql_nulls_not_distinct=True, postgresql_include=['a']"), UQ.format("")
    ),
    "index nulls not distinct": arguments(
        "(Index('ix_b', 'id', 'b', unique=True),)",
        "(Index('ix_b', 'id', 'b', unique=True, postgresql_nulls_not_distinct=True),)",
    ),
    "nulls not distinct dropped": arguments(
        UQ.format(", postgresql_nulls_not_distinct=True, deferrable=True"), ""
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_is_written_and_right_both_ways(workshop: Workshop, name: str) -> None:
    prove(workshop, CHANGES[name])


@pytest.mark.parametrize("name", REFERENCES)
def test_foreign_keys_refer_to_the_key_that_replaces_theirs(workshop: Workshop, name: str) -> None:
    prove(workshop, REFERENCES[name])
    not_valid = "SELECT conname FROM pg_constraint WHERE NOT convalidated"
    assert workshop.run(not_valid) == []


def test_a_replaced_key_whose_foreign_keys_were_not_validated_is_finished(
    workshop: Workshop,
) -> None:
    """As after a run that was killed behind the swap."""
    change = REFERENCES["include"]
    begin(workshop, change.before)
    workshop.run(change.rows)
    workshop.models(change.after)
    assert workshop.revise().code == 0
    workshop.run(
        "ALTER TABLE q DROP CONSTRAINT fk_xy; ALTER TABLE p DROP CONSTRAINT p_uq,"
        " ADD CONSTRAINT p_uq UNIQUE (x, y) INCLUDE (id); ALTER TABLE q ADD CONSTRAINT"
        " fk_xy_replacement FOREIGN KEY (x, y) REFERENCES p (x, y) DEFERRABLE NOT VALID;"
        ' COMMENT ON CONSTRAINT fk_xy_replacement ON q IS \'migrator: becomes ["fk_xy", "why"]\''
    )
    workshop.upgrade()
    assert workshop.differences() == []


@pytest.mark.parametrize("name", NULLS)
def test_nulls_not_distinct(workshop: Workshop, name: str) -> None:
    if workshop.run("SHOW server_version_num") < [("150000",)]:
        pytest.skip("PostgreSQL 15 has it")
    prove(workshop, NULLS[name])


def begin(project: Workshop, models: str, more: str = "") -> None:
    """Write the first revision, with more SQL in it, and apply it."""
    project.reset()
    project.models(models)
    done = project.revise()
    assert done.code == 0, done.output
    path = project.files()[0]
    text = path.read_text("utf-8")
    text = text.replace("def downgrade", f"    op.execute({more!r})\n\n\ndef downgrade", 1)
    path.write_text(text if more else path.read_text("utf-8"), "utf-8")
    project.upgrade()


def then(project: Workshop, models: str, **asked: str) -> str:
    """Write and try the second revision, both ways; return its text."""
    before = project.schema()
    project.models(models)
    done = project.revise(**asked)
    assert done.code == 0, done.output
    project.upgrade()
    assert project.differences() == [], project.texts()
    project.downgrade()
    assert catalog.diff(before, project.schema()) == [], project.texts()
    project.upgrade()
    return project.texts() + done.output


def test_a_check_that_is_not_valid_is_validated(workshop: Workshop) -> None:
    more = "ALTER TABLE t ADD CONSTRAINT ck_t_pos CHECK (a >= 0) NOT VALID"
    begin(workshop, table(), more)
    written = then(workshop, table(arguments=POS.format("a >= 0")))
    assert "op.validate_constraint('ck_t_pos', 't')" in written.replace('"', "'")
    assert "Warning" not in written


def test_the_comment_of_a_replaced_check_stays(workshop: Workshop) -> None:
    begin(
        workshop,
        table(arguments=POS.format("a >= 0")),
        "COMMENT ON CONSTRAINT ck_t_pos ON t IS 'x'",
    )
    then(workshop, table(arguments="(CheckConstraint('a > -1', name='pos', comment='x'),)"))


PARTITIONED = """
Table(
    "p",
    Base.metadata,
    Column("id", BigInteger, primary_key=True),
    Column("k", Integer, primary_key=True),
    Column("t", BigInteger),
    {},
    postgresql_partition_by="RANGE (k)",
)
"""
PARTS = (
    "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9); CREATE TABLE p2 PARTITION OF p"
    " FOR VALUES FROM (9) TO (99) PARTITION BY RANGE (k); CREATE TABLE p3 PARTITION OF p2 DEFAULT;"
    " INSERT INTO p SELECT g, g, g FROM generate_series(1, 50) g"
)


def test_an_index_of_a_partitioned_table_is_replaced_part_by_part(workshop: Workshop) -> None:
    begin(workshop, table(rest=PARTITIONED.format("Index('i', 't')")), PARTS)
    before = workshop.schema()
    workshop.models(table(rest=PARTITIONED.format("Index('i', 't', 'id')")))
    done = workshop.revise()
    assert done.code == 0, done.output
    for _ in range(2):
        workshop.upgrade()
        found = workshop.run(
            "SELECT tablename FROM pg_indexes WHERE indexdef LIKE '%(t, id)' ORDER BY tablename"
        )
        assert found == [("p",), ("p1",), ("p2",), ("p3",)]
        workshop.downgrade()
        assert catalog.diff(before, workshop.schema()) == []


def test_a_constraint_of_a_partitioned_table_is_replaced_as_the_message_says(
    workshop: Workshop,
) -> None:
    key = "ForeignKeyConstraint(['t'], ['t.id'], name='fk'{})"
    parts = PARTS.replace("INSERT", "INSERT INTO t (id) SELECT generate_series(1, 50); INSERT")
    begin(workshop, table(rest=PARTITIONED.format(key.format(""))), parts)
    workshop.models(table(rest=PARTITIONED.format(key.format(", ondelete='CASCADE'"))))
    done = workshop.revise()
    assert (done.code, workshop.written) == (5, [])
    assert "fk was not replaced: p is partitioned" in done.output
    (statement,) = re.findall(r"op\.execute\((.*?)\)\. Write", done.output)
    script = command.revision(workshop.config(), "by hand")
    path = Path(script.path)  # type: ignore[union-attr]
    text = path.read_text("utf-8").replace("    pass", f"    op.execute({statement})", 1)
    path.write_text(text, "utf-8")
    workshop.upgrade()
    done = workshop.revise()
    assert (done.code, workshop.written) == (0, []), done.output


def test_a_foreign_key_that_is_not_valid_is_replaced(workshop: Workshop) -> None:
    more = "ALTER TABLE t ADD CONSTRAINT fk_c FOREIGN KEY (c) REFERENCES t (id) NOT VALID"
    begin(workshop, table(C), more)
    then(workshop, table(C + FK.format(", ondelete='CASCADE'")))


def test_a_readable_line_for_each_change(workshop: Workshop) -> None:
    begin(workshop, table(arguments=B.format("")))
    written = then(workshop, table(arguments=B.format(", 'a'")))
    assert "Detected changed index ix_b on t" in written
    assert "o, p, t" not in written


def test_names_that_become_equal_are_refused(workshop: Workshop) -> None:
    begin(workshop, table())
    workshop.models(
        table(
            arguments="(Index('本' * 22 + '甲', 'a'), UniqueConstraint('b', name='本' * 22 + '乙'))"
        )
    )
    done = workshop.revise()
    assert (done.code, workshop.written) == (1, [])
    assert "are the same name to PostgreSQL, which keeps 63 bytes of a name" in done.output


def test_an_exclusion_constraint_is_dropped_by_name(workshop: Workshop) -> None:
    begin(workshop, table(RANGE, EXCLUDE.format("")))
    workshop.models(table(RANGE))
    done = workshop.revise()
    assert (done.code, workshop.written) == (5, [])
    assert "drop=t.ex_t_r" in done.output


def test_a_key_that_foreign_keys_refer_to_is_refused_by_name(workshop: Workshop) -> None:
    columns = "k: Mapped[int] = mapped_column(server_default='1'{})\n" + C + FK.format("")
    begin(workshop, table(columns.format("")))
    unique = "(UniqueConstraint('id', name='uq_id'),)"
    workshop.models(table(columns.format(", primary_key=True"), unique))
    done = workshop.revise()
    assert (done.code, workshop.written) == (5, [])
    assert "because foreign keys refer to it: fk_c of t" in done.output


def test_comments_of_indexes_are_nobodys_business(workshop: Workshop) -> None:
    """No model has one, so it is no drift; and it stays when the index is replaced."""
    begin(workshop, table(arguments=B.format("")), "COMMENT ON INDEX ix_b IS 'why'")
    done = workshop.revise()
    assert (done.code, workshop.written) == (0, []), done.output
    workshop.models(table(arguments=B.format(", 'a'")))
    done = workshop.revise()
    assert done.code == 0, done.output
    workshop.upgrade()
    comment = "SELECT obj_description('ix_b'::regclass, 'pg_class')"
    assert workshop.run(comment) == [("why",)]


@pytest.mark.parametrize(
    "condition",
    ["b IN ('a', 'b')", "b ~ '^x%' AND NOT (a IS NULL)", "CASE WHEN a = 1 THEN b = 'n' END"],
)
def test_how_postgresql_writes_it_is_no_difference(workshop: Workshop, condition: str) -> None:
    """As a dump has it, which PostgreSQL has read once more."""
    check = "(CheckConstraint({!r}, name='pos'), Index('ix_b', 'a', postgresql_where=text({!r})))"
    models = table(arguments=check.format(condition, condition))
    begin(workshop, models)
    ((written,),) = workshop.run(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_t_pos'"
    )
    ((index,),) = workshop.run("SELECT pg_get_indexdef('ix_b'::regclass)")
    again = f"ALTER TABLE t DROP CONSTRAINT ck_t_pos; DROP INDEX ix_b; {index};"
    begin(workshop, models, f"{again} ALTER TABLE t ADD CONSTRAINT ck_t_pos {written}")
    done = workshop.revise()
    assert (done.code, workshop.written) == (0, []), done.output
