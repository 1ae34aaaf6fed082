"""What an expression computes, and which rows a condition lets through."""

from collections.abc import Collection, Iterable

from migrator.lint.statements.nodes import Node, constant, dotted, find, texts, unwrap, word

# PostgreSQL's functions that give every row of a statement the same; others, and those of
# extensions and of users, may not.
STABLE = {
    *("now", "transaction_timestamp", "statement_timestamp", "timezone", "date_trunc", "date_part"),
    *("extract", "make_date", "make_time", "make_timestamp", "make_timestamptz", "make_interval"),
    *("to_timestamp", "to_date", "to_char", "to_number", "to_json", "to_jsonb", "age", "format"),
    *("lower", "upper", "initcap", "btrim", "ltrim", "rtrim", "concat", "concat_ws", "left"),
    *("right", "repeat", "replace", "md5", "encode", "decode", "length", "substring", "abs"),
    *("json_build_object", "json_build_array", "jsonb_build_object", "jsonb_build_array"),
    *("json_object", "jsonb_object", "row_to_json", "string_to_array", "array_fill", "round"),
    *("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange", "to_tsvector"),
    *("current_setting", "current_schema", "current_database", "floor", "ceil", "power"),
}
WIDE = 50_000  # rows between two constants that are more than a batch


def is_volatile(node: Node) -> bool:
    """Return whether an expression may have another value for each row."""
    return any(dotted(texts(call.funcname)) not in STABLE for call in find(node, "FuncCall"))


def not_null(node: Node) -> set[str]:
    """Return the columns of a condition `column IS NOT NULL`, which may be joined by AND."""
    kind, inner = unwrap(node)
    if kind == "bool_expr" and word(inner, "boolop") == "AND_EXPR":
        return set().union(*map(not_null, inner.args))
    if kind == "null_test" and word(inner, "nulltesttype") == "IS_NOT_NULL":
        return {_column(inner.arg)}
    return set()


def columns_of(node: Node) -> tuple[str, ...]:
    """Return the columns in an expression, each once."""
    found = (text[-1] for each in find(node, "ColumnRef") if (text := texts(each.fields)))
    return tuple(dict.fromkeys(found))


def outputs(query: Node) -> tuple[str, ...]:
    """Return the names of the columns that a query gives; nothing if they are not known."""
    _, select = unwrap(query)
    while select is not None and select.HasField("larg"):
        select = select.larg
    targets = [each.res_target for each in select.target_list] if select is not None else []
    names = tuple(each.name or _column(each.val) for each in targets)
    return names if all(names) else ()


class Condition:
    """A WHERE: the columns that it limits to constants, and whether it limits the rows otherwise.

    Args:
        where: the condition; an empty node if there is none.
        variables: names in it may be variables of PL/pgSQL, which are constants for a statement.
        batches: the names of queries with a limit, which what is equal to one of their rows has.
        constants: the names of VALUES, which are as good as constants.
    """

    def __init__(
        self,
        where: Node,
        *,
        variables: bool = False,
        batches: Collection[str] = (),
        constants: Collection[str] = (),
    ) -> None:
        self._variables, self._batches, self._constants = variables, batches, constants
        self.limited = self.ranged = False
        self.columns = tuple(sorted(self._keys(where)))

    @property
    def facts(self) -> frozenset[str]:
        """What counts besides the columns: a limit, or a range in place of single values."""
        holds = {"limited": self.limited, "range": self.ranged}
        return frozenset(fact for fact, is_so in holds.items() if is_so)

    def _keys(self, node: Node) -> set[str]:
        kind, inner = unwrap(node)
        if kind == "bool_expr" and word(inner, "boolop") == "AND_EXPR":
            return self._all_of(inner.args)
        if kind == "bool_expr" and word(inner, "boolop") == "OR_EXPR":
            limited, self.limited = self.limited, False
            branches, each_limits = [], []
            for each in inner.args:
                self.limited = False
                branches.append(self._keys(each))
                each_limits.append(self.limited)
            self.limited = limited or all(each_limits)
            return set.intersection(*branches)
        if kind == "a_expr":
            return self._compared(inner)
        if kind == "sub_link" and word(inner, "sub_link_type") == "ANY_SUBLINK":
            return self._among(_column(inner.testexpr), inner.subselect.select_stmt)
        if kind == "current_of_expr" or constant(node) == "false":
            self.limited = True
        return set()

    def _all_of(self, nodes: Iterable[Node]) -> set[str]:
        found: set[str] = set()
        sides: dict[str, dict[str, str]] = {}
        for each in nodes:
            found |= self._keys(each)
            kind, inner = unwrap(each)
            sign = texts(inner.name)[-1][0] if kind == "a_expr" else ""
            if sign in ("<", ">"):
                turned = {"<": ">", ">": "<"}[sign]
                for one, other, side in (
                    (inner.lexpr, inner.rexpr, sign),
                    (inner.rexpr, inner.lexpr, turned),
                ):
                    if (column := _column(one)) and self._is_constant(other):
                        sides.setdefault(column, {})[side] = constant(other) or ""
        ranges = {
            column
            for column, ends in sides.items()
            if len(ends) > 1 and not _is_wide(ends[">"], ends["<"])
        }
        self.ranged = self.ranged or bool(ranges)
        return found | ranges

    def _compared(self, inner: Node) -> set[str]:
        left, right, kind = _column(inner.lexpr), _column(inner.rexpr), word(inner, "kind")
        is_equal = texts(inner.name) == ["="]
        if kind == "AEXPR_OP" and is_equal and left and right:
            sides = [(_qualifier(inner.lexpr), right), (_qualifier(inner.rexpr), left)]
            self.limited = self.limited or any(name in self._batches for name, _ in sides)
            if found := {column for name, column in sides if name in self._constants}:
                return found
        if kind == "AEXPR_OP" and is_equal:
            if left and self._is_constant(inner.rexpr, query=True):
                return {left}
            return {right} if right and self._is_constant(inner.lexpr, query=True) else set()
        if kind == "AEXPR_OP_ANY" and inner.rexpr.HasField("sub_link"):
            return self._among(left, inner.rexpr.sub_link.subselect.select_stmt)
        if not left or not self._is_constant(inner.rexpr):
            return set()
        if kind == "AEXPR_BETWEEN":
            low, high = (constant(each) or "" for each in inner.rexpr.list.items)
            self.ranged = True
            return set() if _is_wide(low, high) else {left}
        return {left} if is_equal and kind in ("AEXPR_OP_ANY", "AEXPR_IN") else set()

    def _among(self, column: str, select: Node) -> set[str]:
        tables = [each.range_var.relname for each in select.from_clause]
        if is_batch(select) or (tables and set(tables) <= {*self._batches}):
            self.limited = True
        return {column} if column and select.values_lists else set()

    def _is_constant(self, node: Node, *, query: bool = False) -> bool:
        """Return whether a value is the same for each row; a scalar `query` is, too."""
        links = list(find(node, "SubLink"))
        if links:
            return (
                query
                and node.HasField("sub_link")
                and word(links[0], "sub_link_type") == "EXPR_SUBLINK"
            )
        return self._variables or not any(find(node, "ColumnRef"))


def is_batch(select: Node) -> bool:
    """Return whether a SELECT has a LIMIT that is no more than a batch."""
    limit = constant(select.limit_count) if select.HasField("limit_count") else None
    if limit is not None and limit.isdecimal():
        return int(limit) <= WIDE
    return bool(select.HasField("limit_count"))


def is_wide_series(call: Node) -> bool:
    """Return whether a call is a generate_series of very many rows."""
    ends = [constant(each) or "" for each in call.args][:2]
    is_series = dotted(texts(call.funcname)) == "generate_series"
    return is_series and len(ends) > 1 and _is_wide(*ends)


def _is_wide(low: str, high: str) -> bool:
    return low.isdecimal() and high.isdecimal() and int(high) - int(low) > WIDE


def _qualifier(node: Node) -> str:
    """Return the table in `table.column`, or nothing."""
    found = texts(node.column_ref.fields) if node.HasField("column_ref") else []
    return found[-2] if len(found) > 1 else ""


def _column(node: Node) -> str:
    kind, inner = unwrap(node)
    if kind == "column_ref" and (found := [e for e in inner.fields if e.HasField("string")]):
        return texts(found)[-1]
    return _column(inner.arg) if kind == "type_cast" else ""
