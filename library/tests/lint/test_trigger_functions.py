"""What a trigger's function does with rows, by its words."""

import pytest

from migrator.lint.statements.trigger_functions import RAISES, RETURNS_NULL, effects


@pytest.mark.parametrize(
    ("body", "facts", "columns"),
    [
        ("BEGIN RETURN NEW; END", set(), ()),
        ("BEGIN RAISE EXCEPTION 'no'; END", {RAISES}, ()),
        ("BEGIN RAISE 'no %', NEW.a; END", {RAISES}, ()),
        ("BEGIN IF NEW.a < 1 THEN raise unique_violation; END IF; RETURN NEW; END", {RAISES}, ()),
        ("BEGIN ASSERT NEW.a > 0; RETURN NULL; END", {RAISES, RETURNS_NULL}, ()),
        ("BEGIN RAISE NOTICE 'x'; RAISE warning 'RAISE EXCEPTION'; RETURN NEW; END", set(), ()),
        ("BEGIN -- RAISE EXCEPTION 'x';\n RETURN NEW; END", set(), ()),
        ("BEGIN PERFORM f(); EXCEPTION WHEN others THEN RAISE; END", set(), ()),
        ("BEGIN NEW.a := lower(NEW.a); NEW.b = 1; RETURN NEW; END", set(), ("a", "b")),
        ("BEGIN NEW.at := now(); NEW.on = current_date; RETURN NEW; END", set(), ()),
        ("BEGIN NEW.a := coalesce(NEW.a, 0); RETURN NEW; END", set(), ()),
        ("BEGIN IF NEW.a IS NULL THEN NEW.a := 0; END IF; RETURN NEW; END", set(), ()),
        ("BEGIN IF NEW.a = 1 THEN RETURN NEW; END IF; RETURN NULL; END", {RETURNS_NULL}, ()),
        ("", set(), ()),
    ],
)
def test_effects(body: str, facts: set[str], columns: tuple[str, ...]) -> None:
    assert effects(body) == (frozenset(facts), columns)
