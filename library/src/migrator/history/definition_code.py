"""Python for an index or a constraint, from its definition in PostgreSQL's catalog.

What SQLAlchemy reflects of them lacks operator classes, the order of expressions, exclusion
constraints and more. The definition lacks nothing.
"""

from collections.abc import Collection, Iterator

from sqlalchemy import Column, Index

from migrator.postgres import sql

NOT_DISTINCT = "NULLS NOT DISTINCT"
QUOTE = "'"


escaped = sql.for_text


def text(expression: str) -> str:
    """Return a call of text() for an expression."""
    return f"text({escaped(expression)!r})"


def index(definition: str, name: str, table: str, unique: bool, columns: Collection[str]) -> str:
    """Return a call of Index.

    Args:
        definition: as pg_get_indexdef writes it.
        columns: those of the table.
    """
    arguments = [repr(name)]
    options = ["unique=True"] if unique else []
    for words, content in _clauses(sql.index_definition(definition, name, table)):
        if words.startswith("USING"):
            arguments += [_element(each, columns) for each in elements(content)]
            method = words.split()[1].lower()
            options += [f"postgresql_using={method!r}"] if method != "btree" else []
        if NOT_DISTINCT in words:
            options.append("postgresql_nulls_not_distinct=True")
        if words == "INCLUDE":
            options.append(f"postgresql_include={_names(content)}")
        elif words.endswith("WITH"):
            pairs = [each.split("=", 1) for each in elements(content)]
            options.append(f"postgresql_with={ {key: value.strip(QUOTE) for key, value in pairs} }")
        elif words == "WHERE":
            options.append(f"postgresql_where={text(content)}")
    return f"Index({', '.join([*arguments, *options])})"


def key_options(definition: str) -> list[str]:
    """Return the arguments for what a UNIQUE constraint or a primary key has besides columns."""
    options = []
    for words, content in _clauses(definition):
        if NOT_DISTINCT in words:
            options.append("postgresql_nulls_not_distinct=True")
        if words == "INCLUDE":
            options.append(f"postgresql_include={_names(content)}")
        options += _deferrable(words)
    return options


def condition(definition: str) -> str:
    """Return the condition of a CHECK constraint, without NO INHERIT and the like."""
    found = next(content for _, content in _clauses(definition))
    inner = list(_clauses(found))
    return inner[0][1] if len(inner) == 1 and not inner[0][0] else found


def exclusion(definition: str, name: str) -> str:
    """Return a call of ExcludeConstraint."""
    arguments: list[str] = []
    options = [f"name={name!r}"]
    for words, content in _clauses(definition):
        if words.startswith("EXCLUDE USING"):
            options.append(f"using={words.split()[2].lower()!r}")
            for each in elements(content):
                expression, _, operator = each.rpartition(" WITH ")
                arguments.append(f"({text(expression)}, {operator!r})")
        elif words == "WHERE":
            rest, ending = _without_attributes(content)
            options += [f"where={text(rest)}", *_deferrable(ending)]
        options += _deferrable(words)
    return f"ExcludeConstraint({', '.join([*arguments, *options])})"


def elements(content: str) -> list[str]:
    """Return the parts between the commas that are in no parentheses."""
    found, depth = [""], 0
    for kind, token in sql.tokens(content):
        depth += (token in ("(", "[")) - (token in (")", "]")) if kind == "other" else 0
        if token == "," and not depth:
            found.append("")
        else:
            found[-1] += token
    return [each.strip() for each in found]


def _clauses(definition: str) -> Iterator[tuple[str, str]]:
    """Yield words with what is in the parentheses after them; after WHERE it is all the rest."""
    words, content, depth = "", "", 0
    pieces = list(sql.tokens(definition))
    for place, (kind, token) in enumerate(pieces):
        if not depth and kind == "word" and token.upper() == "WHERE":
            if words.strip():
                yield words.strip().upper(), ""
            yield "WHERE", "".join(each.text for each in pieces[place + 1 :]).strip()
            return
        opens, closes = (kind, token) == ("other", "("), (kind, token) == ("other", ")")
        if closes and depth == 1:
            yield words.strip().upper(), content
            words = content = ""
        elif depth:
            content += token
        elif not opens:
            words += token
        depth += opens - closes
    if words.strip():
        yield words.strip().upper(), ""


def _without_attributes(condition: str) -> tuple[str, str]:
    """Divide what follows WHERE into the condition, and DEFERRABLE with what follows."""
    depth, at = 0, 0
    for kind, token in sql.tokens(condition):
        depth += (token == "(") - (token == ")") if kind == "other" else 0
        if not depth and kind == "word" and token.upper() in ("DEFERRABLE", "INITIALLY"):
            return condition[:at].strip(), condition[at:].upper()
        at += len(token)
    return condition, ""


def _deferrable(words: str) -> list[str]:
    found = ["deferrable=True"] if "DEFERRABLE" in words.split() else []
    return found + (["initially='DEFERRED'"] if "INITIALLY DEFERRED" in words else [])


def _element(element: str, columns: Collection[str]) -> str:
    pieces = list(sql.tokens(element))
    if len(pieces) == 1 and pieces[0].kind in ("word", "quoted"):
        name = sql.identifiers(element)[0]
        if name in columns:
            return repr(name)
    return text(element)


def _names(content: str) -> list[str]:
    return [sql.identifiers(each)[0] for each in elements(content)]


def reflected_index(index: Index) -> str:
    """Return code for an index as SQLAlchemy reflects it."""
    parts = [
        repr(str(each.name)) if isinstance(each, Column) else text(str(each))
        for each in index.expressions
    ]
    options = ["unique=True"] if index.unique else []
    for key, value in index.dialect_kwargs.items():
        if value:
            options.append(f"{key}={text(str(value)) if key.endswith('_where') else repr(value)}")
    return f"Index({', '.join([repr(str(index.name)), *parts, *options])})"
