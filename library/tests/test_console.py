"""The log of Alembic, as a reader gets it."""

import io
import logging

import pytest

from migrator.console import Handler

AUTOGENERATE = "alembic.autogenerate.compare.constraints"


@pytest.mark.parametrize(
    ("name", "text", "arguments", "expected"),
    [
        (
            AUTOGENERATE,
            "Detected changed index %r on %r: %s",
            ("ix", "t", ", ".join("options {} to {'include': ['a']}")),
            "Detected changed index 'ix' on 't'",
        ),
        (
            AUTOGENERATE,
            "Detected changed unique constraint %r on %r: %s",
            ("uq", "t", "expression #1 'a' to 'b'"),
            "Detected changed unique constraint 'uq' on 't'",
        ),
        (
            AUTOGENERATE,
            "Detected added index %r on '%s'",
            ("ix", ("a", "b")),
            "Detected added index 'ix' on 'a, b'",
        ),
        (AUTOGENERATE, "Detected %s on column '%s.%s'", ("NULL", "t", "a"), None),
        ("alembic.runtime.migration", "Context impl %s.", ("PostgresqlImpl",), ""),
        ("app", "Detected changed index %r on %r: %s", ("ix", "t", "a, b"), None),
        (AUTOGENERATE, "Detected 100% of it", (), "Detected 100% of it"),
    ],
)
def test_log_lines_can_be_read(
    name: str, text: str, arguments: tuple[object, ...], expected: str | None
) -> None:
    """Without an expected text, the line is as Alembic has it."""
    out = io.StringIO()
    record = logging.LogRecord(name, logging.INFO, "", 0, text, arguments, None)
    Handler(out).handle(record)
    assert out.getvalue().strip() == (text % arguments if expected is None else expected)
