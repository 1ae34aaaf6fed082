"""The safe form of a statement, with its own names."""

import pytest

from migrator.lint.safe_form import write

FORMS = {
    'CREATE UNIQUE INDEX "My ix" ON a.b USING btree (lower(x), "Y z") WHERE x > \'a:b\'': (
        "op.create_index_concurrently(\n"
        '    "My ix",\n'
        '    "b",\n'
        '    [sa.text("lower(x)"), "Y z"],\n'
        '    schema="a",\n'
        "    unique=True,\n"
        "    postgresql_where=sa.text(\"x > 'a:b'\"),\n"
        ")"
    ),
    "DROP INDEX IF EXISTS ix": 'op.drop_index_concurrently("ix", "t", schema="s")',
    "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (b) ON DELETE CASCADE": (
        'op.add_foreign_key_validated("f", "t", "u", ["a"], ["b"], ondelete="CASCADE")'
    ),
    "ALTER TABLE t ADD CONSTRAINT c CHECK (a = ANY (ARRAY[1, 2]))": (
        'op.add_check_validated("c", "t", "a = ANY(ARRAY[1, 2])")'
    ),
    'ALTER TABLE t ADD CONSTRAINT u UNIQUE (a, "B")': (
        'op.add_unique_concurrently("u", "t", ["a", "B"])'
    ),
    "ALTER TABLE t ALTER a SET NOT NULL": 'op.set_not_null("t", "a")',
    "UPDATE s.t SET a = lower(b) WHERE d IS NULL": (
        'op.backfill("t", {"a": sa.text("lower(b)")}, key="id", where="d IS NULL", schema="s")'
    ),
}
# What the operations cannot say in the same words, and what is no single statement.
NONE = (
    "UPDATE t SET a = u.b FROM u WHERE u.id = t.id",
    "UPDATE t SET (a, b) = (SELECT 1, 2)",
    "CREATE INDEX ix ON t (a DESC)",
    "CREATE INDEX ix ON t (a) INCLUDE (b)",
    "CREATE INDEX ON t (a)",
    "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a) DEFERRABLE",
    "ALTER TABLE t ADD UNIQUE (a)",
    "SELECT (",
    "SELECT 1; SELECT 2",
    "",
)
ADVICE = " ".join(f"{form.partition('(')[0]}(...)," for form in FORMS.values())


@pytest.mark.parametrize("statement", FORMS)
def test_form(statement: str) -> None:
    written = write(ADVICE, statement, ["s.t"]).replace("\n    ", " ").replace(",\n)", ")")
    wanted = FORMS[statement].replace("\n    ", " ").replace(",\n)", ")")
    assert written.replace("( ", "(") == wanted.replace("( ", "(")


@pytest.mark.parametrize("statement", NONE)
def test_no_form(statement: str) -> None:
    assert write(ADVICE, statement) == ""


def test_only_what_the_advice_names() -> None:
    assert write("op.backfill(...)", "ALTER TABLE t ALTER a SET NOT NULL") == ""


def test_a_change_of_type_goes_through_a_new_column() -> None:
    advice = "op.backfill(...) into a new column"
    code = write(advice, "ALTER TABLE t ALTER c TYPE numeric(12, 4) USING c::numeric(12, 4)")
    assert code.splitlines()[0] == 'op.execute("ALTER TABLE t ADD COLUMN new_c numeric(12, 4)")'
    assert 'op.backfill("t", {"new_c": sa.text("c::numeric(12, 4)")}, key="id")' in code


def test_contract_repeats_the_statement() -> None:
    code = write('move it to phase = "contract"', "DROP VIEW  v")
    assert code == 'phase = "contract"\n\nop.execute("DROP VIEW v")'
