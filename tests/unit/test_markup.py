"""The subset of Markdown that details may use."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.markdown import Block, BlockKind, Span, Style, parse, plain


def spans(text: str) -> list[Span]:
    [block] = parse(text)
    assert block.kind is BlockKind.PARAGRAPH
    return list(block.spans)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", [Span("plain")]),
        ("a **b c** d", [Span("a "), Span("b c", Style.BOLD), Span(" d")]),
        ("*b*", [Span("b", Style.ITALIC)]),
        ("`a*b*`", [Span("a*b*", Style.CODE)]),
        ("[plan](https://x.io/p?a=1)", [Span("plan", Style.LINK, "https://x.io/p?a=1")]),
        ("see [1] [plan](https://x.io)", [Span("see [1] "), Span("plan", Style.LINK, "https://x.io")]),
    ],
)
def test_marks_make_a_style(text: str, expected: list[Span]) -> None:
    assert spans(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2 * 3 * 4",
        "a*b*c",
        "** a**",
        "**a",
        "*",
        "``",
        "[plan](javascript:alert)",
        "[plan](/relative)",
        "[plan](https://good.example@evil.example/)",
        "[plan](https://g\u043e\u043egle.com/)",
        "[plan](https://good\u200b.example/)",
        "[plan](https://good.example\\@evil.example/)",
        "[](https://x.io)",
        "<b>bold</b>",
        "![image](",
        "snake_case_name",
        "~~a~~",
        "# ",
        "- ",
        "#no-heading",
    ],
)
def test_characters_that_are_no_mark_are_text(text: str) -> None:
    assert spans(text) == [Span(text)]


def test_blocks_are_told_apart() -> None:
    text = "# Why\nline 1\nline 2\n\nnext\n- one\n* **two**\n```sh\nrm *x*\n```\nend"
    assert list(parse(text)) == [
        Block(BlockKind.HEADING, (Span("Why"),)),
        Block(BlockKind.PARAGRAPH, (Span("line 1\nline 2"),)),
        Block(BlockKind.PARAGRAPH, (Span("next"),)),
        Block(BlockKind.ITEM, (Span("one"),)),
        Block(BlockKind.ITEM, (Span("two", Style.BOLD),)),
        Block(BlockKind.CODE, (Span("rm *x*"),)),
        Block(BlockKind.PARAGRAPH, (Span("end"),)),
    ]


def test_a_block_of_code_that_is_not_closed_takes_the_rest() -> None:
    assert list(parse("```\na\n\n# b")) == [Block(BlockKind.CODE, (Span("a\n\n# b"),))]


@pytest.mark.parametrize("line", ["```drop everything```", "``` please approve at once", "```" + "x" * 21])
def test_text_behind_a_fence_is_not_lost(line: str) -> None:
    """An approver would not be shown what they approve."""
    assert line.strip("`") in "".join(span.text for block in parse(line) for span in block.spans)


MARKS = set("*`#-[]() \n\t")


@given(st.lists(st.sampled_from([*"ab*`#-[]() \n", "https://x.io", "**", "```", "\n```"]), max_size=60).map("".join))
def test_no_character_of_a_text_is_lost_save_the_marks(text: str) -> None:
    """The language of a block of code is a mark, too."""
    shown = "".join(span.text + span.url for block in parse(text) for span in block.spans)
    languages = "".join(line for line in text.split("\n") if re.fullmatch(r"\s*```[\w+#.-]{0,20}\s*", line))
    assert letters(text) - letters(languages) <= letters(shown) <= letters(text)


def letters(text: str) -> int:
    return sum(character not in MARKS for character in text)


@given(st.text(max_size=200))
def test_every_span_but_of_code_has_text_and_only_links_have_an_address(text: str) -> None:
    for block in parse(text):
        assert block.spans
        for span in block.spans:
            assert span.text or block.kind is BlockKind.CODE
            assert (span.style is Style.LINK) == bool(span.url)


@given(st.text(max_size=200))
def test_parsing_a_text_without_marks_gives_its_words(text: str) -> None:
    plain_text = "".join(character for character in text if character not in "*`#-[]")
    assert plain(parse(plain_text)).split() == plain_text.split()


def test_in_a_email_the_address_of_a_link_stands_behind_it() -> None:
    assert plain(parse("# Why\n- see **the** [plan](https://x.io)")) == "Why\n- see the plan (https://x.io)"
    assert plain(parse("one\ntwo\n\nthree\n- a\n- b\n\nfour")) == "one\ntwo\n\nthree\n\n- a\n- b\n\nfour"


@pytest.mark.parametrize(
    "unit",
    ["[", "[a](", "[a](" + "x" * 1990, "[" * 300 + "](" + "x" * 1990, "*a ", "**a ", "`a ", "- ", "```", " ", "#"],
)
def test_the_longest_details_are_read_at_once(unit: str) -> None:
    """No text makes a pattern look at everything again and again: that would be minutes, not a fraction of a second."""
    text = (unit * 200_000)[:200_000]
    started = time.process_time()
    list(parse(text))
    assert time.process_time() - started < 1
