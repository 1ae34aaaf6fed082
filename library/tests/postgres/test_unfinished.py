"""What the migration log keeps of unfinished indexes and constraints, and what it kept before."""

import pytest

from migrator.postgres.unfinished import Unfinished

INDEX = Unfinished("index", "public", "ix_a", None, "ix_a")
CONSTRAINT = Unfinished("constraint", "app", "pos", "orders", "app.orders")


@pytest.mark.parametrize("found", [INDEX, CONSTRAINT])
def test_what_is_stored_is_found_again(found: Unfinished) -> None:
    assert Unfinished.of(found.stored()) == found


def test_the_words_are_not_what_is_compared() -> None:
    assert Unfinished("index", "public", "ix_a", None, "public.ix_a") == INDEX


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("INVALID index ix_a", INDEX),
        ("NOT VALID constraint pos on app.orders", CONSTRAINT),
        (
            'NOT VALID constraint pos on "Orders"',
            Unfinished("constraint", "public", "pos", "Orders"),
        ),
    ],
)
def test_sentences_of_an_older_version_are_understood(sentence: str, found: Unfinished) -> None:
    assert Unfinished.of(sentence) == found


def test_anything_else_is_an_error() -> None:
    with pytest.raises(ValueError, match="half an index"):
        Unfinished.of("half an index")


def test_in_words() -> None:
    assert str(INDEX) == "INVALID index ix_a"
    assert str(CONSTRAINT) == "NOT VALID constraint pos on app.orders"
