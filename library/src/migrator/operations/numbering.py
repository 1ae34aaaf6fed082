"""What numbers the rows of a table: replaced in one statement, going on where the old one was."""

from dataclasses import dataclass

from migrator.operations import names
from migrator.operations.session import Session, block


@dataclass(frozen=True)
class Options:
    """The options of a sequence, None where they are PostgreSQL's own."""

    start: int | None = None
    increment: int | None = None
    minvalue: int | None = None
    maxvalue: int | None = None
    cycle: bool = False
    cache: int | None = None

    def sql(self) -> str:
        """Return them as CREATE SEQUENCE has them."""
        words = {
            "START WITH": self.start,
            "INCREMENT BY": self.increment,
            "MINVALUE": self.minvalue,
            "MAXVALUE": self.maxvalue,
            "CACHE": self.cache,
        }
        written = [f"{word} {value}" for word, value in words.items() if value is not None]
        return " ".join([*written, *(["CYCLE"] if self.cycle else [])])


def replace(session: Session, target: str, column: str, options: Options, made: str) -> None:
    """Replace the default or identity of a column by a new one, after the highest value.

    Args:
        target: the quoted name of the table.
        column: its name.
        options: of the new sequence.
        made: the statements that make the new one.
    """
    name, down = names.column(column), (options.increment or 1) < 0
    extreme, further = ("min", "least") if down else ("max", "greatest")
    sequence = f"pg_get_serial_sequence({names.literal(target)}, {names.literal(column)})"
    position = names.literal(
        "SELECT CASE WHEN s.is_called THEN s.last_value + q.seqincrement END"
        " FROM %s s, pg_catalog.pg_sequence q WHERE q.seqrelid = %L::regclass"
    )
    session.run(
        block(
            f"LOCK TABLE {target} IN ACCESS EXCLUSIVE MODE;\n"
            "  IF sequence IS NOT NULL THEN\n"
            f"    EXECUTE format({position}, sequence, sequence) INTO following;\n"
            "  END IF;\n"
            f"  ALTER TABLE {target} ALTER COLUMN {name} DROP IDENTITY IF EXISTS;\n"
            f"  ALTER TABLE {target} ALTER COLUMN {name} DROP DEFAULT;\n"
            "  IF sequence IS NOT NULL THEN\n"
            "    EXECUTE format('DROP SEQUENCE IF EXISTS %s', sequence);\n"
            "  END IF;\n"
            f"  {made}\n"
            f"  following := {further}(following,"
            f" (SELECT {extreme}({name}) + {options.increment or 1} FROM {target}));\n"
            "  IF following IS NOT NULL THEN\n"
            f"    sequence := {sequence};\n"
            f"    PERFORM setval(sequence, {further}(following, seqstart), false)\n"
            "    FROM pg_catalog.pg_sequence WHERE seqrelid = sequence::regclass;\n"
            "  END IF;",
            f"sequence text := {sequence}; following bigint;",
        )
    )
