"""Check a request against its published JSON Schema, and say in plain words what to fix.

This knows only the keywords that `request.schema.json` uses. A test compares its verdicts with those of the library
`jsonschema`, which is not in the Lambda layer: it needs compiled code, and its messages are less helpful.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard
from unicodedata import category

from approvals.domain.addresses import is_address
from approvals.domain.characters import hidden_in
from approvals.domain.model import Json, shorten
from approvals.domain.profiles import forms_of, is_group, is_person, is_place
from approvals.domain.values import kind

Schema = Mapping[str, Any]

MAX_UNKNOWN = 10
"""Unknown keys that an error names. It counts the rest."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_FORMATS = {
    "line": "a text that is not empty",
    "text": "a text that is not empty",
    "url": "an http or https address in ASCII, with a DNS name or an IP address as its host and no user name",
    "name": "a name of letters, digits and _",
}

_TYPES: Mapping[str, tuple[str, Callable[[Json], bool]]] = {
    "string": ("a text", lambda value: isinstance(value, str)),
    # Step Functions passes 30 on as 30.0 after some intrinsic functions.
    "integer": ("a whole number", lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer())),
    # JSON has no infinity and no NaN, Python's reader does.
    "number": ("a number", lambda value: _is_number(value) and abs(value) < float("inf")),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "array": ("a list", lambda value: isinstance(value, list)),
    "object": ("an object", lambda value: isinstance(value, dict)),
}
"""The words for each type, and the check."""


@cache
def load(name: str) -> Schema:
    """Return the schema in a file of this package."""
    schema: Schema = json.loads((Path(__file__).parent / name).read_text())
    return schema


def problems(value: Json, schema: Schema, path: str) -> Iterator[str]:
    """Yield a sentence for each problem of a value, which begins with the path to it."""
    if "anyOf" in schema:
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
    return f", did you mean {by_lower[matches[0]]}?" if matches else ""


def _option_problems(value: Json, schema: Schema, path: str) -> Iterator[str]:
    """Yield the problems inside a list by the option for lists, else one that names all options."""
    found = [list(problems(value, option, path)) for option in schema["anyOf"]]
    if not all(found):
        return
    of_a_list = (each for each, option in zip(found, schema["anyOf"], strict=True) if option.get("type") == "array")
    yield from next(of_a_list) if isinstance(value, list) else [_expected(value, schema, path)]


def _expected(value: Json, schema: Schema, path: str) -> str:
    return f"{path}: expected {_wanted(schema)}, got {kind(value)}"


def _wanted(schema: Schema) -> str:
    if "expected" in schema:
        return str(schema["expected"])
    if "enum" in schema:
        return " or ".join(f'"{choice}"' for choice in schema["enum"])
    if "format" in schema:
        return _FORMATS.get(schema["format"]) or _any_of(forms_of(schema["format"]))
    if "properties" in schema:
        return f"an object{_keys(schema)}"
    if "items" in schema:
        return f"a list of objects{_keys(schema['items'])}" if "properties" in schema["items"] else "a list"
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
    text, most = value.strip(), schema.get("maxLength")
    if not _fits(text, schema.get("format")):
        yield _expected(value, schema, path)
    elif most and len(text) > most:
        yield f"{path}: expected at most {most:,} characters, got {len(text):,}"
    elif hidden := hidden_in(text):
        yield f"{path}: expected no hidden characters, got {hidden}"
    elif schema.get("format") == "line" and any(character in "\n\r\t" for character in text):
        yield f"{path}: expected one line"


def _fits(text: str, form: str | None) -> bool:  # noqa: PLR0911 one of many forms
    match form:
        case "line" | "text":
            return any(category(character)[0] in "LNPS" for character in text)
        case "url":
            return is_address(text)
        case "name":
            return _NAME.fullmatch(text) is not None
        case "person":
            return is_person(text)
        case "approver":
            return is_person(text) or is_group(text)
        case "channel":
            return is_place(text)
        case _:
            return True


def _list_problems(value: list[Json], schema: Schema, path: str) -> Iterator[str]:
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if len(value) < least:
        yield f"{path}: expected at least one entry, got an empty list"
    elif most and len(value) > most:
        yield f"{path}: expected at most {most:,} entries, got {len(value):,}"
    else:
        seen: list[Json] = []
        for number, given in enumerate(value):
            item = given.strip() if isinstance(given, str) else given
            yield from problems(given, schema["items"], f"{path}[{number}]")
            if schema.get("uniqueItems") and item in seen:
                yield f"{path}[{number}]: is there already"
            seen.append(item)


def _object_problems(value: dict[str, Json], schema: Schema, path: str) -> Iterator[str]:
    """Treat null as absent: JSONPath has no way to leave a key out. An unknown key is an error all the same."""
    known = schema["properties"]
    for key in schema.get("required", ()):
        if value.get(key) is None:
            yield f"{path}.{key}: is missing, expected {_wanted(known[key])}"
    for key, item in value.items():
        if key in known and item is not None:
            yield from problems(item, known[key], f"{path}.{key}")
    yield from _unknown([key for key in value if key not in known], list(known), path)


def _unknown(unknown: list[str], known: list[str], path: str) -> Iterator[str]:
    for key in unknown[:MAX_UNKNOWN]:
        yield f"{path}.{shorten(key, 60)}: unknown key{suggestion(key, known)}"
    if len(unknown) > MAX_UNKNOWN:
        yield f"and {len(unknown) - MAX_UNKNOWN:,} more"
    if unknown:
        yield f"the keys of {path} are {', '.join(known)}"
