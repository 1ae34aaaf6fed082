"""The schema in docs/json.md, and whether what a command prints is as it says."""

import json
from typing import Any

from jsonschema import Draft202012Validator

from tests.conftest import REPOSITORY, TEMPLATE_FOLDER
from tests.pages.blocks import blocks_of

PAGE = REPOSITORY / TEMPLATE_FOLDER / "docs/json.md"


def schema() -> dict[str, Any]:
    """The schema of the page; every object has exactly its keys, unless some are required."""
    (block,) = (each for each in blocks_of(PAGE.read_text("utf-8")) if each.language == "json")
    found: dict[str, Any] = closed(json.loads(block.text))
    Draft202012Validator.check_schema(found)
    return found


def closed(part: Any) -> Any:
    """A schema in which what the page says in a sentence is written out."""
    if isinstance(part, list):
        return [closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    found = {key: closed(value) for key, value in part.items()}
    if isinstance(part.get("properties"), dict) and "$ref" not in part["properties"]:
        found = {"type": "object", "required": [*part["properties"]], **found}
        found["additionalProperties"] = False
    return found


def validate(name: str, value: Any) -> None:
    """Compare what a command printed with its schema.

    Raises:
        AssertionError: it is not as documented.
    """
    whole = schema()
    assert name in whole["$defs"], f"docs/json.md says nothing of {name}"
    validator = Draft202012Validator(
        {"$ref": f"#/$defs/{name}", "$defs": whole["$defs"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
    assert not problems, "\n".join([f"{name} is not as docs/json.md has it:", *problems])
