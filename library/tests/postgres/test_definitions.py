"""Definitions of indexes and constraints, read far enough."""

import pytest

from migrator.postgres import sql

VARCHAR = "'a'::character varying, 'b'::character varying"


def test_the_definition_of_an_index_begins_behind_its_table() -> None:
    statement = 'CREATE UNIQUE INDEX "i USING x" ON public."t ""q""" USING gin (b) WHERE a > 1'
    assert sql.index_definition(statement, "i USING x", 't "q"') == "USING gin (b) WHERE a > 1"


@pytest.mark.parametrize(
    ("definition", "index", "rest"),
    [
        ("PRIMARY KEY (id)", "USING btree (id)", ""),
        (
            'UNIQUE (a, "b DEFERRABLE") INCLUDE (c)',
            'USING btree (a, "b DEFERRABLE") INCLUDE (c)',
            "",
        ),
        (
            "UNIQUE NULLS NOT DISTINCT (a) DEFERRABLE INITIALLY DEFERRED",
            "USING btree (a) NULLS NOT DISTINCT",
            "DEFERRABLE INITIALLY DEFERRED",
        ),
        ("UNIQUE (a) NOT DEFERRABLE", "USING btree (a)", "NOT DEFERRABLE"),
    ],
)
def test_the_index_of_a_key(definition: str, index: str, rest: str) -> None:
    assert sql.is_key(definition)
    assert sql.key_index(definition) == (index, rest)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (
            f"CHECK (((b)::text = ANY ((ARRAY[{VARCHAR}])::text[])))",
            f"CHECK (((b)::text = ANY ((ARRAY[{VARCHAR}]::character varying[])::text[])))",
        ),
        ("CHECK ((a = ANY (ARRAY[1, 2])))", "CHECK ((a = ANY (ARRAY[1, 2])))"),
        ("CHECK ((b <> '(ARRAY[x])::'::text))", "CHECK ((b <> '(ARRAY[x])::'::text))"),
        ("CHECK ((b = ANY (ARRAY[", "CHECK ((b = ANY (ARRAY["),
    ],
)
def test_a_definition_that_is_read_as_it_was_written(written: str, wanted: str) -> None:
    assert sql.repeatable(written) == wanted
    assert sql.repeatable(wanted) == wanted
