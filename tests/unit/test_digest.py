"""The digest of what is asked: the same for everyone who computes it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.model import Json
from approvals.requests.codec import canonical, fingerprint
from approvals.requests.parse import InvalidRequestError, parse_request
from demo.process import ROOT
from tests.support.builders import HOUR

PAGE = (ROOT / "docs/audit.md").read_text()

INPUTS = {
    "floats": '{"a": [1.0, 1e-07, 1e21, -0.0, 0.1, 1.5e300, 5e-324, 123456789012345680000.0, 1e-6, 100.0]}',
    "digits beyond a double": '{"a": [0.1234567890123456789, 9007199254740993.0, 1.00000000000000000001]}',
    "integers": '{"a": [0, -0, 1, 9007199254740991, 9007199254740993, -9007199254740993, 12345678901234567890]}',
    "great integers": f'{{"a": [{10**21}, {10**40 + 1}, -{10**40 + 1}]}}',
    "keys by UTF-16 units": '{"\U0001f600": 1, "\ufb33": 2, "z": 3, "\u00f6": 4, "": 5, "1": 6, "10": 7, "2": 8}',
    "texts": '{"a": "\\u0000\\u001f\\u007f\\u0080\\u2028\\\\ \\" / \\b\\f\\n\\r\\t \\ud83d\\ude00 \u20ac"}',
    "names of JavaScript": '{"__proto__": {"a": 1}, "constructor": 2, "toString": [3]}',
    "with a result": '{"Approval": {"Title": "Deploy", "Result": {"Decision": "APPROVED"}}, "b": [true, null, {}, []]}',
    "without a request": '{"a": {"b": {"c": []}}}',
}


def of_the_docs(language: str) -> str:
    [example] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(example)


@pytest.mark.parametrize("name", INPUTS)
def test_the_docs_show_the_check_in_python(name: str) -> None:
    names: dict[str, Any] = {}
    exec(of_the_docs("python"), names)  # noqa: S102  # the page's own example
    execution_input = json.loads(INPUTS[name])
    assert names["digest"](execution_input) == fingerprint(execution_input)


def test_the_docs_show_the_check_in_node(tmp_path: Path) -> None:
    node = shutil.which("node")
    if not node:
        pytest.skip("needs Node.js: install it")
    (tmp_path / "digest.mjs").write_text(of_the_docs("js"))
    (tmp_path / "check.mjs").write_text(
        "import { digest } from './digest.mjs'; import { readFileSync } from 'node:fs';\n"
        "const texts = JSON.parse(readFileSync(0, 'utf8'));\n"
        "console.log(JSON.stringify(texts.map(digest)));\n"
    )
    version = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    # Node.js 20 has the reviver's third argument behind a flag.
    flags = ["--harmony-json-parse-with-source"] if int(version[1:].split(".")[0]) < 22 else []
    found = subprocess.run(
        [node, *flags, tmp_path / "check.mjs"],
        input=json.dumps(list(INPUTS.values())),
        check=True,
        capture_output=True,
        text=True,
    )
    expected = [fingerprint(json.loads(text)) for text in INPUTS.values()]
    assert dict(zip(INPUTS, json.loads(found.stdout), strict=True)) == dict(zip(INPUTS, expected, strict=True))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1.0", "1"),
        ("1e-07", "1e-7"),
        ("1e21", "1e+21"),
        ("-0.0", "0"),
        ("9007199254740993", "9007199254740993"),
        ("12345678901234567890", "12345678901234567890"),
        ("9007199254740993.0", "9007199254740992"),
        ("0.1234567890123456789", "0.12345678901234568"),
        ('{"\U0001f600": 1, "\ufb33": 2}', '{"\U0001f600":1,"\ufb33":2}'),
        ("[true, null, []]", "[true,null,[]]"),
    ],
)
def test_numbers_and_keys_are_written_as_rfc_8785_has_them_and_integers_in_full(text: str, written: str) -> None:
    assert canonical(json.loads(text)) == written


scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()
values = st.recursive(
    scalars | st.floats(allow_nan=False, allow_infinity=False),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    max_leaves=20,
)


@given(values)
def test_without_great_integers_it_is_rfc_8785(value: Json) -> None:
    assert canonical(value) == rfc8785.dumps(value).decode()


@given(st.integers(), st.integers())
def test_two_integers_have_one_digest_only_if_they_are_one(one: int, other: int) -> None:
    assert (fingerprint({"Id": one}) == fingerprint({"Id": other})) == (one == other)


def test_a_number_with_more_digits_than_a_double_holds_is_shown_and_hashed_as_the_double() -> None:
    request = parse_request(json.loads('{"Rate": 0.1234567890123456789}'), default_timeout=HOUR)
    assert request.context == {"Rate": 0.12345678901234568}
    text = '{"Approval":{},"Rate":0.12345678901234568}'
    assert request.digest == sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"Amount": 1e400}', "Amount"),
        ('{"Amount": -1e400}', "Amount"),
        ('{"a": [{"b": 1}, {"b": [0, 1e999]}]}', "a[1].b[1]"),
        ('{"Approval": {"Facts": [{"Label": "a", "Value": 1e400}]}}', "Approval.Facts[0].Value"),
        ('{"Approval": {"Form": [{"Name": "a", "Type": "number", "Maximum": 1e400}]}}', "Approval.Form[0].Maximum"),
        ('{"Amount": NaN}', "Amount"),
        (f'{{"Amount": 1{"0" * 400}}}', "Amount"),
        (f'{{"Amount": [-1{"0" * 309}]}}', "Amount[0]"),
        ('{"Amount": Infinity}', "Amount"),
    ],
)
def test_a_number_that_became_infinite_is_refused_with_its_path(text: str, path: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_request(json.loads(text), default_timeout=HOUR)
    assert caught.value.problems == [f"{path}: not a number that fits in a double. Use a smaller number, or a string."]


def test_a_number_with_more_digits_than_python_writes_is_refused_with_its_path() -> None:
    """YAML has such numbers: in hexadecimal, their digits have no limit."""
    with pytest.raises(InvalidRequestError) as caught:
        parse_request({"Amount": 16**5000}, default_timeout=HOUR)
    assert caught.value.problems == ["Amount: not a number that fits in a double. Use a smaller number, or a string."]


def test_half_of_a_surrogate_pair_is_refused_before_there_is_a_digest() -> None:
    with pytest.raises(InvalidRequestError, match="surrogate"):
        parse_request(json.loads('{"a": "\\ud800"}'), default_timeout=HOUR)
