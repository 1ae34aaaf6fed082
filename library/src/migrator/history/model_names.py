"""Names in drafted models that mean nothing else where they stand."""

import unicodedata

# What a draft may import or use below a class attribute of this name. `object: Mapped[...]` would
# be the type of each `Mapped[object]` after it.
USED = frozenset(
    {
        *("Any", "Base", "Optional", "Other", "Range", "UUID", "datetime", "decimal"),
        *("bool", "bytes", "dict", "float", "int", "list", "object", "str"),
        *("Column", "Computed", "DOMAIN", "Enum", "ExcludeConstraint", "Identity", "Index"),
        *("Mapped", "Sequence", "Table", "conv", "mapped_column", "relationship", "text"),
        *("Annotated", "ClassVar", "Self", "type", "property", "super", "registry"),
    }
)


def plain(name: str) -> str:
    """Return `name` as an identifier, as Python reads it.

    Two underscores at the beginning would be private to the class.
    """
    normal = unicodedata.normalize("NFKC", name)
    found = "".join(each if f"a{each}".isidentifier() else "_" for each in normal)
    found = found.lstrip("_") or "unnamed"
    return found if found.isidentifier() else f"n{found}"
