"""Is what one JSON Schema allows still readable by another?

jsonsubschema knows draft 4. What pydantic writes is brought into its words: references put in place, a constant as an
enum of one, a format as a pattern of its name (a format is readable by the same format, or by any string).
"""

from typing import Any

from jsonsubschema import isSubschema

_SAYS_NOTHING = {"title", "description", "default", "contentMediaType", "contentSchema", "$defs", "$schema", "$id"}
_TRANSLATED = {"properties", "additionalProperties", "items", "anyOf", "format", "const", "enum"}


def still_reads(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """Whether a reader of `new` understands whatever a writer of `old` may have written."""
    return bool(
        isSubschema(_in_draft_4(old, old.get("$defs", {}), closed=True), _in_draft_4(new, new.get("$defs", {})))
    )


def _in_draft_4(schema: dict[str, Any], definitions: dict[str, Any], *, closed: bool = False) -> dict[str, Any]:
    """`closed`: an object holds what is listed and nothing else, since a writer adds nothing of its own."""
    if "$ref" in schema:
        return _in_draft_4(definitions[schema["$ref"].rpartition("/")[2]], definitions, closed=closed)

    def inside(inner: dict[str, Any]) -> dict[str, Any]:
        return _in_draft_4(inner, definitions, closed=closed)

    plain = {word: value for word, value in schema.items() if word not in _SAYS_NOTHING | _TRANSLATED}
    if "properties" in schema:
        plain["properties"] = {name: inside(inner) for name, inner in schema["properties"].items()}
        plain |= {"additionalProperties": False} if closed else {}
    if "items" in schema:
        plain["items"] = inside(schema["items"])
    if "anyOf" in schema:
        plain["anyOf"] = [inside(inner) for inner in schema["anyOf"]]
    if "format" in schema:
        plain["pattern"] = f"^{schema['format']}$"
    if "const" in schema or "enum" in schema:
        plain["enum"] = schema.get("enum", [schema.get("const")])
        plain.pop("type", None)
    return plain
