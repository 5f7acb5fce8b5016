"""What is kept of an operator's CustomResourceDefinition: `python tests/deploy/custom_resources/vendor.py VERSION CRD.yaml …`.

Texts, defaults and the status go, since no file here sets them. What the API server prunes or warns of (a field nobody knows) is
forbidden, so that a slip of the pen fails. Rules in CEL are left out: no validator of JSON Schema reads them.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

_LEFT_OUT = {"description", "default", "example", "externalDocs", "title", "format"}
_SHARED_FROM = 200  # letters: what is longer and comes twice stands in $defs once


def closed(schema: Any) -> Any:
    """The schema without words, and without room for what it does not name."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: value for name, value in schema.items() if name not in _LEFT_OUT and not name.startswith("x-")}
    kept = {name: closed(value) for name, value in kept.items() if name not in {"properties", "enum"}}
    if "enum" in schema:
        kept["enum"] = schema["enum"]
    if "properties" in schema:
        kept["properties"] = {name: closed(value) for name, value in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields") and "type" in schema:
            kept.setdefault("additionalProperties", False)
    return kept


def shared(schema: dict[str, Any]) -> dict[str, Any]:
    """Equal parts once: an operator repeats a pod's template for each of its pods."""
    seen: Counter[str] = Counter()

    def count(part: Any) -> None:
        if isinstance(part, dict):
            text = json.dumps(part, sort_keys=True)
            seen[text] += len(text) >= _SHARED_FROM and "type" in part
            if seen[text] > 1:
                return  # its own parts were counted with the first
        for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else []:
            count(each)

    count(schema)
    names = {text: f"d{number}" for number, text in enumerate(t for t, times in seen.items() if times > 1)}

    def refer(part: Any, *, itself: bool = False) -> Any:
        if isinstance(part, list):
            return [refer(each) for each in part]
        if not isinstance(part, dict):
            return part
        name = names.get(json.dumps(part, sort_keys=True))
        if name and not itself:
            return {"$ref": f"#/$defs/{name}"}
        return {key: refer(value) for key, value in part.items()}

    return {**refer(schema), "$defs": {name: refer(json.loads(text), itself=True) for text, name in names.items()}}


def main(version: str, files: list[str]) -> None:
    for file in files:
        spec = yaml.load(Path(file).read_text(), yaml.CSafeLoader)["spec"]
        (schema,) = [v["schema"]["openAPIV3Schema"] for v in spec["versions"] if v["name"] == version]
        schema["properties"].pop("status", None)
        kept = {"$comment": f"{spec['group']}/{version}", **shared(closed(schema))}
        target = Path(__file__).with_name(f"{spec['names']['kind']}.json")
        target.write_text(json.dumps(kept, separators=(",", ":")).replace('},"', '},\n"') + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
