"""What the app shows in Slack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from approvals import present
from approvals.model import Action, Approval, Approver, Channel, Json, Request, Step
from approvals.request import MAX_DETAILS, MAX_REQUESTED_BY, MAX_TITLE
from approvals.workflow import console_url
from bot.views.approval import (
    ACTION_IDS,
    MAX_HEADER,
    MAX_SECTION,
    OPEN_EXECUTION_ID,
    escape,
    outcome_blocks,
    outcome_text,
    request_blocks,
    request_text,
)
from handlers.callback import MAX_COMMENT
from tests.builders import ALICE, BOB, NOW, TOKEN, WORKFLOW, an_approval, cancelled, decided, expired

MAX_TOTAL = 13_200
"""Characters over all blocks of a message; undocumented, see FACTS.md."""

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
requests = st.builds(
    Request,
    title=st.none() | texts.map(lambda text: text[:MAX_TITLE]),
    details=st.none() | st.builds(lambda text, times: (text * times)[:MAX_DETAILS], texts, st.integers(1, 5000)),
    requested_by=st.none() | texts.map(lambda text: text[:MAX_REQUESTED_BY]),
    timeout=st.just(timedelta(hours=1)),
    context=st.dictionaries(
        st.text(max_size=200), st.builds(lambda text, times: text * times, texts, st.integers(1, 300)), max_size=50
    ),
)


def as_sent(blocks: list[Block]) -> list[dict[str, Any]]:
    """The blocks as Slack gets them. The SDK checks some of its limits on the way."""
    return [block.to_dict() for block in blocks]


def inside(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in a message."""
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
    """All text of a message."""
    return "\n".join(node["text"] for node in inside(blocks) if isinstance(node.get("text"), str))


def broken_limits(blocks: list[dict[str, Any]]) -> list[str]:
    """The names of Slack's limits that a message breaks."""
    checks = {
        "50 blocks": len(blocks) <= 50,
        "characters over all": len(said(blocks)) < MAX_TOTAL,
    }
    for node in inside(blocks):
        checks |= {name: checks.get(name, True) and held for name, held in _limits(node).items()}
    return [name for name, held in checks.items() if not held]


def _limits(node: dict[str, Any]) -> dict[str, bool]:
    match node.get("type"):
        case "header":
            return {"header": 1 <= len(node["text"]["text"]) <= 150}
        case "section":
            return {
                "section text": 1 <= len(node.get("text", {"text": "x"})["text"]) <= 3000,
                "section fields": all(1 <= len(field["text"]) <= 2000 for field in node.get("fields", [])),
                "10 fields": len(node.get("fields", [])) <= 10,
            }
        case "actions":
            return {"25 elements": 1 <= len(node["elements"]) <= 25}
        case "context":
            return {"10 elements": 1 <= len(node["elements"]) <= 10}
        case "button":
            return {
                "button text": len(node["text"]["text"]) <= 75,
                "button value": len(node.get("value", "")) <= 2000,
                "button url": len(node.get("url", "")) <= 3000,
                "action_id": 1 <= len(node["action_id"]) <= 255,
            }
    return {}


def saying(text: str) -> Approval:
    """A request that says the text wherever a requester can."""
    return an_approval(
        request=Request(title=text, details=text, requested_by=text, timeout=timedelta(hours=1), context={text: text})
    )


@given(requests)
def test_a_request_keeps_slacks_limits_whatever_it_says(request: Request) -> None:
    assert broken_limits(as_sent(request_blocks(an_approval(request=request)))) == []


@given(requests, st.none() | st.text(max_size=500), st.sampled_from([ALICE, BOB]))
def test_an_outcome_keeps_slacks_limits_whatever_the_request_says(
    request: Request, comment: str | None, approver: Approver
) -> None:
    approval = decided(approver=approver, request=request, comment=comment)
    assert broken_limits(as_sent(outcome_blocks(approval))) == []


@pytest.mark.parametrize(
    "comment",
    [
        pytest.param("&" * MAX_COMMENT, id="ampersands-grow-fivefold"),
        pytest.param("<b>&</b>" * (MAX_COMMENT // 8), id="markup"),
        pytest.param("x" + "\n" * (MAX_COMMENT - 2) + "x", id="lines"),
    ],
)
def test_an_outcome_keeps_slacks_limits_with_any_comment_that_the_page_takes(comment: str) -> None:
    assert len(comment) <= MAX_COMMENT
    assert broken_limits(as_sent(outcome_blocks(decided(comment=comment)))) == []


def test_an_outcome_keeps_slacks_limits_with_a_long_cause() -> None:
    assert broken_limits(as_sent(outcome_blocks(cancelled("x" * 3000)))) == []


@given(requests)
def test_a_cut_text_ends_in_no_half_entity(request: Request) -> None:
    blocks = as_sent(request_blocks(an_approval(request=request)))
    assert not [text for text in mrkdwn(blocks) if HALF_AN_ENTITY.search(text)]


@given(requests)
def test_nothing_in_a_request_mentions_links_or_notifies(request: Request) -> None:
    approval = an_approval(request=request)
    found = MARKUP.findall("\n".join(mrkdwn(as_sent(request_blocks(approval)))))
    assert [markup.split("^")[0] for markup in found] == ["<!date"]
    assert not MARKUP.search(request_text(approval))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_an_outcome_is_no_markup(text: str) -> None:
    stranger = Approver(id="eve@example.com", name=text, channel=Channel.EMAIL)
    approval = decided(approver=stranger, comment=text, request=saying(text).request)
    found = MARKUP.findall("\n".join(mrkdwn(as_sent(outcome_blocks(approval)))))
    assert [markup for markup in found if not markup.startswith("<!date^")] == [EXECUTION]
    assert not MARKUP.search(outcome_text(approval))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_cause_is_no_markup(text: str) -> None:
    found = MARKUP.findall("\n".join(mrkdwn(as_sent(outcome_blocks(cancelled(text))))))
    assert [markup for markup in found if not markup.startswith("<!date^")] == [EXECUTION]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_short_text_is_shown_in_full(text: str) -> None:
    header, facts, *asked, _ = as_sent(request_blocks(saying(text)))
    assert (header["text"]["type"], header["text"]["text"]) == ("plain_text", text)
    assert facts["fields"][0]["text"] == f"*Requested by*\n{escape(text)}"
    assert asked == [
        heading("Details"),
        plain(text),
        heading("Input of the workflow"),
        plain(f"{' '.join(text.split())}: {present.indent(text)}"),
    ]


def heading(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": f"*{text}*", "verbatim": True}}


def plain(text: str) -> dict[str, Any]:
    """Text that Slack shows as it is: no markup, no mentions, no emoji."""
    return {"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}}


@given(requests)
def test_what_the_requester_wrote_is_plain_text_under_a_heading_of_ours(request: Request) -> None:
    _, _, *asked, _ = as_sent(request_blocks(an_approval(request=request)))
    headings = ["Details"] if request.details else []
    headings += ["Input of the workflow"] if request.context else []
    assert asked[::2] == [heading(text) for text in headings]
    assert [block == plain(block["text"]["text"]) for block in asked[1::2]] == [True] * len(headings)


def test_a_request_without_details_and_input_has_no_headings_for_them() -> None:
    assert [block["type"] for block in as_sent(request_blocks(an_approval()))] == ["header", "section", "actions"]


@pytest.mark.parametrize("text", ["x" * MAX_SECTION, "&" * MAX_SECTION, "<" * MAX_SECTION])
def test_details_that_fit_a_section_are_shown_in_full(text: str) -> None:
    request = Request(details=text, timeout=timedelta(hours=1))
    assert plain(text) in as_sent(request_blocks(an_approval(request=request)))


@pytest.mark.parametrize("length", [MAX_SECTION + 1, 4321, MAX_DETAILS])
def test_longer_details_are_cut_and_the_rest_is_counted(length: int) -> None:
    text = "".join(chr(ord("a") + number % 26) for number in range(length))
    request = Request(details=text, timeout=timedelta(hours=1))
    _, _, _, details, _ = as_sent(request_blocks(an_approval(request=request)))
    assert_cut(details, text)


def test_a_longer_input_is_cut_and_the_rest_is_counted() -> None:
    context: dict[str, Json] = {f"key{number}": f"{number} " * 400 for number in range(5)}
    approval = an_approval(request=Request(timeout=timedelta(hours=1), context=context))
    _, _, _, shown, _ = as_sent(request_blocks(approval))
    assert_cut(shown, "\n".join(f"{label}: {value}" for label, value in present.context(approval)))


def assert_cut(block: dict[str, Any], whole: str) -> None:
    shown = block["text"]["text"]
    assert block == plain(shown)
    assert len(shown) <= 3000
    end = re.fullmatch(r"(.*)… \(([\d,]+) more characters: see the mail, or the execution's input\)", shown, re.DOTALL)
    assert end is not None
    assert whole.startswith(end[1])
    assert len(end[1]) >= 2900
    assert len(end[1]) + int(end[2].replace(",", "")) == len(whole)


@pytest.mark.parametrize("character", ["x", "&", "<", "\n", "\U0001f4a5"])
def test_the_greatest_message_keeps_slacks_limits(character: str) -> None:
    parent = f"{WORKFLOW.execution_arn.rsplit(':', 2)[0]}:{'p' * 80}:{'q' * 80}"
    request = Request(
        title=character * MAX_TITLE,
        details=character * MAX_DETAILS,
        requested_by=character * MAX_REQUESTED_BY,
        timeout=timedelta(hours=1),
        context={
            present.STARTED_BY: parent,
            **{f"{number}{character * 200}": character * 2000 for number in range(60)},
        },
    )
    workflow = replace(WORKFLOW, execution_name="e" * 80, state_machine_name="s" * 80)
    asked = an_approval(request=request, workflow=workflow)
    assert ("Started by", f"{'p' * 80}:{'q' * 80}") in present.facts(asked)
    assert broken_limits(as_sent(request_blocks(asked))) == []
    answered = decided(request=request, workflow=workflow, comment=character * MAX_COMMENT)
    in_vain = replace(answered, steps={Step.WORKFLOW_GONE: NOW})
    assert present.in_vain(in_vain)
    for ended in (answered, in_vain, cancelled(character * 3000, request=request, workflow=workflow)):
        assert broken_limits(as_sent(outcome_blocks(ended))) == []


@given(st.text())
def test_escaping_leaves_no_angle_bracket_and_loses_nothing(text: str) -> None:
    escaped = escape(text)
    assert not set(escaped) & {"<", ">"}
    assert escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


def test_slack_links_nothing_by_itself() -> None:
    """A name or an address in the text stays text: no preview, no mention."""
    for blocks in (request_blocks(an_approval()), outcome_blocks(decided(comment="see https://example.com"))):
        assert all(node["verbatim"] is True for node in inside(as_sent(blocks)) if node.get("type") == "mrkdwn")


def test_the_buttons_carry_the_approvals_id_and_no_secret() -> None:
    approval = an_approval()
    (actions,) = [block for block in as_sent(request_blocks(approval)) if block["type"] == "actions"]
    approve, reject, execution = actions["elements"]
    assert (approve["action_id"], approve["value"], approve["style"]) == ("approval:approve", approval.id, "primary")
    assert (reject["action_id"], reject["value"], reject["style"]) == ("approval:reject", approval.id, "danger")
    assert (execution["action_id"], execution["url"]) == (OPEN_EXECUTION_ID, console_url(WORKFLOW.execution_arn))
    assert "value" not in execution


def test_action_ids_stay_what_they_were() -> None:
    """Messages that were posted before an upgrade have buttons with these ids."""
    assert ACTION_IDS == {Action.APPROVE: "approval:approve", Action.REJECT: "approval:reject"}


@pytest.mark.parametrize("approval", [decided(), decided(Action.REJECT, BOB), expired(), cancelled()])
def test_a_decided_message_has_no_buttons_and_still_shows_the_request(approval: Approval) -> None:
    blocks = as_sent(outcome_blocks(approval))
    assert [node for node in inside(blocks) if node.get("type") in {"actions", "button"}] == []
    assert blocks[:2] == as_sent(request_blocks(approval))[:2]
    assert EXECUTION in said(blocks)
    assert present.DEADLINE not in said(blocks)


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


def test_a_comment_is_quoted_line_by_line() -> None:
    assert "\n> not today\n> try Monday" in said(as_sent(outcome_blocks(decided(comment="not today\ntry Monday"))))


def test_a_moment_has_a_fallback_in_utc() -> None:
    [facts] = [block["fields"] for block in as_sent(request_blocks(an_approval())) if "fields" in block]
    when = "<!date^1795428000^{date_short_pretty} at {time}|Mon 23 Nov 2026, 10:00 UTC>"
    assert facts[1]["text"] == f"*Answer by*\n{when}"


def test_the_notification_says_what_is_asked_and_later_how_it_ended() -> None:
    assert request_text(an_approval()) == "Approval required: Deploy web 2.4.1"
    assert outcome_text(decided(Action.REJECT)) == "Rejected: Deploy web 2.4.1"


def test_an_open_request_has_no_outcome_to_show() -> None:
    with pytest.raises(ValueError, match="is not decided"):
        outcome_blocks(an_approval())


@pytest.mark.parametrize("blocks", [request_blocks(an_approval()), outcome_blocks(decided())])
def test_a_message_holds_neither_the_task_token_nor_the_link_key(blocks: list[Block]) -> None:
    sent = json.dumps(as_sent(blocks))
    assert TOKEN[:20] not in sent
    assert an_approval().link_key.decode() not in sent


def test_a_title_is_never_longer_than_a_header() -> None:
    assert MAX_TITLE <= MAX_HEADER
