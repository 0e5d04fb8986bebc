"""Check a request against its published JSON Schema, and say in plain words what to fix.

This knows only the keywords that `request.schema.json` uses. A test compares its verdicts with those of the library
`jsonschema`, which is not in the Lambda layer: it needs compiled code, and its messages are less helpful. The schema's
titles are the words for the expected values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard

from approvals.domain.addresses import is_address
from approvals.domain.characters import hidden_in
from approvals.domain.model import Json, shorten
from approvals.domain.profiles import forms_of, is_group, is_person, is_place
from approvals.domain.values import kind

Schema = Mapping[str, Any]

MAX_UNKNOWN = 10
"""Unknown keys that an error names. It counts the rest."""

_NAMES: Mapping[str, Callable[[str], bool]] = {
    "person": is_person,
    "approver": lambda text: is_person(text) or is_group(text),
    "channel": is_place,
}
"""Definitions that channels extend: the published patterns have the names of email and Slack."""

_TYPES: Mapping[str, tuple[str, Callable[[Json], bool]]] = {
    "string": ("a string", lambda value: isinstance(value, str)),
    # Step Functions passes 30 on as 30.0 after some intrinsic functions.
    "integer": ("a whole number", lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer())),
    # JSON has no infinity and no NaN, Python's reader does.
    "number": ("a number", lambda value: _is_number(value) and abs(value) < float("inf")),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "array": ("a list", lambda value: isinstance(value, list)),
    "object": ("an object", lambda value: isinstance(value, dict)),
}
"""The words for each type, and the check."""


_KINDS = frozenset({"type", "enum", "anyOf", "const"})
"""The keywords that say which values a schema takes. One without them takes all."""


@cache
def published(name: str) -> Schema:
    """Return the schema in a file of this package, as editors and validators read it."""
    schema: Schema = json.loads((Path(__file__).parent / name).read_text())
    return schema


@cache
def load(name: str) -> Schema:
    """Return a schema as it is checked here: its definitions in place, and without null, which is dropped first."""
    whole = published(name)
    return _resolved(whole, whole.get("$defs", {}))


def problems(value: Json, schema: Schema, path: str) -> Iterator[str]:
    """Yield a sentence for each problem of a value, which begins with the path to it."""
    if not _KINDS & schema.keys():
        return  # any JSON
    if "const" in schema and value != schema["const"]:
        yield f"{path}: {kind(value)} is not {json.dumps(schema['const'])}."
    elif "anyOf" in schema:
        yield from _option_problems(value, schema, path)
    elif not _has_type(value, schema):
        yield _expected(value, schema, path)
    elif isinstance(value, dict):
        yield from _object_problems(value, schema, path)
    elif isinstance(value, list):
        yield from _list_problems(value, schema, path)
    elif isinstance(value, str) and "enum" not in schema:
        yield from _text_problems(value, schema, path)
    elif not _in_range(value, schema):
        yield _expected(value, schema, path)


def suggestion(word: str, known: list[str], cutoff: float = 0.6) -> str:
    """Return a question that names the nearest known word; empty if none is near."""
    from difflib import get_close_matches  # noqa: PLC0415 only a mistaken request pays for it

    by_lower = {each.lower(): each for each in known}
    matches = get_close_matches(word[:60].lower(), by_lower, n=1, cutoff=cutoff)
    return f" Did you mean {by_lower[matches[0]]}?" if matches else ""


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    name = schema.get("$ref", "").rpartition("/")[2]
    # Hidden characters are looked for in every text, and named.
    definition = _resolved(definitions[name], definitions) if name not in {"", "shown"} else {}
    found = {**definition, **schema, **({"names": name} if name in _NAMES else {})}
    for key, value in schema.items():
        match key:
            case "$ref" | "$defs":
                del found[key]
            case "type" if isinstance(value, list):
                types = [each for each in value if each != "null"]
                found[key] = types[0] if len(types) == 1 else types
            case "enum":
                found[key] = [each for each in value if each is not None]
            case "anyOf":
                found[key] = [_resolved(each, definitions) for each in value if each != {"type": "null"}]
            case "properties":
                found[key] = {name: _resolved(each, definitions) for name, each in value.items()}
            case "items" | "additionalProperties" | "propertyNames" if isinstance(value, Mapping):
                found[key] = _resolved(value, definitions)
    return found


def _option_problems(value: Json, schema: Schema, path: str) -> Iterator[str]:
    """Yield the problems by the option for values of this type, else one that names all options."""
    found = [list(problems(value, option, path)) for option in schema["anyOf"]]
    if not all(found):
        return
    of_its_type = (
        each
        for each, option in zip(found, schema["anyOf"], strict=True)
        if "type" in option and _has_type(value, option)
    )
    yield from next(of_its_type, [_expected(value, schema, path)])


def _expected(value: Json, schema: Schema, path: str) -> str:
    return f"{path}: {kind(value)} is not {_wanted(schema)}."


def _wanted(schema: Schema) -> str:
    if "enum" in schema:
        return _any_of([f'"{choice}"' for choice in schema["enum"]])
    if "properties" in schema:
        return f"an object{_keys(schema)}"
    if "items" in schema:
        return f"a list of objects{_keys(schema['items'])}" if "properties" in schema["items"] else "a list"
    if "title" in schema:
        return _any_of(forms_of(schema["names"])) if "names" in schema else str(schema["title"])
    if "anyOf" in schema:
        return " or ".join(_wanted(option) for option in schema["anyOf"])
    words = " or ".join(_TYPES[name][0] for name in _types(schema))
    return f"{words} from {schema['minimum']:,} to {schema['maximum']:,}" if "minimum" in schema else words


def _any_of(forms: Sequence[str]) -> str:
    return " or ".join(part for part in (", ".join(forms[:-1]), forms[-1] if forms else "") if part)


def _keys(schema: Schema) -> str:
    keys = list(schema["properties"])
    return f" with the keys {', '.join(keys)}" if len(keys) <= MAX_UNKNOWN else ""


def _has_type(value: Json, schema: Schema) -> bool:
    if "enum" in schema:
        return isinstance(value, str) and value in schema["enum"]
    return any(_TYPES[name][1](value) for name in _types(schema))


def _types(schema: Schema) -> list[str]:
    return schema["type"] if isinstance(schema["type"], list) else [schema["type"]]


def _in_range(value: Json, schema: Schema) -> bool:
    return not _is_number(value) or bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def _is_number(value: Json) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text_problems(value: str, schema: Schema, path: str) -> Iterator[str]:
    most = schema.get("maxLength")
    if most and len(value) > most:
        yield f"{path}: {len(value):,} characters are too many. The maximum is {most:,}."
    elif hidden := hidden_in(value):
        yield f"{path}: remove the hidden character {hidden}."
    elif not value.strip() and not _fits(value, schema):
        yield f"{path}: empty. Add text, or remove the key."
    elif not _fits(value, schema):
        yield _expected(value, schema, path)


def _fits(text: str, schema: Schema) -> bool:
    if "names" in schema:
        return _NAMES[schema["names"]](text.strip())
    if not re.search(schema.get("pattern", ""), text):
        return False
    return schema.get("format") != "uri" or is_address(text)


def _list_problems(value: list[Json], schema: Schema, path: str) -> Iterator[str]:
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if len(value) < least:
        yield f"{path}: the list is empty. Add an entry, or remove the key."
    elif most and len(value) > most:
        yield f"{path}: {len(value):,} entries are too many. The maximum is {most:,}."
    else:
        seen: list[Json] = []
        for number, given in enumerate(value):
            item = given.strip() if isinstance(given, str) else given
            yield from problems(given, schema["items"], f"{path}[{number}]")
            if schema.get("uniqueItems") and item in seen:
                yield f"{path}[{number}]: {kind(item)} is a duplicate. Remove it."
            seen.append(item)


def _object_problems(value: dict[str, Json], schema: Schema, path: str) -> Iterator[str]:
    """Treat null as absent: JSONPath has no way to leave a key out. An unknown key is an error all the same."""
    least, most = schema.get("minProperties", 0), schema.get("maxProperties")
    if len(value) < least:
        yield f"{path}: the object is empty. Add a key."
    elif most and len(value) > most:
        yield f"{path}: {len(value):,} keys are too many. The maximum is {most:,}."
    elif "properties" in schema:
        yield from _key_problems(value, schema, path)
    else:
        yield from _map_problems(value, schema, path)


def _map_problems(value: dict[str, Json], schema: Schema, path: str) -> Iterator[str]:
    for key, item in value.items():
        if "propertyNames" in schema:
            yield from _text_problems(key, schema["propertyNames"], f"{path}, the key {shorten(key, 60)}")
        yield from problems(item, schema["additionalProperties"], f"{path}.{shorten(key, 60)}")


def _key_problems(value: dict[str, Json], schema: Schema, path: str) -> Iterator[str]:
    known = schema["properties"]
    for key in schema.get("required", ()):
        if value.get(key) is None:
            yield f"{path}.{key}: missing. Add {_wanted(known[key])}."
    for key, item in value.items():
        if key in known and item is not None:
            yield from problems(item, known[key], f"{path}.{key}")
    yield from _unknown([key for key in value if key not in known], list(known), path)


def _unknown(unknown: list[str], known: list[str], path: str) -> Iterator[str]:
    for key in unknown[:MAX_UNKNOWN]:
        yield f"{path}.{shorten(key, 60)}: unknown key.{suggestion(key, known)}"
    if len(unknown) > MAX_UNKNOWN:
        yield f"{path}: {len(unknown) - MAX_UNKNOWN:,} more unknown keys."
    if unknown:
        yield f"{path}: the keys are {', '.join(known)}."
