"""Hidden characters: which ones they are, what people type all the same, and what is shown in their place."""

from __future__ import annotations

import json
import re
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.characters import escape_hidden, hidden_in, log_json, one_line, reveal
from demo.process import ROOT

ALL = [chr(number) for number in range(0x110000)]
PREPENDED = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
"""Format characters that have a form of their own: number signs around digits."""

DEFAULT_IGNORABLE = [
    *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0x200B, 0x2010)),
    *(*range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0),
    *(*range(0xFFF0, 0xFFF9), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000)),
]
"""Source: https://www.unicode.org/Public/16.0.0/ucd/DerivedCoreProperties.txt, Default_Ignorable_Code_Point"""

SAMPLES = st.sampled_from("\u200b\u200d\ufe0f\u202e\x1b\U000e0041\u2800\u2764\U0001f469")
text_with_hidden = st.text(st.characters(codec=None) | SAMPLES)


def test_every_character_that_programs_may_leave_out_is_hidden() -> None:
    assert [hex(number) for number in DEFAULT_IGNORABLE if not hidden_in(chr(number))] == []


def test_every_control_and_format_character_without_a_form_and_every_half_of_a_pair_is_hidden() -> None:
    expected = {each for each in ALL if category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - PREPENDED - set("\t\n\r")
    assert {each for each in expected if not hidden_in(each)} == set()


def test_every_noncharacter_is_hidden() -> None:
    expected = [*range(0xFDD0, 0xFDF0), *(plane << 16 | last for plane in range(17) for last in (0xFFFE, 0xFFFF))]
    assert [number for number in expected if not hidden_in(chr(number))] == []


def test_letters_digits_punctuation_blanks_and_private_characters_are_not_hidden() -> None:
    blank_letters = set("\u115f\u1160\u3164\uffa0\u2800\ufffc\U0001d159")
    seen = {each for each in ALL if category(each)[0] in "LNPS" or category(each) in {"Zs", "Co"}} - blank_letters
    assert {each for each in seen if hidden_in(each)} == set()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\u2764\ufe0f", id="heart-in-color"),
        pytest.param("\u2764\ufe0e", id="heart-as-text"),
        pytest.param("\U0001f469\u200d\U0001f4bb", id="woman-at-a-computer"),
        pytest.param("\U0001f469\U0001f3fd\u200d\U0001f4bb", id="with-a-skin-tone"),
        pytest.param("\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", id="family"),
        pytest.param("\u26f9\ufe0f\u200d\u2640\ufe0f", id="woman-with-a-ball"),
        pytest.param("\U0001f3f3\ufe0f\u200d\U0001f308", id="rainbow-flag"),
        pytest.param("\U0001f642\u200d\u2194\ufe0f", id="head-shaking"),
        pytest.param("1\ufe0f\u20e3", id="keycap"),
        pytest.param("\u2139\ufe0f \u24c2\ufe0f \xa9\ufe0f \u3297\ufe0f", id="signs-in-color"),
        pytest.param("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", id="flag-of-england"),
        pytest.param("\u0645\u06cc\u200c\u0634\u0648\u062f", id="persian"),
        pytest.param("\u0915\u094d\u200d\u0937", id="hindi"),
        pytest.param("\u0dc1\u0dca\u200d\u0dbb\u0dd3", id="sinhala"),
        pytest.param("Gr\u00f6\u00dfe \u672c\u756a\u3000\u516c\u958b 2\u202f% \u05d0\u05d1 a\u0301", id="languages"),
        pytest.param("line\nline\r\n\ttab", id="lines"),
    ],
)
def test_typed_text_stays_as_it_is(text: str) -> None:
    assert reveal(text) == text
    assert hidden_in(text) is None
    assert escape_hidden(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\u200db", "a\ufffdb", id="joiner-between-letters"),
        pytest.param("1\ufe0f", "1\ufffd", id="selector-behind-a-digit"),
        pytest.param("\u2764\ufe0f\ufe0f", "\u2764\ufe0f\ufffd", id="second-selector"),
        pytest.param("\u2764\ufe01", "\u2764\ufffd", id="other-selector"),
        pytest.param("\U0001f642\U000e0100\U000e0123", "\U0001f642\ufffd\ufffd", id="data-behind-an-emoji"),
        pytest.param("\U0001f469\u200d", "\U0001f469\ufffd", id="joiner-at-the-end"),
        pytest.param("\U0001f469\u200d\u200d\U0001f4bb", "\U0001f469\ufffd\ufffd\U0001f4bb", id="two-joiners"),
        pytest.param("\U0001f3f4\U000e0065\U000e0076\U000e007f", "\U0001f3f4\ufffd\ufffd\ufffd", id="no-flag"),
        pytest.param("\u0645\u200c b", "\u0645\ufffd b", id="non-joiner-at-the-end-of-a-word"),
        pytest.param("pay\u202epal", "pay\ufffdpal", id="right-to-left-override"),
        pytest.param("\x1b[2Jgone", "\ufffd[2Jgone", id="escape-sequence"),
        pytest.param("\x9b2Jgone", "\ufffd2Jgone", id="escape-sequence-of-c1"),
        pytest.param("a\ud800b", "a\ufffdb", id="half-a-pair"),
        pytest.param("a\u2028b\x0bc\x85d", "a\ufffdb\ufffdc\ufffdd", id="line-breaks-of-some-programs"),
        pytest.param("\u2800\u3164\uffa0", "\ufffd\ufffd\ufffd", id="blanks-that-are-no-blanks"),
    ],
)
def test_hidden_characters_are_shown_to_be_there(text: str, shown: str) -> None:
    assert reveal(text) == shown
    assert hidden_in(text) is not None


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("approve\u200b", "U+200B zero width space at character 8"),
        ("\u2764\ufe0f\u00adx", "U+00AD soft hyphen at character 3"),
        ("\x1b[0m", "U+001B control character at character 1"),
        ("\ufdd0", "U+FDD0 invisible character at character 1"),
        ("a\U000e0041", "U+E0041 tag latin capital letter a at character 2"),
    ],
)
def test_the_first_hidden_character_is_named_with_its_place(text: str, named: str) -> None:
    assert hidden_in(text) == named


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ann", "Ann"),
        ("Ann\n\nApprove:\r\nhttps://evil.example", "Ann Approve: https://evil.example"),
        ("  Ann \u00a0\u3000\t Lee\u2028", "Ann Lee"),
        ("Ann\x0b\x85Lee", "Ann Lee"),
        ("Ann\u202e\u200b", "Ann\ufffd\ufffd"),
        ("x" * 81, "x" * 79 + "…"),
        ("x" * 80, "x" * 80),
        (" \n ", ""),
    ],
)
def test_a_name_is_one_line(name: str, shown: str) -> None:
    assert one_line(name) == shown


@given(text_with_hidden)
def test_revealed_text_hides_nothing_and_keeps_its_length(text: str) -> None:
    shown = reveal(text)
    assert hidden_in(shown) is None
    assert reveal(shown) == shown
    assert len(shown) == len(text)
    assert (shown == text) == (hidden_in(text) is None)


@given(text_with_hidden, st.integers(2, 100))
def test_one_line_is_one_line_of_what_is_seen(text: str, most: int) -> None:
    shown = one_line(text, most)
    assert len(shown) <= most
    assert hidden_in(shown) is None
    assert shown == " ".join(shown.split())
    assert len(f"{shown}x".splitlines()) == 1


@given(st.recursive(st.none() | text_with_hidden | st.integers(), lambda each: st.dictionaries(text_with_hidden, each)))
def test_escaped_json_has_the_same_values_and_hides_nothing(value: object) -> None:
    for indent in (None, 2):
        text = escape_hidden(json.dumps(value, ensure_ascii=False, indent=indent))
        assert json.loads(text) == json.loads(json.dumps(value))
        assert hidden_in(text) is None


def test_a_log_record_is_one_line_that_hides_nothing() -> None:
    line = log_json({"message": "a\n\x1b[2J\u202e\u2028b", "reason": ValueError("no\u200bne")})
    assert hidden_in(line) is None
    assert len(line.splitlines()) == 1
    assert json.loads(line) == {"message": "a\n\x1b[2J\u202e\u2028b", "reason": "no\u200bne"}


def test_every_function_logs_so() -> None:
    files = [*ROOT.glob("handlers/*.py"), *ROOT.glob("bot/**/*.py")]
    made = [call for file in files for call in re.findall(r"\bLogger\([^)]*\)", file.read_text())]
    assert made
    assert set(made) == {"Logger(json_serializer=log_json)"}
