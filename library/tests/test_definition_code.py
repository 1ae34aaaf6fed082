"""Python for indexes and constraints, from what PostgreSQL's catalog says."""

from __future__ import annotations

import pytest

from migrator.history import definition_code, model_names
from migrator.postgres import sql


@pytest.mark.parametrize(
    ("definition", "code"),
    [
        ("USING btree (a)", "'a'"),
        ('USING btree ("A b")', "'A b'"),
        ("USING btree (a DESC)", "text('a DESC')"),
        (
            "USING btree (a NULLS FIRST, lower(b) DESC)",
            "text('a NULLS FIRST'), text('lower(b) DESC')",
        ),
        (
            "USING gin (a public.gin_trgm_ops)",
            "text('a public.gin_trgm_ops'), postgresql_using='gin'",
        ),
        ('USING btree (a) INCLUDE (b, "A b")', "'a', postgresql_include=['b', 'A b']"),
        ("USING btree (a) NULLS NOT DISTINCT", "'a', postgresql_nulls_not_distinct=True"),
        (
            "USING btree (a) NULLS NOT DISTINCT WITH (fillfactor='70') WHERE (b <> ' :x'::text)",
            "'a', postgresql_nulls_not_distinct=True, postgresql_with={'fillfactor': '70'},"
            r""" postgresql_where=text("(b <> ' \\:x'::text)")""",
        ),
        ("USING btree (a) TABLESPACE fast WHERE b", "'a', postgresql_where=text('b')"),
        ("USING btree (((a || ','::text) || b))", "text(\"((a || ','::text) || b)\")"),
    ],
)
def test_an_index(definition: str, code: str) -> None:
    statement = f'CREATE INDEX "i x" ON public.t {definition}'
    made = definition_code.index(statement, "i x", "t", False, ["a", "b", "A b"])
    assert made == f"Index('i x', {code})"


def test_an_exclusion_constraint() -> None:
    definition = (
        "EXCLUDE USING gist (room WITH =, tsrange(a, b) public.ops WITH &&)"
        " WHERE ((room > 0)) DEFERRABLE INITIALLY DEFERRED"
    )
    assert definition_code.exclusion(definition, "e") == (
        "ExcludeConstraint((text('room'), '='), (text('tsrange(a, b) public.ops'), '&&'), name='e',"
        " using='gist', where=text('((room > 0))'), deferrable=True, initially='DEFERRED')"
    )


@pytest.mark.parametrize(
    ("definition", "options"),
    [
        ("PRIMARY KEY (a)", []),
        ("UNIQUE (a) INCLUDE (b)", ["postgresql_include=['b']"]),
        ("UNIQUE NULLS NOT DISTINCT (a)", ["postgresql_nulls_not_distinct=True"]),
        ("UNIQUE (a) DEFERRABLE INITIALLY DEFERRED", ["deferrable=True", "initially='DEFERRED'"]),
    ],
)
def test_the_options_of_a_key(definition: str, options: list[str]) -> None:
    assert definition_code.key_options(definition) == options


@pytest.mark.parametrize(
    ("definition", "condition"),
    [
        ("CHECK ((a > 0))", "a > 0"),
        ("CHECK ((a > 0)) NO INHERIT NOT VALID", "a > 0"),
        ("CHECK ((a > 0)) NOT ENFORCED", "a > 0"),
        ("CHECK (((a > 0) AND (b > 0)))", "(a > 0) AND (b > 0)"),
        ("CHECK (f(a))", "f(a)"),
    ],
)
def test_the_condition_of_a_check(definition: str, condition: str) -> None:
    assert definition_code.condition(definition) == condition


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("a b", "a_b"),
        ("__private", "private"),
        ("1st", "n1st"),
        ("x²", "x2"),
        ("%", "unnamed"),
        ("金额", "金额"),
        ("ﬁ", "fi"),
    ],
)
def test_a_name_that_python_reads(name: str, identifier: str) -> None:
    assert model_names.plain(name) == identifier


def test_the_sequences_in_a_default() -> None:
    assert sql.sequence("nextval('public.t_id_seq'::regclass)") == ("public", "t_id_seq")
    assert sql.sequence("nextval('public.\"T s\"'::regclass)") == ("public", "T s")
    assert sql.sequence("('x'::text || nextval('public.s'::regclass))") == ()
    assert sql.sequences("(nextval('a.s'::regclass) + nextval('b.s'::regclass))") == [
        ("a", "s"),
        ("b", "s"),
    ]
