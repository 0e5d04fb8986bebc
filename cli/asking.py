"""The input of an execution that asks for an approval: from a file, from options, and both."""

from __future__ import annotations

import json
import re
import secrets
import sys
import unicodedata
from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

import click
import yaml

from approvals.domain.model import Json
from approvals.domain.nesting import MAX_DEPTH, deeper_than
from approvals.requests.codec import KEY, RESULT_KEY
from approvals.requests.parse import InvalidRequestError, parse_request

MAX_SLUG = 45
"""Characters of the title that an execution's name begins with; with time and chance behind them at most 80.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

STDIN = "-"


class DuplicateKeyError(ValueError):
    """An object has a key twice."""


class _Loader(yaml.SafeLoader):
    """YAML as JSON has it: a date stays the text that it is written as. A key that is there twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  # as PyYAML has it
        """Read an object. Raises `DuplicateKeyError` for a key that is there twice."""
        if isinstance(node, yaml.MappingNode):
            _refuse_duplicates(str(key.value) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge")
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def execution_input(
    document: Mapping[str, Json], asked: Mapping[str, Json], rest: Mapping[str, Json], *, default_timeout: timedelta
) -> dict[str, Json]:
    """The input: the request of a document with what options say in its place, and the rest of the input.

    The document is a request, or a whole input with the request under `Approval`. Raises click's `UsageError` with
    every problem and its path when the request can't be made.
    """
    whole = dict(document) if KEY in document else {KEY: dict(document)}
    request = whole.pop(KEY)
    if request is None:  # as good as left out
        request = {}
    if not isinstance(request, dict):
        raise click.UsageError(f"{KEY}: expected an object")
    if RESULT_KEY in request:
        raise click.UsageError(f"{KEY}.{RESULT_KEY}: is where the answer will be; leave it out")
    if KEY in rest:
        raise click.UsageError(f"--input: the key {KEY} is the request; give it with --file, or with the options")
    request = {**request, **asked}
    found: dict[str, Json] = {**whole, **rest, **({KEY: request} if request else {})}
    try:
        parse_request(found, default_timeout=default_timeout)
    except InvalidRequestError as error:
        raise click.UsageError("\n  ".join(["This request can't be made:", *error.problems])) from error
    return found


def read_document(name: str) -> dict[str, Json]:
    """The JSON or YAML object in a file, or in standard input for `-`. Raises click's `UsageError`."""
    try:
        text = sys.stdin.read() if name == STDIN else Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{name} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{name} is not UTF-8 text") from error
    return parse_document(text, "standard input" if name == STDIN else name)


def parse_document(text: str, name: str) -> dict[str, Json]:
    """The object in a text that is JSON or YAML. Raises click's `UsageError` that says where it is neither."""
    try:
        found = _json(text) if text.lstrip().startswith("{") else _yaml(text)
    except DuplicateKeyError as error:
        raise click.UsageError(f"{name}: {error}") from error
    except RecursionError as error:
        raise click.UsageError(f"{name}: nested too deep, expected at most {MAX_DEPTH} levels") from error
    except (ValueError, yaml.YAMLError) as error:
        raise click.UsageError(f"{name} is neither JSON nor YAML: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise click.UsageError(f"{name}: expected an object with the keys of a request")
    if path := deeper_than(found, MAX_DEPTH):
        raise click.UsageError(f"{name}: {path} is nested too deep, expected at most {MAX_DEPTH} levels")
    _check_json(found, name)
    return found


def execution_name(title: str | None, now: datetime) -> str:
    """A name for an execution that says what is asked and when, and that no other has."""
    ascii_only = unicodedata.normalize("NFKD", title or "approval").encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_only.lower())[:MAX_SLUG].strip("-") or "approval"
    return f"{slug}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _refuse_duplicates(key for key, _ in pairs)
    return dict(pairs)


def _refuse_duplicates(keys: Iterable[str]) -> None:
    """Raise `DuplicateKeyError` for a key that is there twice: which of the two is meant, programs read differently."""
    seen = set()
    for key in keys:
        if key in seen:
            raise DuplicateKeyError(f"the key {json.dumps(key, ensure_ascii=False)} is there twice")
        seen.add(key)


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)  # noqa: S506  # a SafeLoader, which only leaves dates as they are


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number in JSON")


def _check_json(value: Any, path: str) -> None:
    """Raises click's `UsageError` where YAML has what JSON has not."""
    if isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str):
                raise click.UsageError(f"{path}: the key {key!r} is no text; put it between quotes")
            _check_json(each, f"{path}.{key}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            _check_json(each, f"{path}[{number}]")
    elif not isinstance(value, (str, int, float, type(None))) or (isinstance(value, float) and not isfinite(value)):
        raise click.UsageError(f"{path}: {value!r} has no form in JSON; put it between quotes")
