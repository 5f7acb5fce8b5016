"""Is what one JSON Schema allows still readable by another?

jsonsubschema knows draft 4. What pydantic writes is brought into its words: references put in place, a constant as an
enum of one, a format as a pattern of its name (a format is readable by the same format, or by any string).
"""

from typing import Any

from jsonsubschema import isSubschema

_SAYS_NOTHING = {"title", "description", "default", "$defs", "$schema", "$id", "additionalProperties"}
_SAYS_NOTHING |= {"contentMediaType", "contentSchema"}


def still_reads(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """Whether a reader of `new` understands whatever a writer of `old` may have written."""
    return bool(
        isSubschema(_in_draft_4(old, old.get("$defs", {}), closed=True), _in_draft_4(new, new.get("$defs", {})))
    )


def _in_draft_4(schema: dict[str, Any], definitions: dict[str, Any], *, closed: bool = False) -> dict[str, Any]:
    """`closed`: an object holds what is listed and nothing else, since a writer adds nothing of its own."""
    if "$ref" in schema:
        return _in_draft_4(definitions[schema["$ref"].rpartition("/")[2]], definitions, closed=closed)
    plain: dict[str, Any] = {}
    for word, value in schema.items():
        match word:
            case "properties":
                plain[word] = {name: _in_draft_4(inner, definitions, closed=closed) for name, inner in value.items()}
                if closed:
                    plain["additionalProperties"] = False
            case "items":
                plain[word] = _in_draft_4(value, definitions, closed=closed)
            case "anyOf":
                plain[word] = [_in_draft_4(inner, definitions, closed=closed) for inner in value]
            case "const":
                plain["enum"] = [value]
            case "format":
                plain["pattern"] = f"^{value}$"
            case _ if word not in _SAYS_NOTHING:
                plain[word] = value
    if "enum" in plain:
        plain.pop("type", None)
    return plain
