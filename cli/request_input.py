"""The input of an execution that requests an approval, from a file and from options."""

from __future__ import annotations

import json
import re
import secrets
import sys
import unicodedata
from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

import click
import yaml

from approvals.domain.model import Json
from approvals.domain.nesting import MAX_DEPTH, deeper_than
from approvals.requests.codec import KEY, RESULT_KEY
from approvals.requests.parse import InvalidRequestError, parse_request, read_request

MAX_SLUG = 45
"""Characters of the title at the beginning of an execution's name. With time and random characters it has at most 80.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

STDIN = "-"


class DuplicateKeyError(ValueError):
    """An object has a key twice."""


class _Loader(yaml.SafeLoader):
    """Loads YAML with the types of JSON: whatever JSON would write differently stays the text that was typed.

    YAML 1.1 reads `1.10` as 1.1, `0123` as 83, `22:30` as 1350, `off` as false and dates as objects.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  # as PyYAML has it
        """Construct an object. Raises `DuplicateKeyError`."""
        if isinstance(node, yaml.MappingNode):
            _check_unique(str(key.value) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge")
        return super().construct_mapping(node, deep)


def _construct_float(loader: _Loader, node: yaml.ScalarNode) -> float | str:
    number = loader.construct_yaml_float(node)
    return number if json.dumps(number) == node.value or not isfinite(number) else str(node.value)


_Loader.yaml_implicit_resolvers = {}
_Loader.add_constructor("tag:yaml.org,2002:float", _construct_float)
for _type, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)$", [*"tTfF"]),
    ("int", r"(?:0|-?[1-9][0-9]*)$", [*"-0123456789"]),
    ("float", r"(?:-?(?:0|[1-9][0-9]*)\.[0-9]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$", [*"-+.0123456789"]),
    ("merge", r"<<$", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_type}", re.compile(_pattern), _first)


def request_in(document: Mapping[str, Json]) -> Json:
    """Return the request in a document: under `Approval`, or else the document itself."""
    return document.get(KEY, dict(document))


def execution_input(
    document: Mapping[str, Json],
    options: Mapping[str, Json],
    rest: Mapping[str, Json],
    *,
    default_timeout: timedelta,
    under_policy: bool = False,
) -> dict[str, Json]:
    """Return the input: the document's request, overridden by options, and the rest of the input.

    The document is a request, or a whole input with the request under `Approval`. Raises click's `UsageError` with
    every problem of the request and its path. With `under_policy`, keys that contradict each other are left to the
    stack: the operator's policy may add to them, for example the members of its groups.
    """
    whole = dict(document) if KEY in document else {KEY: dict(document)}
    for key, value in document.items() if KEY not in document else ():
        if isinstance(value, dict) and get_close_matches(KEY.lower(), [key.lower()], cutoff=0.8):
            raise click.UsageError(f"{key}: unknown key. Did you mean {KEY}?")
    request = whole.pop(KEY)
    if request is None:  # as good as left out
        request = {}
    if not isinstance(request, dict):
        raise click.UsageError(f"{KEY}: use an object with the keys of a request.")
    if RESULT_KEY in request:
        raise click.UsageError(f"{KEY}.{RESULT_KEY}: reserved for the result. Remove it.")
    if KEY in rest:
        raise click.UsageError(f"--input must not have the key {KEY}. Pass the request with --file or options.")
    request = {**request, **options}
    found: dict[str, Json] = {**whole, **rest, **({KEY: request} if request else {})}
    try:
        (read_request if under_policy else parse_request)(found, default_timeout=default_timeout)
    except InvalidRequestError as error:
        raise click.UsageError("\n  ".join(["The request is not valid:", *error.problems])) from error
    return found


def read_document(name: str) -> dict[str, Json]:
    """Read the JSON or YAML object in a file, or in standard input for `-`. Raises click's `UsageError`."""
    try:
        text = sys.stdin.read() if name == STDIN else Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"Can't read {name}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{name} is not UTF-8.") from error
    return parse_document(text, "standard input" if name == STDIN else name)


def parse_document(text: str, name: str) -> dict[str, Json]:
    """Parse an object in JSON or YAML. Raises click's `UsageError` that says where it is neither."""
    try:
        is_json = text.lstrip().startswith("{") and not name.endswith((".yaml", ".yml"))
        found = _parse_json(text) if is_json else _parse_yaml(text)
    except DuplicateKeyError as error:
        raise click.UsageError(f"{name}: {error}.") from error
    except RecursionError as error:
        raise click.UsageError(f"{name}: nested too deeply; the maximum is {MAX_DEPTH} levels.") from error
    except json.JSONDecodeError as error:
        raise click.UsageError(f"{name} is not valid JSON: {_trailing_comma(error) or error}.") from error
    except (ValueError, yaml.YAMLError) as error:
        raise click.UsageError(f"{name} is not valid JSON or YAML: {_describe(error)}.") from error
    if not isinstance(found, dict):
        raise click.UsageError(f"{name}: use an object with the keys of a request.")
    if path := deeper_than(found, MAX_DEPTH):
        raise click.UsageError(f"{name}: {path} is nested too deeply; the maximum is {MAX_DEPTH} levels.")
    _check_json(found, name)
    return found


def _describe(error: ValueError | yaml.YAMLError) -> str:
    """Return the problem and its place on one line: PyYAML's own text has four, with a name for the text."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return " ".join(str(error).split())


def execution_name(title: str | None, now: datetime) -> str:
    """Return a unique name for an execution, made from the title and the time."""
    ascii_only = unicodedata.normalize("NFKD", title or "approval").encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_only.lower())[:MAX_SLUG].strip("-") or "approval"
    return f"{slug}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def _parse_json(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)


def _trailing_comma(error: json.JSONDecodeError) -> str:
    """Return the message of Python 3.13 for a trailing comma: earlier ones say that a name or a value is missing."""
    before, after = error.doc[: error.pos].rstrip(), error.doc[error.pos :].lstrip()[:1]
    if not before.endswith(",") or after not in {"}", "]"}:
        return ""
    kind = "object" if after == "}" else "array"
    return str(json.JSONDecodeError(f"Illegal trailing comma before end of {kind}", error.doc, len(before) - 1))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _check_unique(key for key, _ in pairs)
    return dict(pairs)


def _check_unique(keys: Iterable[str]) -> None:
    """Raise `DuplicateKeyError` for a duplicate key: programs differ in which of the two they use."""
    seen = set()
    for key in keys:
        if key in seen:
            raise DuplicateKeyError(f"the key {json.dumps(key, ensure_ascii=False)} is a duplicate")
        seen.add(key)


def _parse_yaml(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)  # noqa: S506  # a subclass of SafeLoader


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number in JSON")


def _check_json(value: Any, path: str) -> None:
    """Raise click's `UsageError` for a YAML value that JSON does not have."""
    if isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str):
                raise click.UsageError(f"{path}: the key {key!r} is not a string. Put it in quotes.")
            _check_json(each, f"{path}.{key}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            _check_json(each, f"{path}[{number}]")
    elif not isinstance(value, (str, int, float, type(None))) or (isinstance(value, float) and not isfinite(value)):
        raise click.UsageError(f"{path}: {value!r} can't be written as JSON. Put it in quotes.")
