"""The published JSON Schemas as editors and validators read them: in ajv's strict mode, too, and in every language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from approvals.domain.addresses import is_address
from approvals.domain.characters import hidden_in
from approvals.requests.parse import InvalidRequestError, parse_request
from approvals.requests.schema import published
from scripts.schema_patterns import SCHEMA, patterns, written

REQUEST = published("request.schema.json")
BOTH = [pytest.param(published(f"{name}.schema.json"), id=name) for name in ("request", "events")]
DEFINITIONS = REQUEST["$defs"]

OF_TYPE = {
    "pattern": "string",
    "maxLength": "string",
    "minLength": "string",
    "format": "string",
    "minimum": "integer",
    "maximum": "integer",
    "items": "array",
    "minItems": "array",
    "maxItems": "array",
    "uniqueItems": "array",
    "properties": "object",
    "required": "object",
    "additionalProperties": "object",
}
"""Keywords that ajv's strict mode takes only beside the type that they are about."""
OTHERS = {"$schema", "$defs", "$ref", "title", "description", "default", "type", "enum", "const", "anyOf", "oneOf"}


def schemas(schema: Any, of_parent: frozenset[str] = frozenset()) -> Iterator[tuple[Mapping[str, Any], frozenset[str]]]:
    """Yield a schema and all in it, each with the types that hold there: options inherit those of their parent."""
    listed = schema.get("type", [])
    types = frozenset(listed if isinstance(listed, list) else [listed]) or of_parent
    yield schema, types
    for each in (*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()):
        yield from schemas(each)
    if "items" in schema:
        yield from schemas(schema["items"])
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from schemas(each, types)


@pytest.mark.parametrize("schema", BOTH)
def test_it_is_a_schema_that_strict_validators_compile(schema: Mapping[str, Any]) -> None:
    """No unknown keyword or format, one type besides null, and each keyword beside its type.

    Source: https://ajv.js.org/strict-mode.html
    """
    Draft202012Validator.check_schema(dict(schema))
    for each, types in schemas(schema):
        assert each.keys() <= OF_TYPE.keys() | OTHERS
        assert each.get("format", "uri") == "uri"
        assert len(types - {"null"}) <= 1
        for keyword in each.keys() & OF_TYPE.keys():
            assert OF_TYPE[keyword] in types, (keyword, each)
        assert set(each.get("required", ())) <= each.get("properties", {}).keys() | DETAILS


DETAILS = {"source", "detail-type", "detail"}


@pytest.mark.parametrize("schema", BOTH)
def test_every_reference_is_to_a_definition_and_is_a_uri(schema: Mapping[str, Any]) -> None:
    for each, _types in schemas(schema):
        if "$ref" in each:
            [name] = re.findall(r"^#/\$defs/(\w+)$", each["$ref"])
            assert name in schema["$defs"]


@pytest.mark.parametrize("schema", BOTH)
def test_every_pattern_is_one_that_programs_read_alike(schema: Mapping[str, Any]) -> None:
    """They look neither ahead nor behind, and no escape means something else in another language."""
    for each, _types in schemas(schema):
        if pattern := each.get("pattern"):
            assert set(re.findall(r"\\(.)", pattern)) <= set("utnr.[]")
            assert not re.search(r"\(\?[^:]", pattern)


def test_the_patterns_are_those_of_the_code() -> None:
    """Written anew by `python -m scripts.schema_patterns`."""
    assert {name: definition["pattern"] for name, definition in DEFINITIONS.items()} == patterns()
    assert written(SCHEMA.read_text()) == SCHEMA.read_text()


def test_null_is_taken_wherever_a_key_can_be_left_out() -> None:
    for schema, _types in schemas(REQUEST):
        for key, value in schema.get("properties", {}).items():
            validator = Draft202012Validator({**value, "$defs": DEFINITIONS})
            assert validator.is_valid(None) == (key not in schema.get("required", ())), key


@pytest.mark.parametrize(
    "request_",
    [
        {"Approvers": ["Bob"]},
        {"Channel": "#general"},
        {"Links": [{"Label": "Plan", "Url": "javascript:alert(1)"}]},
        {"Title": "Pay\u202epal"},
        {"Form": [{"Name": "2a", "Type": "text"}]},
    ],
)
def test_validators_refuse_what_the_product_refuses(request_: dict[str, Any]) -> None:
    assert not Draft202012Validator(dict(REQUEST)).is_valid(request_)
    with pytest.raises(InvalidRequestError):
        parse_request({"Approval": request_}, default_timeout=timedelta(hours=1))


SAMPLES = st.sampled_from(
    "a1# \n\u200b\u200c\u200d\ufe0f\ufe0e\u20e3\u202e\x1b\U000e0041\u2764\U0001f469\U0001f3fd\u094d\u0645"
)
FLAG = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@given(st.lists(SAMPLES | st.just(FLAG) | st.characters(codec=None), max_size=12).map("".join))
def test_its_hidden_characters_are_those_of_the_product(text: str) -> None:
    assert bool(re.search(DEFINITIONS["shown"]["pattern"], text)) == (hidden_in(text) is None)


def test_every_single_character_is_hidden_in_both_or_in_neither() -> None:
    shown = re.compile(DEFINITIONS["shown"]["pattern"])
    assert [hex(n) for n in range(0x110000) if bool(shown.search(chr(n))) == bool(hidden_in(chr(n)))] == []


NAMES = "a.io a-.io -a.io a..b 7 0x7f 0x 0xg 0a 00x1 1a a.0x a.1-b a.0-b a. user@a.io"
IPV4 = "1.2.3.4 1.2.3.04 256.1.1.1 1.2.3 1.2.3.4.5"
IPV6 = "::1 :: 1::2::3 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 1:2:3:4:5:6:7:8:9 ::1.2.3.4 ::1.2.3.04 12345:: :1 ::g"
HOSTS = st.sampled_from([*NAMES.split(), *IPV4.split(), *(f"[{address}]" for address in IPV6.split())])
PORTS = st.sampled_from(["", ":", ":0", ":80", ":65535", ":65536", ":00080", ":99999", ":655350", ":a"])
RESTS = st.sampled_from(["", "/", "/a?b=c#d", "?x", "#x", "/a b", "/<", "/\\", "/é", "/%zz", "/[]{}^`", "a"])
URLS = st.builds("{}{}{}{}".format, st.sampled_from(["http://", "HTTPS://", "ftp://", "//", ""]), HOSTS, PORTS, RESTS)


@given(URLS | st.text("ab01x.-:/[]@?# ", max_size=20).map("http://{}".format))
def test_its_addresses_are_those_of_the_product(text: str) -> None:
    assert bool(re.search(DEFINITIONS["url"]["pattern"], text)) == is_address(text)


def test_the_files_are_plain_json() -> None:
    """No half of a surrogate pair, which some programs refuse to read."""
    for name in ("request", "events"):
        text = (SCHEMA.parent / f"{name}.schema.json").read_text()
        assert json.dumps(json.loads(text), ensure_ascii=False).encode()
