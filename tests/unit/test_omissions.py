"""What a surface shows of a request, and what it leaves out."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.domain import facts, markdown
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.model import Approval, Request
from approvals.domain.omissions import MORE, Shown, Surface, fit
from bot.surfaces import SLACK_HOME, SLACK_MESSAGE, slack_weight, was_all_in_earlier_message
from mail.surfaces import EMAIL_BODY, TITLE_ALONE
from tests.support.builders import HOUR, an_approval

SURFACES = {"message": SLACK_MESSAGE, "home": SLACK_HOME, "email": EMAIL_BODY, "title": TITLE_ALONE}
SCRIPT = "echo harmless\n" * 80 + "rm -rf /prod"
NESTED: Any = [[]] * 60_000

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)
long_texts = st.builds(lambda text, times: text * times, texts, st.integers(1, 4000))
values = long_texts | st.integers() | st.lists(texts, max_size=50) | st.none()
requests = st.builds(
    Request,
    title=st.just("Run the script"),
    details=st.none() | long_texts.filter(str.strip),  # no request has blank details
    facts=st.lists(st.tuples(texts, texts.map(lambda text: (text * 40)[:2000])), max_size=100).map(tuple),
    links=st.lists(st.tuples(texts, st.just("https://example.com/plan")), max_size=10).map(tuple),
    context=st.dictionaries(st.text(max_size=120), values, max_size=60),
    action=values | st.dictionaries(st.text(max_size=120), values, max_size=60),
    timeout=st.just(HOUR),
)
surfaces = st.sampled_from([*SURFACES.values()])


def asking(**parts: Any) -> Approval:
    return an_approval(request=Request(title="Run the script", timeout=HOUR, **parts))


def everything(approval: Approval) -> Shown:
    request = approval.request
    return Shown(
        facts=request.facts,
        details=tuple(markdown.parse(request.details or "")),
        links=request.links,
        action=tuple(facts.action(request)),
        context=tuple(facts.context(approval)),
    )


def content(shown: Shown) -> tuple[object, ...]:
    return shown.facts, shown.action, shown.details, shown.links, shown.context


@pytest.mark.parametrize("surface", [SLACK_MESSAGE, SLACK_HOME, EMAIL_BODY])
def test_the_last_line_of_a_script_is_shown_where_there_is_room_for_it(surface: Surface) -> None:
    shown = fit(asking(context={"Script": SCRIPT}), surface)
    assert shown.is_complete
    assert shown.context == (("Script", SCRIPT),)


def test_lines_of_the_input_that_do_not_fit_are_counted() -> None:
    shown = fit(asking(context={"Script": "echo harmless\n" * 2000 + "rm -rf /prod"}), SLACK_MESSAGE)
    [(label, text)] = shown.context
    lines = text.removesuffix(f"\n{MORE}").split("\n")
    assert (label, set(lines)) == ("Script", {"echo harmless"})
    assert shown.left_out == f"{2001 - len(lines):,} of 2,001 lines of the workflow input"


def test_keys_of_the_input_that_do_not_fit_are_counted() -> None:
    shown = fit(asking(context={f"key{number}": "v" * 90 for number in range(300)}), SLACK_MESSAGE)
    hidden = 300 - sum(value == "v" * 90 for _, value in shown.context)
    assert 0 < hidden < 220
    assert shown.left_out == f"{hidden} of 300 lines of the workflow input, one of them in part"


def test_more_keys_than_forty_are_shown_where_there_is_room_for_them() -> None:
    context: Any = {f"key{number}": number for number in range(60)}
    assert fit(asking(context=context), SLACK_MESSAGE).is_complete


def test_the_rest_of_a_long_line_is_counted_in_characters() -> None:
    shown = fit(asking(context={"Blob": "x" * 50_000}), SLACK_MESSAGE)
    [(_, text)] = shown.context
    assert shown.left_out == f"{50_001 - len(text):,} of 50,000 characters of a line of the workflow input"


def test_lines_of_the_action_that_do_not_fit_are_counted() -> None:
    shown = fit(asking(action={"Script": "echo harmless\n" * 2000 + "rm -rf /prod"}), SLACK_MESSAGE)
    [(label, text)] = shown.action
    lines = text.removesuffix(f"\n{MORE}").split("\n")
    assert (label, set(lines)) == ("Script", {"echo harmless"})
    assert shown.left_out == f"{2001 - len(lines):,} of 2,001 lines of the action"


def test_a_key_that_does_not_fit_is_left_out_with_its_value() -> None:
    shown = fit(asking(context={"k" * 20_000: "v", "a": "b"}), SLACK_MESSAGE)
    assert shown.left_out == "all 2 lines of the workflow input"
    assert shown.context == ()


def test_the_rest_of_the_details_is_counted_in_characters() -> None:
    text = "".join(chr(ord("a") + number % 26) for number in range(50_000))
    shown = fit(asking(details=text), SLACK_MESSAGE)
    whole = "".join(span.text for block in shown.details for span in block.spans)
    assert whole.endswith(MORE)
    assert text.startswith(whole.removesuffix(MORE))
    assert shown.left_out == f"{50_001 - len(whole):,} of 50,000 characters of the details"


def test_facts_and_links_are_shown_whole_or_not_at_all() -> None:
    facts = tuple((f"Fact {number}", "v" * 1900) for number in range(100))
    links = tuple((f"Link {number}", f"https://example.com/{'u' * 1900}") for number in range(10))
    shown = fit(asking(facts=facts, links=links), SLACK_MESSAGE)
    assert 0 < len(shown.facts) < len(facts)
    assert 0 < len(shown.links) < len(links)
    assert (shown.facts, shown.links) == (facts[: len(shown.facts)], links[: len(shown.links)])
    first = len(shown.links)
    named = ", ".join(f"\u201cLink {number}\u201d" for number in range(first, min(first + 3, 10)))
    more = f", {7 - first} more" if first < 7 else ""
    links_out = f"{10 - first} of 10 links ({named}{more})"
    assert shown.left_out == f"{100 - len(shown.facts)} of 100 facts and {links_out}"


def test_no_part_hides_a_smaller_one() -> None:
    facts = (("Amount", "1,000,000 EUR"),)
    shown = fit(asking(details="x" * 200_000, facts=facts, context={"Script": "y" * 30_000, "z": 1}), SLACK_MESSAGE)
    assert shown.facts == facts
    assert len(shown.context[0][1]) > 5000
    assert len(shown.details[0].spans[0].text) > 5000


def test_a_form_is_left_out_where_no_button_opens_it() -> None:
    form = (FormField(name="Percent", label="Percent", type=FieldType.NUMBER, default=100),)
    assert fit(asking(form=form), EMAIL_BODY).left_out == "the form (1 field)"
    assert fit(asking(form=form), SLACK_MESSAGE).is_complete


def test_an_entry_of_a_digest_shows_all_of_a_request_that_has_nothing_but_a_title() -> None:
    assert fit(asking(), TITLE_ALONE).is_complete
    assert fit(asking(context={"a": 1}), TITLE_ALONE).left_out == "1 line of the workflow input"


@pytest.mark.parametrize(
    ("context", "all_of_it"),
    [
        pytest.param({}, True, id="nothing"),
        pytest.param({"Version": "2.4.1"}, True, id="short"),
        pytest.param({"Script": SCRIPT}, False, id="value-of-1132-characters"),
        pytest.param({f"k{number}": "" for number in range(41)}, False, id="41-keys"),
        pytest.param({"k" * 101: ""}, False, id="key-of-101-characters"),
    ],
)
def test_a_message_of_an_earlier_version_counts_only_where_it_cut_nothing(context: Any, all_of_it: bool) -> None:
    assert was_all_in_earlier_message(asking(context=context)) is all_of_it


@settings(deadline=None)
@given(requests, surfaces, st.integers(0, 2000))
def test_all_is_shown_or_the_omission_is_named(request: Request, surface: Surface, taken: int) -> None:
    approval = an_approval(request=request)
    shown = fit(approval, surface, taken=taken)
    assert shown.size <= max(surface.room - taken, 0)
    assert (content(shown) == content(everything(approval))) is shown.is_complete
    assert bool(shown.left_out) is not shown.is_complete
    whole = everything(approval)
    named = {part.value: text for part, text in shown.omissions.items()}
    assert (shown.facts != whole.facts) is ("facts" in named)
    assert (shown.details != whole.details) is ("details" in named)
    assert (shown.links != whole.links) is ("links" in named)
    assert (shown.context != whole.context) is ("workflow input" in named)
    assert all(re.search(r"[1-9]", text) for text in named.values())


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_each_character_weighs_something(text: str, more: str) -> None:
    """`fit` looks at as many characters as there is room for, and no further."""
    for measure in (slack_weight, EMAIL_BODY.measure):
        assert measure(text + more) >= measure(text) + len(more)


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"context": {"x": NESTED}}, id="nested"),
        pytest.param({"context": {f"k{number}": "v" * 290 for number in range(800)}}, id="keys"),
        pytest.param({"details": "**b** " * 33_000}, id="marks"),
        pytest.param({"details": "- \u202ei\n" * 40_000, "context": {"a": "\u202e" * 40_000}}, id="hidden"),
    ],
)
def test_a_request_of_240_kilobytes_is_cut_before_it_is_looked_at(surface: str, parts: dict[str, Any]) -> None:
    approval = asking(**parts)
    took = []
    for _ in range(3):  # What else the machine does, and a collection of all garbage, can only add.
        started = time.process_time()
        shown = fit(approval, SURFACES[surface])
        took.append(time.process_time() - started)
        assert not shown.is_complete
    assert min(took) < 0.25  # 1 to 30 ms here
