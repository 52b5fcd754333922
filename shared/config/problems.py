"""What is wrong with a configured value, in words: the value, what is allowed, what to do.

The allowed values are read off the model's JSON Schema, so that no text can fall behind the model.
"""

import difflib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from shared.observability.redaction import redact_address

Schema = dict[str, Any]


def explain(error: ErrorDetails, schema: Schema, *, show_value: bool = True) -> str:
    """One sentence about *error*.

    Args:
        error: as pydantic reports it.
        schema: JSON Schema of the whole model.
        show_value: False for a secret.
    """
    place = schema_at(schema, error["loc"])
    match error["type"]:
        case "missing":
            return f"is missing; allowed: {allowed(place, schema)}; do: add it"
        case "extra_forbidden":
            return _unknown_key(error["loc"], schema)
        case "union_tag_not_found":
            return f"is missing; allowed: {', '.join(_kinds(place))}; do: add it"
        case "union_tag_invalid":
            tag = error["ctx"]["tag"]
            return f"{_shown(tag)}is not allowed; allowed: {', '.join(_kinds(place))}{_meant(tag, _kinds(place))}"
        case "value_error":
            told = str(error["msg"]).removeprefix("Value error, ")
            return f"{_shown(error['input'])}{told}" if show_value else told
    value = _shown(error["input"]) if show_value else "its value "
    return f"{value}is not allowed; allowed: {allowed(place, schema)}{_advice(error['input'], place, schema)}"


def nearest(word: object, names: Iterable[str]) -> str | None:
    """The one of *names* that *word* was probably meant to be."""
    plain = {name.lower().replace("_", "-"): name for name in names}
    found = difflib.get_close_matches(str(word)[:80].lower().replace("_", "-"), plain, n=1, cutoff=0.6)
    return plain[found[0]] if found else None


def allowed(place: Schema, schema: Schema) -> str:
    """What *place*, a part of *schema*, takes."""
    place = _resolved(place, schema)
    if "description" in place and any("pattern" in branch for branch in _branches(place, schema)):
        return str(place["description"])
    described = "description" in place and place.get("type") != "object" and "enum" not in place
    purpose = f" ({place['description']})" if described else ""
    return _kind(place, schema) + purpose


def names_at(place: Schema, schema: Schema) -> list[str]:
    """The closed list of values that *place* takes; empty if it is not closed."""
    place = _resolved(place, schema)
    if "const" in place:
        return [str(place["const"])]
    return [str(value) for value in place.get("enum", [])]


def schema_at(schema: Schema, loc: Sequence[int | str]) -> Schema:
    """The part of *schema* that describes *loc* of a pydantic error; tags of a union in *loc* choose its branch."""
    place: Schema = schema
    for step in loc:
        place = _descend(_resolved(place, schema), step, schema)
    return _resolved(place, schema)


def _kind(place: Schema, schema: Schema) -> str:
    if choices := names_at(place, schema):
        return ", ".join(choices)
    if "anyOf" in place:
        return " or ".join(allowed(part, schema) for part in place["anyOf"])
    if "oneOf" in place:
        return f"a mapping whose {place['discriminator']['propertyName']} is {' or '.join(_kinds(place))}"
    kind = place.get("type")
    describe = {
        "integer": _number,
        "number": _number,
        "string": _text,
        "array": _list,
        "object": _mapping,
    }.get(str(kind))
    if describe:
        return describe(place, schema)
    return {"boolean": "true or false", "null": "nothing"}.get(str(kind), "another value")


def _descend(place: Schema, step: int | str, schema: Schema) -> Schema:
    for branch in _branches(place, schema):
        if isinstance(step, int) and branch.get("type") == "array":
            parts = branch.get("prefixItems", [])
            return dict(parts[step] if step < len(parts) else branch.get("items") or {})
        if step in branch.get("properties", {}):
            return dict(branch["properties"][step])
    return _tagged(place, str(step))


def _tagged(place: Schema, tag: str) -> Schema:
    """The branch of a union that *tag* names, by the mapping in the schema or by the model's name."""
    named = {str(part.get("$ref", "")).rpartition("/")[2].lower(): part for part in place.get("oneOf", [])}
    mapped = place.get("discriminator", {}).get("mapping", {}).get(tag)
    return {"$ref": mapped} if mapped else dict(named.get(tag, {}))


def _branches(place: Schema, schema: Schema) -> list[Schema]:
    return [place, *(_resolved(part, schema) for part in place.get("anyOf", []))]


def _resolved(place: Schema, schema: Schema) -> Schema:
    while "$ref" in place:
        name = str(place["$ref"]).rpartition("/")[2]
        place = schema["$defs"][name] | {key: value for key, value in place.items() if key != "$ref"}
    return place


def _unknown_key(loc: Sequence[int | str], schema: Schema) -> str:
    parents = _branches(schema_at(schema, loc[:-1]), schema)
    known = [name for parent in parents for name in parent.get("properties", {})]
    meant = nearest(loc[-1], known)
    advice = f"did you mean {meant!r}?" if meant else "remove it"
    return f"is not a known key; allowed: {', '.join(known)}; do: {advice}"


def _advice(value: object, place: Schema, schema: Schema) -> str:
    if (
        isinstance(value, str)
        and value in {"yes", "no", "on", "off", "y", "n"}
        and place.get("type") == "boolean"
    ):
        return "; do: write true or false (yes, no, on and off are plain text here)"
    return _meant(value, names_at(place, schema))


def _meant(value: object, names: list[str]) -> str:
    meant = nearest(value, names) if isinstance(value, str) else None
    return f"; do: did you mean {meant!r}?" if meant else ""


def _kinds(place: Schema) -> list[str]:
    return list(place.get("discriminator", {}).get("mapping", {}))


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "a mapping " if isinstance(value, dict) else f"a list of {len(value)} "
    text = ascii(redact_address(value)[:80]) if isinstance(value, str) else json.dumps(value)[:80]
    return f"value {text} "


def _number(place: Schema, _: Schema) -> str:
    kind = "a whole number" if place["type"] == "integer" else "a number"
    low = _bound(place, "minimum", "from") or _bound(place, "exclusiveMinimum", "above")
    high = _bound(place, "maximum", "to") or _bound(place, "exclusiveMaximum", "below")
    return " ".join(part for part in (kind, low, high) if part)


def _bound(place: Schema, key: str, word: str) -> str:
    return f"{word} {place[key]:,g}" if key in place else ""


def _text(place: Schema, _: Schema) -> str:
    if place.get("format") in {"path", "file-path"}:
        return "a path"
    if place.get("format") == "date-time":
        return "a time with its offset"
    low, high = place.get("minLength", 0), place.get("maxLength")
    return f"text of {low} to {high} characters" if high is not None else "text"


def _list(place: Schema, schema: Schema) -> str:
    if parts := place.get("prefixItems"):
        return f"a list of {len(parts)}: " + " and ".join(allowed(part, schema) for part in parts)
    low, high = place.get("minItems", 0), place.get("maxItems")
    size = f"of {low} to {high}" if high is not None else f"of {low} or more" if low else "of any length"
    return f"a list {size}, each {allowed(place.get('items', {}), schema)}"


def _mapping(place: Schema, _: Schema) -> str:
    return f"a mapping with {', '.join(place.get('properties', {})) or 'keys'}"
