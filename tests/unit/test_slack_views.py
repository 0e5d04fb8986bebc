"""What the app shows in Slack."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from approvals.adapters.step_functions import console_url
from approvals.domain import facts, wording
from approvals.domain.characters import hidden_in, reveal
from approvals.domain.demands import Demand
from approvals.domain.eligibility import Reason
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.forms import MAX_COMMENT
from approvals.domain.groups import Group
from approvals.domain.judgement import Cancellation
from approvals.domain.model import Action, Approval, MoreTime, OnTimeout, Presence, Request, Severity, readable
from approvals.domain.omissions import MORE
from approvals.domain.parts import Moment, text
from approvals.domain.people import Approver, People, Person
from approvals.domain.refusal_wording import refusal_reply
from approvals.domain.rules import judge
from approvals.domain.steps import Step
from approvals.domain.summary import summarize
from bot.addresses import SLACK, is_slack_user
from bot.listeners.payloads import Interaction, read_submission
from bot.views import lists
from bot.views.approval import message_of, outcome_blocks, outcome_reply, outcome_text, request_blocks, request_text
from bot.views.buttons import ACTION_IDS, ALL_SHOWN, MENU_ID, OPEN_EXECUTION_ID, READ_ID, REFRESH_ID
from bot.views.home import MAX_ROWS, home_view
from bot.views.lists import HELP, list_blocks, long_title
from bot.views.modal import fits_in_modal, notice_modal, response_modal
from bot.views.text import escape, literal, sentence
from bot.visibility import Overview
from demo.slack.block_kit import SlackError, check_home, check_message, check_view
from tests.support.builders import (
    ALICE,
    BOB,
    HOUR,
    MAX_DETAILS,
    MAX_REQUESTED_BY,
    MAX_TITLE,
    NOW,
    TOKEN,
    WORKFLOW,
    a_response,
    an_approval,
    cancelled,
    decided,
    expired,
)

EXECUTION = f"<{console_url(WORKFLOW.execution_arn)}|Open execution>"
MARKUP = re.compile(r"<[^<>]*>")
HALF_AN_ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")

HOSTILE = [
    "<!channel>",
    "<!here|here>",
    "<@U0BOB00002>",
    "<https://evil.example|Approve>",
    "a & b < c > d",
    "&lt;!channel&gt;",
    "*bold* _italic_ `code` ~gone~",
    "\n>quote\n\n",
]

texts = st.text(min_size=1) | st.sampled_from(HOSTILE) | st.text(alphabet="&<>\n*x", min_size=1)
lines = texts.map(lambda text: " ".join(text.split())).filter(bool)
long_texts = st.builds(lambda text, times: (text * times)[:MAX_DETAILS], texts, st.integers(1, 5000))


def not_a_slack_user(text: str) -> bool:
    return not is_slack_user(text)


values = st.builds(lambda text, times: (text * times)[:2000], texts, st.integers(1, 300))
addresses = st.sampled_from(["https://example.com/plan", "http://x", "https://e.com/?a=1&b=" + "c" * 1900])
users = st.integers(0, 99).map(lambda number: f"U{number:08}")
requests = st.builds(
    Request,
    title=st.none() | lines.map(lambda text: text[:MAX_TITLE]),
    details=st.none() | long_texts,
    links=st.lists(st.tuples(lines.map(lambda text: text[:75]), addresses), max_size=10).map(tuple),
    facts=st.lists(st.tuples(lines.map(lambda text: text[:100]), values), max_size=100).map(tuple),
    # A Slack user ID is shown as a mention, on purpose.
    requested_by=st.none()
    | texts.map(lambda text: text[:MAX_REQUESTED_BY]).filter(lambda text: not is_slack_user(text)),
    severity=st.sampled_from(Severity),
    required_approvals=st.integers(1, 3),
    notify=st.lists(users | st.just("eve@example.com"), max_size=50).map(tuple),
    timeout=st.just(timedelta(hours=1)),
    on_timeout=st.sampled_from(OnTimeout),
    more_time=st.just(MoreTime(1, timedelta(hours=1))),
    context=st.dictionaries(
        st.text(max_size=200), st.builds(lambda text, times: text * times, texts, st.integers(1, 300)), max_size=50
    ),
)
people = st.builds(
    lambda number, slack: Person(
        id=f"{number}@example.com",
        name="n" * 80,
        identities={"email": f"{number}@example.com", "slack": f"U{number:08}" * slack},
    ),
    st.integers(0, 10**6),
    st.booleans(),
)
crowds = st.builds(People, approvers=st.lists(people, max_size=50).map(tuple), requester=st.none() | people)


def as_sent(blocks: list[Block]) -> list[dict[str, Any]]:
    """Return the blocks as Slack gets them. The SDK checks some of its limits on the way."""
    return [block.to_dict() for block in blocks]


def inside(node: Any) -> Iterator[dict[str, Any]]:
    """Return every object in a message."""
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from inside(child)
    elif isinstance(node, list):
        for child in node:
            yield from inside(child)


def mrkdwn(blocks: list[dict[str, Any]]) -> list[str]:
    return [node["text"] for node in inside(blocks) if node.get("type") == "mrkdwn"]


def said(blocks: list[dict[str, Any]]) -> str:
    """Return all text of a message."""
    return "\n".join(node["text"] for node in inside(blocks) if isinstance(node.get("text"), str))


def refused(blocks: list[dict[str, Any]]) -> str | None:
    """Return Slack's error code for a message, by the stand-in's rules."""
    try:
        check_message(blocks)
    except SlackError as error:
        return str(error)
    return None


def saying(text: str) -> Approval:
    """Return a request that says the text wherever a requester can."""
    return an_approval(
        request=Request(title=text, details=text, requested_by=text, timeout=timedelta(hours=1), context={text: text})
    )


@settings(deadline=None)
@given(requests, crowds, st.integers(0, 50))
def test_a_request_keeps_slacks_limits_whatever_it_says(request: Request, crowd: People, answers: int) -> None:
    responses = tuple(a_response(approver=ALICE) for _ in range(answers))
    approval = an_approval(request=request, people=crowd, responses=responses)
    assert refused(as_sent(request_blocks(approval))) is None


@settings(deadline=None)
@given(requests, st.none() | st.text(max_size=500), st.sampled_from([ALICE, BOB]))
def test_an_outcome_keeps_slacks_limits_whatever_the_request_says(
    request: Request, comment: str | None, approver: Approver
) -> None:
    approval = decided(approver=approver, request=replace(request, required_approvals=1), comment=comment)
    assert refused(as_sent(outcome_blocks(approval))) is None


@pytest.mark.parametrize(
    "comment",
    [
        pytest.param("&" * MAX_COMMENT, id="ampersands-grow-fivefold"),
        pytest.param("<b>&</b>" * (MAX_COMMENT // 8), id="markup"),
        pytest.param("x" + "\n" * (MAX_COMMENT - 2) + "x", id="lines"),
    ],
)
def test_an_outcome_keeps_slacks_limits_with_any_comment_that_is_taken(comment: str) -> None:
    assert refused(as_sent(outcome_blocks(decided(comment=comment)))) is None


def test_an_outcome_keeps_slacks_limits_with_a_long_cause() -> None:
    assert refused(as_sent(outcome_blocks(cancelled("*" * 3000)))) is None


@pytest.mark.parametrize("character", ["x", "&", "<", "\n", "\U0001f4a5", "\u05d0\u200f", "**b** ", "- i\n", "`c` "])
@pytest.mark.parametrize("number_of_facts", [1, 20, 21, 100])
def test_the_greatest_message_keeps_slacks_limits(character: str, number_of_facts: int) -> None:
    parent = f"{WORKFLOW.execution_arn.rsplit(':', 2)[0]}:{'p' * 80}:{'q' * 80}"
    crowd = tuple(Person(id=f"{n}", name="n" * 80, identities={"email": f"{n:0240}@example.com"}) for n in range(50))
    request = Request(
        title=(character * MAX_TITLE)[:MAX_TITLE],
        details=(character * MAX_DETAILS)[:MAX_DETAILS],
        links=tuple(("l" * 75, f"https://example.com/{'u' * 1980}") for _ in range(10)),
        facts=tuple((f"{number:0100}", (character * 2000)[:2000]) for number in range(number_of_facts)),
        requested_by=f"{'r' * (MAX_REQUESTED_BY - 12)}@example.com",
        severity=Severity.HIGH,
        required_approvals=2,
        notify=tuple(f"U{number:020}" for number in range(50)),
        on_timeout=OnTimeout.REJECT,
        timeout=timedelta(hours=1),
        more_time=MoreTime(1, timedelta(hours=1)),
        context={
            facts.STARTED_BY: parent,
            **{f"{number}{character * 200}": character * 2000 for number in range(60)},
        },
    )
    workflow = replace(WORKFLOW, execution_name="e" * 80, state_machine_name="s" * 80)
    responses = tuple(a_response(approver=replace(ALICE, name=person.address)) for person in crowd)
    asked = an_approval(request=request, workflow=workflow, people=People(approvers=crowd), responses=responses)
    assert (facts.STARTED_BY_LABEL, f"{'p' * 80}, execution {'q' * 80}") in facts.claims(asked)
    assert refused(as_sent(request_blocks(asked))) is None
    alone = replace(request, required_approvals=1)
    answered = decided(request=alone, workflow=workflow, comment=(character * MAX_COMMENT)[:MAX_COMMENT])
    in_vain = replace(answered, steps={Step.WORKFLOW_GONE: NOW})
    assert wording.undelivered_sentence(in_vain)
    for ended in (answered, in_vain, cancelled(character * 3000, request=alone, workflow=workflow)):
        assert refused(as_sent(outcome_blocks(ended))) is None


@given(requests)
def test_a_cut_text_ends_in_no_half_entity(request: Request) -> None:
    blocks = as_sent(request_blocks(an_approval(request=request)))
    assert not [text for text in mrkdwn(blocks) if HALF_AN_ENTITY.search(text)]


@given(requests)
def test_nothing_in_a_request_mentions_or_notifies(request: Request) -> None:
    """Who is mentioned is named by the request, to be told. What else it says is text, whatever it looks like."""
    approval = an_approval(request=request)
    blocks = as_sent(request_blocks(approval))
    found = MARKUP.findall("\n".join(mrkdwn(blocks)))
    assert [markup.split("^")[0] for markup in found] == ["<!date"]  # The deadline.
    mentioned = [node["user_id"] for node in inside(blocks) if node.get("type") == "user"]
    assert mentioned == [name for name in request.notify if name.startswith("U")]
    kinds = {node["type"] for node in inside(blocks) if "type" in node}
    assert not kinds & {"broadcast", "usergroup", "channel", "emoji"}
    assert not MARKUP.search(request_text(approval))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_an_outcome_is_no_markup(text: str) -> None:
    stranger = Approver(id="eve@example.com", name=text, channel="email")
    approval = decided(approver=stranger, comment=text, request=saying(text).request)
    found = MARKUP.findall("\n".join(mrkdwn(as_sent(outcome_blocks(approval)))))
    assert [markup for markup in found if not markup.startswith("<!date^")] == [EXECUTION]
    assert not MARKUP.search(outcome_text(approval))


@pytest.mark.parametrize("text", HOSTILE)
def test_the_name_of_a_group_is_no_markup(text: str) -> None:
    group = Group(name=text, approvers=(ALICE.id,))
    people = People(
        approvers=(Person(id=ALICE.id, name=ALICE.id, identities={"email": ALICE.id}),),
        demands=(Demand(required=1), Demand(name=text, people=(ALICE.id,), required=1)),
    )
    approval = an_approval(request=Request(title="Deploy", groups=(group,), timeout=HOUR), people=people)
    blocks = [*request_blocks(approval), *list_blocks([("Open", [summarize(approval)])], the_link, "")]
    assert [each.split("^")[0] for each in MARKUP.findall("\n".join(mrkdwn(as_sent(blocks))))] == ["<!date", "<!date"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_cause_is_no_markup(text: str) -> None:
    found = MARKUP.findall("\n".join(mrkdwn(as_sent(outcome_blocks(cancelled(text))))))
    assert [markup for markup in found if not markup.startswith("<!date^")] == [EXECUTION]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_short_text_is_shown_as_it_was_typed(text: str) -> None:
    request = Request(title=text, facts=((text, text),), links=((text, "https://example.com"),), timeout=HOUR)
    blocks = as_sent(request_blocks(an_approval(request=replace(request, context={text: text}))))
    assert (blocks[0]["text"]["type"], blocks[0]["text"]["text"]) == ("plain_text", text)
    key = " ".join(text.split())
    shown = under(blocks)
    assert shown["Facts"] == [("text", text, {"bold": True}), ("text", f": {text}", None)]
    assert shown["Links"] == [("link", f"{text} (example.com)", None)]
    assert shown["Workflow input"] == [("text", f"{key}: {facts.indent(text)}", None)]


def test_details_look_as_their_marks_say() -> None:
    text = "# Plan\n**bold** and *italic* and `code`\nnext *_~ line\n\n- one\n- [two](https://e.com/?a=1&b=2)\n```\n*x*\n```"
    blocks = as_sent(request_blocks(an_approval(request=Request(details=text, timeout=HOUR))))
    (details,) = [block for block in blocks if block["type"] == "rich_text" and len(block["elements"]) > 1]
    _label, paragraph, items, code = details["elements"]
    assert [(part["text"], part.get("style")) for part in paragraph["elements"]] == [
        ("Plan", {"bold": True}),
        ("\n", None),
        ("bold", {"bold": True}),
        (" and ", None),
        ("italic", {"italic": True}),
        (" and ", None),
        ("code", {"code": True}),
        ("\nnext *_~ line", None),
    ]
    assert paragraph["type"] == QUOTE
    assert (items["type"], items["style"], items["border"]) == ("rich_text_list", "bullet", 1)
    assert items["elements"][1]["elements"] == [
        {"type": "link", "text": "two (e.com)", "url": "https://e.com/?a=1&b=2"}
    ]
    assert (code["type"], code["border"]) == ("rich_text_preformatted", 1)
    assert code["elements"] == [{"type": "text", "text": "*x*"}]


@pytest.mark.parametrize("url", ["https://[2001:db8::1]/", "https://e_x.com/"])
def test_an_unusual_address_is_shown_as_text(url: str) -> None:
    """Slack may refuse a whole message for an address that it does not know as one."""
    request = Request(details=f"[label]({url})", links=(("Plan", url),), timeout=HOUR)
    shown = under(as_sent(request_blocks(an_approval(request=request))))
    assert shown["Links"] == [("text", f"Plan: {url}", None)]
    assert shown["Details"] == [("text", f"label ({url})", None)]


@pytest.mark.parametrize("url", ["https://good.example@evil.example/", "https://b\u00fccher.example/"])
def test_an_address_that_could_deceive_is_no_link_in_slack(url: str) -> None:
    """Details keep it as it was typed; among the links it can only be one of an earlier version's record."""
    request = Request(details=f"See [label]({url}).", links=(("Plan", url),), timeout=HOUR)
    shown = under(as_sent(request_blocks(an_approval(request=request))))
    assert shown["Links"] == [("text", f"Plan: {url}", None)]
    assert shown["Details"] == [("text", f"See [label]({url}).", None)]


def test_a_link_in_slack_shows_the_host_that_it_leads_to() -> None:
    lie = "https://github.com/acme/pull/7"
    links = ((lie, "https://evil.example/y"),)
    request = Request(details=f"[{lie}](https://evil.example/x)", links=links, timeout=HOUR)
    shown = under(as_sent(request_blocks(an_approval(request=request))))
    assert shown["Links"] == [("link", f"{lie} (evil.example)", None)]
    assert shown["Details"] == [("link", f"{lie} (evil.example)", None)]


HIDDEN = "\x1b\u200b\u202e\u2800\u3164\U000e0041\xad\ud800"


def test_a_message_of_an_earlier_versions_record_hides_nothing() -> None:
    text = f"a{HIDDEN}b"
    form = (
        FormField(name="t", label=text, type=FieldType.TEXT, default=text),
        FormField(name="c", label=text, type=FieldType.CHOICE, choices=(text, "x")),
    )
    request = Request(
        title=text,
        details=f"{text} **{text}** `{text}` [{text}](https://x.io/)\n# {text}\n- {text}\n```\n{text}\n```",
        facts=((text, text),),
        links=((text, "https://x.io/"),),
        form=form,
        timeout=HOUR,
        context={text: text, "b": [text]},
    )
    workflow = replace(WORKFLOW, execution_name=text, state_machine_name=text)
    asked = an_approval(request=request, workflow=workflow)
    answered = decided(request=replace(request, form=()), workflow=workflow, comment=text)
    views: list[Any] = [
        as_sent(request_blocks(asked)),
        as_sent(outcome_blocks(answered)),
        [request_text(asked), outcome_text(answered), outcome_reply(answered)],
        response_modal(asked, Action.APPROVE, "{}").to_dict(),
        notice_modal(text).to_dict(),
        as_sent(outcome_blocks(cancelled(text))),
    ]
    for view in views:
        shown = [each for key, each in written_in(view) if key != "value"]  # a choice's value is sent back as it is
        assert {each: hidden_in(each) for each in shown if hidden_in(each)} == {}


def written_in(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, each in node.items():
            yield from written_in(each, name)
    elif isinstance(node, list):
        for each in node:
            yield from written_in(each, key)
    elif isinstance(node, str):
        yield key, node


def under(blocks: list[dict[str, Any]]) -> dict[str, list[tuple[str, str, Any]]]:
    """Return what the request says, quoted, below each label of ours: runs of rich text as type, text, style."""
    found = {}
    for block in blocks:
        if block["type"] == "rich_text" and len(block["elements"]) > 1:
            label, *quoted = block["elements"]
            runs = [node for node in inside(quoted) if "text" in node]
            found[label["elements"][0]["text"]] = [(node["type"], node["text"], node.get("style")) for node in runs]
    return found


def not_shown(blocks: list[dict[str, Any]]) -> str:
    """Return what a message says it leaves out."""
    [found] = re.findall(r"\*Not shown here:\* (.*?)\. ", said(blocks))
    return str(found)


def test_a_request_without_details_and_input_has_no_headings_for_them() -> None:
    blocks = as_sent(request_blocks(an_approval()))
    assert [block["type"] for block in blocks] == ["header", "section", "rich_text", "actions", "context"]


@pytest.mark.parametrize("length", [3000, 9000])
def test_details_for_which_there_is_room_are_shown_in_full(length: int) -> None:
    request = Request(details="x" * length, timeout=HOUR)
    assert "".join(text for _, text, _ in under(as_sent(request_blocks(an_approval(request=request))))["Details"]) == (
        "x" * length
    )


@pytest.mark.parametrize("length", [14_000, MAX_DETAILS])
def test_longer_details_are_cut_and_the_rest_is_counted(length: int) -> None:
    text = "".join(chr(ord("a") + number % 26) for number in range(length))
    blocks = as_sent(request_blocks(an_approval(request=Request(details=text, timeout=HOUR))))
    shown = "".join(part for _, part, _ in under(blocks)["Details"])
    assert text.startswith(shown.removesuffix(MORE))
    assert len(shown) > 9000
    assert not_shown(blocks) == f"{length - len(shown) + 1:,} of {length:,} characters of the details"


def test_a_longer_input_is_cut_and_the_rest_is_counted() -> None:
    context: Any = {f"key{number}": f"{number} " * 400 for number in range(29)}
    blocks = as_sent(request_blocks(an_approval(request=Request(timeout=HOUR, context=context))))
    shown = "".join(part for _, part, _ in under(blocks)["Workflow input"])
    assert len(shown) > 9000
    whole = shown.count("\n")
    assert shown.startswith("\n".join(f"{label}: {value}" for label, value in list(context.items())[:whole]))
    assert not_shown(blocks) == f"{29 - whole} of 29 lines of the workflow input, one of them in part"


def test_many_facts_are_cut_and_the_rest_is_counted() -> None:
    facts = tuple((f"Fact {number}", "value " * 20) for number in range(100))
    blocks = as_sent(request_blocks(an_approval(request=Request(timeout=HOUR, facts=facts))))
    shown = "".join(part for _, part, _ in under(blocks)["Facts"]).split("\n")
    assert shown == [f"{label}: {value}" for label, value in facts[: len(shown)]]
    assert len(shown) > 60
    assert not_shown(blocks) == f"{100 - len(shown)} of 100 facts"


def test_a_hundred_short_facts_are_all_shown() -> None:
    facts = tuple((f"Fact {number}", f"{number}") for number in range(100))
    approval = an_approval(request=Request(timeout=HOUR, facts=facts))
    [(_, shown, _)] = under(as_sent(request_blocks(approval)))["Facts"]
    assert shown == "\n".join(f"{label}: {value}" for label, value in facts)


def test_a_title_that_is_too_long_for_a_header_is_cut_there_and_shown_in_full_below() -> None:
    header, below, *_ = as_sent(request_blocks(an_approval(request=Request(title="t" * 300, timeout=HOUR))))
    assert header["text"]["text"] == f"{'t' * 149}…"
    assert below["elements"][0]["elements"] == [{"type": "text", "text": "t" * 300}]


@given(st.text())
def test_escaping_leaves_no_angle_bracket_and_loses_nothing(text: str) -> None:
    escaped = escape(text)
    assert not set(escaped) & {"<", ">"}
    assert escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == reveal(text)


@given(st.text(alphabet="*_~`x <&"))
def test_in_literal_text_every_mark_stands_between_zero_width_spaces(text: str) -> None:
    shown = literal(text)
    assert shown.replace("\u200b", "") == escape(text)
    assert not re.search(r"(?<!\u200b)[*_~`]|[*_~`](?!\u200b)", shown)


@pytest.mark.parametrize("code", [":tada:", ":+1::skin-tone-2:", ":non-potable_water:", ":100:", ":caf\u00e9:"])
def test_emoji_code_reads_as_it_was_written_everywhere(code: str) -> None:
    """Headers and rich text show codes as they are; mrkdwn makes a picture of one."""
    asked = an_approval(request=replace(an_approval().request, title=f"Ship {code} now", facts=(("What", code),)))
    done = replace(asked, status=decided().status, decision=decided(comment=f"yes {code}").decision)
    for approval in (asked, done):
        text, found = message_of(approval)
        sent = as_sent(found)
        assert sent[0]["text"]["emoji"] is False
        told = [text, *(node["text"] for node in inside(sent) if node.get("type") == "mrkdwn")]
        told += [
            str(block["text"]["text"])
            for block in as_sent(list_blocks([("x", [summarize(approval)])], the_link, ""))[1:]
        ]
        assert all(code not in each for each in told)
        assert any(code in each.replace("\u200b", "") for each in told)
    assert code not in outcome_reply(done)


@pytest.mark.parametrize("letter", ["&", "*", "\U0001f389", "\u00e9", "x"])
def test_note_that_names_links_fits_into_the_message(letter: str) -> None:
    links = tuple((letter * 75, f"https://example.com/{'u' * 1900}") for _ in range(10))
    request = replace(an_approval().request, links=links, details=letter * 20_000)
    found = as_sent(request_blocks(an_approval(request=request)))
    assert "links (" in json.dumps(found)
    check_message(found)


def test_slack_links_nothing_by_itself() -> None:
    """A name or an address in the text stays text: no preview, no mention."""
    for blocks in (request_blocks(an_approval()), outcome_blocks(decided(comment="see https://example.com"))):
        assert all(node["verbatim"] is True for node in inside(as_sent(blocks)) if node.get("type") == "mrkdwn")


def actions_of(approval: Approval) -> list[dict[str, Any]]:
    (actions,) = [block for block in as_sent(request_blocks(approval)) if block["type"] == "actions"]
    elements: list[dict[str, Any]] = actions["elements"]
    return elements


def test_the_buttons_carry_the_approvals_id_and_no_secret() -> None:
    approval = an_approval()
    approve, reject, execution = actions_of(approval)
    assert (approve["action_id"], approve["value"], approve["style"]) == ("approval:approve", approval.id, "primary")
    assert (reject["action_id"], reject["value"], reject["style"]) == ("approval:reject", approval.id, "danger")
    assert (execution["action_id"], execution["url"]) == (OPEN_EXECUTION_ID, console_url(WORKFLOW.execution_arn))
    assert "value" not in execution


def test_action_ids_stay_what_they_were() -> None:
    """Messages that were posted before an upgrade have buttons with these ids."""
    assert ACTION_IDS == {Action.APPROVE: "approval:approve", Action.REJECT: "approval:reject"}


@pytest.mark.parametrize(
    ("changes", "responses", "choices"),
    [
        ({}, 0, []),
        ({"required_approvals": 2}, 0, []),
        ({"required_approvals": 2}, 1, ["withdraw"]),
        ({"required_rejections": 2}, 1, ["withdraw"]),
        ({"more_time": MoreTime(1, HOUR)}, 0, ["more-time"]),
        ({"required_approvals": 2, "more_time": MoreTime(1, HOUR)}, 1, ["withdraw", "more-time"]),
    ],
)
def test_menu_offers_what_can_be_done(changes: dict[str, Any], responses: int, choices: list[str]) -> None:
    approval = an_approval(request=Request(timeout=HOUR, **changes), responses=(a_response(),) * responses)
    options = [option for each in actions_of(approval) if each["action_id"] == MENU_ID for option in each["options"]]
    assert [option["value"] for option in options] == [f"{choice}:{approval.id}" for choice in choices]


@pytest.mark.parametrize(
    ("request_", "confirmed"),
    [
        (Request(timeout=HOUR), []),
        (Request(timeout=HOUR, severity=Severity.HIGH), ["Approve"]),
        (
            Request(timeout=HOUR, severity=Severity.HIGH, comments=dict.fromkeys(Action, Presence.OFF)),
            ["Approve", "Reject"],
        ),
        (Request(timeout=HOUR, severity=Severity.HIGH, comments=dict.fromkeys(Action, Presence.REQUIRED)), []),
    ],
)
def test_severe_requests_that_take_one_tap_are_confirmed(request_: Request, confirmed: list[str]) -> None:
    """What opens a dialog asks there."""
    elements = actions_of(an_approval(request=request_))
    assert [each["text"]["text"] for each in elements if "confirm" in each] == confirmed
    severe = "High severity" in said(as_sent(request_blocks(an_approval(request=request_))))
    assert severe == (request_.severity is Severity.HIGH)


@pytest.mark.parametrize("title", ["Delete the database", "x" * 300, "&" * 300, "\U0001f4a5" * 300])
def test_a_severe_request_is_confirmed_by_its_title(title: str) -> None:
    approval = an_approval(request=Request(title=title, timeout=HOUR, severity=Severity.HIGH))
    [confirm] = [each["confirm"] for each in actions_of(approval) if "confirm" in each]
    assert title[:100] in confirm["text"]["text"]
    assert len(confirm["text"]["text"]) <= 300
    assert refused(as_sent(request_blocks(approval))) is None


ANN = Person(id="ann@example.com", name="Ann", identities={"email": "ann@example.com"})
CAROL = Person(id="carol@example.com", name="Carol", identities={"email": "carol@example.com", "slack": "U0CAROL003"})


def test_approvers_are_mentioned_or_named() -> None:
    request = Request(timeout=HOUR, required_approvals=2, notify=("U0DAVE0009", "eve@example.com"))
    approval = an_approval(request=request, people=People(approvers=(ANN, CAROL)))
    who, told, *_ = [
        block["elements"][0]["elements"] for block in as_sent(request_blocks(approval)) if "rich" in block["type"]
    ]
    assert [part["text"] for part in who[:2]] == ["Who can respond: ", "Ann (ann@example.com)"]
    assert wording.quorum_sentence(approval) in said(who)
    assert [part["user_id"] for part in who if part["type"] == "user"] == ["U0CAROL003"]
    assert [part.get("user_id") for part in told] == [None, "U0DAVE0009"]


def test_silence_that_rejects_is_said() -> None:
    request = Request(timeout=HOUR, on_timeout=OnTimeout.REJECT)
    [*_, footer] = as_sent(request_blocks(an_approval(request=request)))
    assert "the request is rejected." in said([footer])


def test_responses_so_far_are_shown() -> None:
    request = Request(timeout=HOUR, required_approvals=2)
    response = replace(a_response(), person=ALICE.id)
    shown = said(as_sent(request_blocks(an_approval(request=request, responses=(response,)))))
    assert "*1 of 2 approvals*\nApproved by alice@example.com by email \n" in shown


def test_a_slack_user_who_asks_is_mentioned() -> None:
    shown = mrkdwn(as_sent(request_blocks(an_approval(request=Request(requested_by="U0CAROL003", timeout=HOUR)))))
    assert any(text.startswith("<@U0CAROL003> requests your approval by *<!date^1795428000^") for text in shown)


@pytest.mark.parametrize("approval", [decided(), decided(Action.REJECT, BOB), expired(), cancelled()])
def test_a_decided_message_has_no_buttons_and_still_shows_the_request(approval: Approval) -> None:
    blocks = as_sent(outcome_blocks(approval))
    assert [node for node in inside(blocks) if node.get("type") in {"actions", "button"}] == []
    assert blocks[0] == as_sent(request_blocks(approval))[0]
    assert "Requested by: jo@example.com" in said(blocks[-1:])
    assert EXECUTION in said(blocks[-1:])
    assert facts.DEADLINE not in said(blocks)


@pytest.mark.parametrize(
    ("approval", "line"),
    [
        (decided(), "*Approved* by alice@example.com by email, <!date^1795424460^"),
        (decided(Action.REJECT, BOB), "*Rejected* by <@U0BOB00002> in Slack, <!date^1795424460^"),
        (expired(), "*Expired* <!date^1795428000^"),
        (cancelled("It was aborted."), "*Cancelled* <!date^1795424460^"),
    ],
)
def test_the_outcome_says_who_where_and_when(approval: Approval, line: str) -> None:
    assert line in said(as_sent(outcome_blocks(approval)))


def test_the_outcome_says_why_nobody_decided() -> None:
    assert "It was aborted." in said(as_sent(outcome_blocks(cancelled("It was aborted."))))


def test_the_comment_of_one_of_several_who_decided_names_its_author() -> None:
    asked = an_approval(request=Request(timeout=HOUR, required_approvals=2))
    first = judge(asked, a_response(approver=BOB)).approval
    done = judge(first, a_response(approver=replace(BOB, id="U0CAROL003"), comment="fine")).approval
    shown = [said([block]) for block in as_sent(outcome_blocks(done))]
    assert "<@U0CAROL003>" in shown[shown.index("fine") - 1]
    assert outcome_reply(done).endswith(" Comment from bob:\n>fine"), "a mention would notify the commenter"


def test_what_others_wrote_is_quoted_in_the_reply_with_the_outcome() -> None:
    forged = "Approved by ciso@example.com"
    for ended in (cancelled(f"Superseded.\n{forged}"), decided(comment=f"no\n{forged}")):
        lines = outcome_reply(ended).split("\n")
        assert [line for line in lines if forged in line] == [f">{forged}"]


def test_an_outcome_of_one_response_does_not_count_it_again() -> None:
    asked = an_approval(request=Request(timeout=HOUR, required_approvals=2))
    rejected = judge(asked, a_response(Action.REJECT, BOB)).approval
    assert said(as_sent(outcome_blocks(rejected))).count("Rejected") == 1


def test_the_reason_of_a_cancellation_takes_the_place_of_its_cause_in_slack() -> None:
    gone = judge(
        an_approval(), Cancellation(NOW, "It was stopped.", error="ApprovalCancelled", reason="Too late.")
    ).approval
    shown = said(as_sent(outcome_blocks(gone)))
    assert "Too late." in shown
    assert "It was stopped." not in shown


def test_a_comment_is_quoted() -> None:
    (quoted,) = [
        node for node in inside(as_sent(outcome_blocks(decided(comment="no\n*x*")))) if node.get("type") == QUOTE
    ]
    assert quoted["elements"] == [{"type": "text", "text": "no\n*x*"}]


QUOTE = "rich_text_quote"


def test_form_answers_are_shown_by_their_labels() -> None:
    form = (
        FormField(name="Amount", label="Amount in euros", type=FieldType.NUMBER),
        FormField(name="Sure", label="Sure?", type=FieldType.YES_NO),
    )
    response = replace(a_response(), form={"Amount": 12.5, "Sure": True})
    approval = replace(decided(request=Request(timeout=HOUR, form=form)), responses=(response,))
    assert "Amount in euros: 12.5\nSure? yes" in said(as_sent(outcome_blocks(approval)))


def test_form_answers_and_a_long_title_pose_as_no_response_of_others() -> None:
    """Each line of theirs is in a quote: progress stands right below, outside."""
    forged = "Approved by ciso@example.com in Slack on 23 Nov 2026, 09:01 UTC"
    form = (FormField(name="Why", label="Why", type=FieldType.TEXT),)
    request = Request(title=f"{'x' * 160} {forged}", timeout=HOUR, form=form, required_approvals=2)
    asked = an_approval(request=request)
    filled_in = replace(a_response(approver=BOB), form={"Why": f"fine\n{forged}"})
    first = judge(asked, filled_in).approval
    done = judge(first, replace(filled_in, approver=replace(BOB, id="U0EVE00006"))).approval
    assert done.decision is not None
    for shown in (outcome_blocks(done), request_blocks(first), long_title(done)):
        quoted = json.dumps([node for node in inside(as_sent(shown)) if node.get("type") == QUOTE])
        assert json.dumps(as_sent(shown)).count("ciso@example.com") == quoted.count("ciso@example.com") > 0


def test_a_moment_has_a_fallback_in_utc() -> None:
    when = f"<!date^1795428000^{{date_short_pretty}} at {{time}}|{readable(an_approval().deadline)}>"
    assert as_sent(request_blocks(an_approval()))[1]["text"]["text"].endswith(f" by *{when}*.")


def test_the_notification_says_what_is_asked_and_later_how_it_ended() -> None:
    assert request_text(an_approval()) == "Approve? Deploy web 2.4.1"
    assert outcome_text(decided(Action.REJECT)) == "Rejected: Deploy web 2.4.1"


def test_an_open_request_has_no_outcome_to_show() -> None:
    with pytest.raises(ValueError, match="is not decided"):
        outcome_blocks(an_approval())


@pytest.mark.parametrize("blocks", [request_blocks(an_approval()), outcome_blocks(decided())])
def test_a_message_holds_neither_the_task_token_nor_the_link_key(blocks: list[Block]) -> None:
    sent = json.dumps(as_sent(blocks))
    assert TOKEN[:20] not in sent
    assert an_approval().link_key.decode() not in sent


fields = st.builds(
    FormField,
    name=st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,59}", fullmatch=True),
    label=lines.map(lambda text: text[:150]),
    type=st.just(FieldType.TEXT),
    default=st.none() | texts.map(lambda text: text[:200]),
    required=st.booleans(),
    max_length=st.integers(200, 3000),
) | st.builds(
    FormField,
    name=st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,59}", fullmatch=True),
    label=lines.map(lambda text: text[:150]),
    type=st.just(FieldType.NUMBER),
    default=st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    minimum=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
choices = st.builds(
    lambda name, options: FormField(name=name, label=name, type=FieldType.CHOICE, choices=options, default=options[-1]),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,59}", fullmatch=True),
    st.lists(lines.map(lambda text: text[:75]), min_size=1, max_size=100, unique=True).map(tuple),
)
forms = st.lists(fields | choices, max_size=20, unique_by=lambda field: field.name).map(tuple)


@settings(deadline=None)
@given(requests, forms, st.sampled_from(Presence), st.sampled_from(Action))
def test_a_dialog_keeps_slacks_limits_whatever_is_asked(
    request: Request, form: tuple[FormField, ...], presence: Presence, action: Action
) -> None:
    request = replace(request, form=form, comments=dict.fromkeys(Action, presence))
    approval = an_approval(request=request)
    # Slack's client always sends a submit button; a dialog without inputs is never opened, nor one that is too large.
    if fits_in_modal(approval, action):
        check_view(response_modal(approval, action, "{}").to_dict())


@given(st.text(min_size=1, max_size=5000))
def test_a_dialog_that_tells_something_keeps_slacks_limits(text: str) -> None:
    check_view(notice_modal(text).to_dict())


def test_a_dialogs_metadata_says_what_it_is_about_and_no_secret() -> None:
    approver = Approver(id="U0BOB00002", name="bob", channel=SLACK, realm="")
    click = Interaction(
        approval_id=an_approval().id,
        approver=approver,
        channel="C0APPROVALS",
        key="1.2",
        at=NOW,
        sent_at=NOW,
        unseen=False,
        all_shown=True,
    )
    view = response_modal(an_approval(), Action.REJECT, click.modal_metadata(Action.REJECT)).to_dict()
    body = {"view": {**view, "id": "1.2"}, "user": {"id": approver.id, "name": approver.name}}
    assert read_submission(body, NOW, NOW) == replace(click, choice="reject")
    assert TOKEN[:20] not in json.dumps(view)
    assert an_approval().link_key.decode() not in json.dumps(view)


def filled_in_by_bob() -> Approval:
    form = (FormField(name="Share", label="Percent of users", type=FieldType.NUMBER, minimum=1, required=True),)
    request = Request(timeout=HOUR, title="Deploy", form=form, required_approvals=2)
    return judge(an_approval(request=request), replace(a_response(approver=BOB), form={"Share": 10})).approval


def test_a_message_says_that_there_is_a_form_and_which_fields() -> None:
    asked = an_approval(request=filled_in_by_bob().request)
    shown = json.dumps(as_sent(request_blocks(asked)))
    assert request_text(asked) == "Answer needed: Deploy"
    assert "*To approve, you fill in:*" in shown
    assert "Percent of users (number, at least 1, required)" in shown
    assert '"text": "Answer and approve"' in shown
    assert request_text(an_approval()) == "Approve? Deploy web 2.4.1"
    assert "To approve" not in json.dumps(as_sent(request_blocks(an_approval())))


def test_a_message_shows_what_others_filled_in() -> None:
    shown = json.dumps(as_sent(request_blocks(filled_in_by_bob())))
    assert "*To approve, you confirm or change the form*, filled in by bob:" in shown
    assert "Percent of users: 10" in shown


def test_an_outcome_of_a_quorum_names_all_who_decided_it() -> None:
    first = filled_in_by_bob()
    carol = replace(BOB, id="U0CAROL003", name="carol")
    approved = judge(first, replace(a_response(approver=carol, minutes=2), form={"Share": 10})).approval
    shown = json.dumps(as_sent(outcome_blocks(approved)))
    assert f"*Approved* by <@{BOB.id}> and <@{carol.id}> in Slack, " in shown
    assert "*Form*, filled in by bob, confirmed by carol:" in shown
    row_text = json.dumps(as_sent([lists.row(summarize(approved), lambda _: "https://x.io/")]))
    assert f"Approved by <@{BOB.id}> and <@{carol.id}>, " in row_text


def test_every_type_of_field_has_its_own_input() -> None:
    form = (
        FormField(name="Line", label="Line", type=FieldType.TEXT, default="x", max_length=200),
        FormField(name="Text", label="Text", type=FieldType.TEXT, max_length=201),
        FormField(name="Count", label="Count", type=FieldType.NUMBER, default=1e-07, minimum=0, maximum=5),
        FormField(name="Huge", label="Huge", type=FieldType.NUMBER, maximum=1e300),
        FormField(name="Few", label="Few", type=FieldType.CHOICE, choices=tuple("abc"), default="b", required=True),
        FormField(name="Many", label="Many", type=FieldType.CHOICE, choices=tuple("abcdefghijk")),
        FormField(name="Yes", label="Yes", type=FieldType.YES_NO, default=False),
        FormField(name="Day", label="Day", type=FieldType.DATE, default="2026-11-23"),
    )
    approval = an_approval(request=Request(timeout=HOUR, form=form, severity=Severity.HIGH))
    view = response_modal(approval, Action.APPROVE, "{}").to_dict()
    inputs = {block["block_id"]: block for block in view["blocks"] if block["type"] == "input"}
    kinds = {id_: block["element"]["type"] for id_, block in inputs.items()}
    assert kinds == {
        "form.Line": "plain_text_input",
        "form.Text": "plain_text_input",
        "form.Count": "number_input",
        "form.Huge": "plain_text_input",
        "form.Few": "radio_buttons",
        "form.Many": "static_select",
        "form.Yes": "radio_buttons",
        "form.Day": "datepicker",
        "comment": "plain_text_input",
        "sure": "checkboxes",
    }
    assert inputs["form.Count"]["element"]["initial_value"] == "0.0000001"
    assert inputs["form.Yes"]["element"]["initial_option"]["value"] == "no"
    assert [id_ for id_, block in inputs.items() if not block["optional"]] == ["form.Few", "sure"]
    assert [inputs[id_]["element"]["multiline"] for id_ in ("form.Line", "form.Text")] == [False, True]


def test_a_rejection_is_asked_for_a_reason_and_no_form() -> None:
    form = (FormField(name="Line", label="Line", type=FieldType.TEXT, required=True),)
    approval = an_approval(request=Request(timeout=HOUR, form=form))
    view = response_modal(approval, Action.REJECT, "{}").to_dict()
    assert [block["block_id"] for block in view["blocks"] if block["type"] == "input"] == ["comment"]


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)), texts)  # noqa: DTZ001
def test_a_moment_in_a_sentence_is_the_readers_own_and_the_rest_is_literal(at: datetime, words: str) -> None:
    said = text(words, " until ", Moment(at), ".")
    date = f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{readable(at)}>"
    assert sentence(said) == f"{literal(f'{words} until ')}{date}."
    assert str(said) == f"{words} until {readable(at)}."


def test_a_moment_that_an_author_wrote_is_text() -> None:
    wrote = f"Deploy on {readable(NOW)}"
    approval = an_approval(
        request=Request(timeout=HOUR, title=wrote * 9, required_approvals=2),
        people=People(approvers=(replace(ANN, name=wrote, identities={}),)),
    )
    assert sentence(wrote) == wrote
    for shown in (request_blocks(approval), request_blocks(replace(approval, people=None))):
        assert not [node for node in inside(as_sent(shown)) if node.get("type") == "date"]
    about = sentence(refusal_reply(approval, Reason.NOT_AN_APPROVER))
    assert "<!date" not in about


def test_each_answer_so_far_has_its_time_in_the_readers_zone() -> None:
    approval = an_approval(request=replace(an_approval().request, required_approvals=2), responses=(a_response(),))
    dates = [node for node in inside(as_sent(request_blocks(approval))) if node.get("type") == "date"]
    assert dates == [
        {
            "type": "date",
            "timestamp": int((NOW + timedelta(minutes=1)).timestamp()),
            "format": "{date_short_pretty} at {time}",
            "fallback": "on 23 Nov 2026, 09:01 UTC",
        }
    ]
    assert check_message(as_sent(request_blocks(approval)))


def test_more_answers_than_fit_are_cut_with_a_note() -> None:
    answers = tuple(
        a_response(approver=replace(ALICE, id=f"{number}@example.com", name=f"{number}@example.com"))
        for number in range(60)
    )
    approval = an_approval(request=replace(an_approval().request, required_approvals=99), responses=answers)
    shown = json.dumps(as_sent(request_blocks(approval)))
    assert "0@example.com" in shown
    assert "more characters" in shown
    assert check_message(as_sent(request_blocks(approval)))


def the_link(_message: object) -> str:
    return "https://local.slack.com/archives/C0APPROVALS/p1795424400000100"


many = st.builds(
    lambda request, people, number: an_approval(request=request, people=people, id=f"{number:032}"),
    requests,
    crowds,
    st.integers(0, 9),
)


@settings(deadline=None, max_examples=30)
@given(st.lists(many, max_size=12), st.integers(0, 30), texts)
def test_a_home_keeps_slacks_limits_whatever_waits(waiting: list[Approval], rest: int, said: str) -> None:
    others = [summarize(decided(comment="Fine"))] * rest
    overview = Overview(waiting=[summarize(each) for each in waiting], requested=others, decided=others)
    view = home_view(overview, waiting, the_link, now=NOW, said=said).to_dict()
    assert check_home(view) == view
    if waiting:
        assert f"Waiting for you ({len(waiting)})" in json.dumps(view)


def test_the_address_of_who_decided_is_never_cut_in_a_list() -> None:
    """Two addresses could look the same then."""
    address = f"{'a' * 64}@{'b' * 60}.example.com"
    row = summarize(decided(approver=replace(ALICE, id=address, name=address)))
    assert address in json.dumps(as_sent(list_blocks([("Decided", [row])], the_link, "")))


def test_a_home_says_where_what_can_be_approved_there_comes_from() -> None:
    """Two stacks, one of them for tests, may have an app each in one workspace."""
    approval = an_approval()
    view = home_view(Overview(waiting=[summarize(approval)]), [approval], the_link, now=NOW).to_dict()
    assert ACTION_IDS[Action.APPROVE] in json.dumps(view)
    for label, value in wording.source(approval):
        assert f"{label}: {value}" in json.dumps(view)


def test_the_greatest_home_keeps_slacks_limits() -> None:
    request = Request(
        title="t" * MAX_TITLE,
        details="# h\n- i\n" * 3,
        links=(("l", "https://example.com"),),
        facts=(("f", "v"),),
        timeout=HOUR,
        context={"a": "b"},
    )
    waiting = [an_approval(request=request, id=f"{number:032}") for number in range(30)]
    rows = [summarize(approval) for approval in waiting]
    view = home_view(Overview(waiting=rows, requested=rows, decided=rows), waiting, the_link, now=NOW).to_dict()
    assert check_home(view) == view
    shown = json.dumps(view)
    assert f"{len(waiting) - MAX_ROWS} more: " in shown
    assert REFRESH_ID in shown
    answerable = shown.count(ACTION_IDS[Action.APPROVE])
    assert answerable > 1
    for approval in waiting[:answerable]:
        assert f'"value": "{approval.id}"' in shown


@settings(deadline=None, max_examples=30)
@given(st.lists(many, max_size=30))
def test_a_list_keeps_slacks_limits_whatever_is_in_it(approvals: list[Approval]) -> None:
    rows = [summarize(approval) for approval in approvals]
    blocks = as_sent(list_blocks([("Waiting for you", rows), ("Others", rows)], the_link, "Nothing."))
    assert refused(blocks) is None
    assert len(blocks) > 0


@pytest.mark.parametrize("own", [True, False])
def test_a_row_names_the_requester_to_everyone_but_them(own: bool) -> None:
    shown = json.dumps(as_sent([lists.row(summarize(an_approval()), the_link, own=own)]))
    assert ("jo@example.com" in shown) is not own


def test_the_help_is_a_message() -> None:
    assert refused([{"type": "section", "text": {"type": "mrkdwn", "text": HELP}}]) is None


@settings(deadline=None, max_examples=30)
@given(requests, crowds)
def test_a_row_shows_a_title_as_it_was_written(request: Request, people: People) -> None:
    shown = summarize(an_approval(request=request, people=people))
    [_heading, row] = as_sent(list_blocks([("Open", [shown])], the_link, ""))
    marks = [mark for mark in MARKUP.findall(row["text"]["text"]) if not mark.startswith("<!date^")]
    assert marks in ([], [f"<@{request.requested_by}>"])


SCRIPT = "echo harmless\n" * 80 + "rm -rf /prod"
LONG = "echo harmless\n" * 2000 + "rm -rf /prod"


def a_script(text: str, **more: Any) -> Approval:
    return an_approval(request=Request(title="Run the script", timeout=HOUR, context={"Script": text}, **more))


def test_the_last_line_of_a_script_stands_above_the_button_that_approves_it() -> None:
    approval = a_script(SCRIPT)
    blocks = as_sent(request_blocks(approval))
    assert "rm -rf /prod" in said(blocks)
    *_, actions, _footer = blocks
    assert ACTION_IDS[Action.APPROVE] in json.dumps(actions)
    assert actions["block_id"].startswith(ALL_SHOWN)


def test_a_message_that_hides_a_line_has_no_button_to_approve_but_a_way_to_the_page() -> None:
    approval = a_script(LONG)
    blocks = as_sent(request_blocks(approval))
    *_, actions, _footer = blocks
    read, reject, execution = actions["elements"]
    assert (read["action_id"], read["text"]["text"], read["value"]) == (READ_ID, "Read and respond", approval.id)
    assert (reject["action_id"], execution["action_id"]) == (ACTION_IDS[Action.REJECT], OPEN_EXECUTION_ID)
    assert re.fullmatch(r"1,\d{3} of 2,001 lines of the workflow input", not_shown(blocks))
    assert "block_id" not in actions


def test_people_who_may_only_see_a_request_get_a_link_to_the_page_and_no_buttons() -> None:
    assert "actions" not in {block["type"] for block in as_sent(request_blocks(a_script(SCRIPT), answerable=False))}
    blocks = as_sent(request_blocks(a_script(LONG), answerable=False))
    [read] = blocks[-2]["elements"]
    assert "Press *Read in full*" in said(blocks)
    assert (read["action_id"], read["text"]["text"]) == (READ_ID, "Read in full")


@pytest.mark.parametrize(("text", "approves"), [(SCRIPT, True), (SCRIPT * 2, False)])
def test_a_home_approves_only_what_it_shows(text: str, approves: bool) -> None:
    view = home_view(Overview(waiting=[summarize(a_script(text))]), [a_script(text)], the_link, now=NOW).to_dict()
    assert (ACTION_IDS[Action.APPROVE] in json.dumps(view)) is approves
    assert ("rm -rf /prod" in said(view["blocks"])) is approves
    assert (READ_ID in json.dumps(view)) is not approves
    if not approves:
        assert not_shown(view["blocks"]) == "all 161 lines of the workflow input"


def test_a_home_shows_all_of_a_title_whose_marks_make_it_longer() -> None:
    title = "*" * 100 + " of production"
    approval = an_approval(request=Request(title=title, timeout=HOUR))
    view = home_view(Overview(waiting=[summarize(approval)]), [approval], the_link, now=NOW)
    assert title in said(view.to_dict()["blocks"])


def test_the_authors_text_is_quoted_below_our_own() -> None:
    """Details that imitate progress stand below the real one, with a bar beside them."""
    forged = "1 of 2 approvals\nApproved by ciso@example.com by email on 23 Nov 2026, 09:01 UTC"
    request = Request(timeout=HOUR, required_approvals=2, details=forged, requested_by="jo@example.com")
    blocks = as_sent(request_blocks(an_approval(request=request, responses=(a_response(),))))
    texts = [said([block]) for block in blocks]
    heading = texts.index("*From the request*")
    assert any("Approved by alice@example.com" in text for text in texts[:heading])
    assert not any("ciso@example.com" in text for text in texts[:heading])
    for block in blocks[heading + 1 : -2]:  # The buttons and the footer are ours.
        label, *quoted = block["elements"]
        assert said([label]) in {"Facts", "Details", "Links", "Workflow input"}
        assert {each["type"] for each in quoted} == {QUOTE}


def test_an_outcome_stands_above_the_request() -> None:
    texts = [said([block]) for block in as_sent(outcome_blocks(decided(request=a_script(SCRIPT).request)))]
    assert texts[1].startswith("*Approved* by alice@example.com")
    assert texts.index("*From the request*") > 1


def test_an_outcome_says_what_of_the_request_it_does_not_show() -> None:
    blocks = as_sent(outcome_blocks(decided(request=a_script(LONG).request)))
    assert re.fullmatch(r"1,\d{3} of 2,001 lines of the workflow input", not_shown(blocks))


def test_our_facts_name_the_execution_and_the_inputs_who_started_it() -> None:
    parent = "arn:aws:states:eu-west-1:123456789012:execution:Release:run-9"
    request = Request(timeout=HOUR, context={facts.STARTED_BY: parent})
    blocks = as_sent(request_blocks(an_approval(request=request)))
    footer = said(blocks[-1:])
    assert all(f"{label}: {value}" in footer for label, value in facts.source(an_approval(request=request)))
    [_, (kind, value, _)] = under(blocks)["Facts"]
    assert (kind, value) == ("text", ": Release, execution run-9")


def test_the_greatest_requests_are_rendered_at_once() -> None:
    """Within the milliseconds that a function has while somebody waits: rendering one took 0.7 seconds."""
    details = "**b** `c` [d](https://example.com)\n" * 6000
    approval = an_approval(request=Request(timeout=HOUR, details=details, context={"x": [[]] * 12_000}))
    started = time.process_time()
    for _ in range(5):
        request_blocks(approval)
    assert (time.process_time() - started) / 5 < 0.2  # 0.02 here, with machines in mind that do much else
