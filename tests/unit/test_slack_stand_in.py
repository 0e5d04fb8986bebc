"""The stand-in refuses what Slack refuses, so that a test which passes with it says something."""

from __future__ import annotations

from typing import Any

import pytest

from demo.slack import ELSEWHERE_CHANNEL, HOOK_USES, Slack, SlackError, escape_mentions
from demo.slack.block_kit import MAX_TOTAL, check_home, check_message, check_view

CHANNEL, TOKEN = "C0APPROVALS", "xoxb-tests-0123456789"
AUTHORIZATION = f"Bearer {TOKEN}"


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def rich(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(parts)}]}


def button(**changes: Any) -> dict[str, Any]:
    element = {"type": "button", "text": plain("Go"), "action_id": "go", **changes}
    return {"type": "actions", "elements": [element]}


def overflow(options: int) -> dict[str, Any]:
    option = {"text": plain("More"), "value": "more"}
    return {"type": "actions", "elements": [{"type": "overflow", "action_id": "go", "options": [option] * options}]}


CONFIRM = {"title": plain("t"), "text": plain("x"), "confirm": plain("Yes"), "deny": plain("No")}

TAKEN: dict[str, dict[str, Any]] = {
    "a full section": section("x" * 3000),
    "a full header": {"type": "header", "text": plain("x" * 150)},
    "ten fields": {"type": "section", "fields": [plain("x")] * 10},
    "a divider": {"type": "divider"},
    "text that is styled": rich({"type": "text", "text": "x", "style": {"bold": True}}),
    "a mention": rich({"type": "user", "user_id": "U0ALICE01"}),
    "a confirmed button": button(confirm=CONFIRM, style="danger"),
    "a full menu": overflow(5),
}

REFUSED: dict[str, dict[str, Any]] = {
    "a section that is too long": section("x" * 3001),
    "an empty section": section(""),
    "a section of nothing": {"type": "section"},
    "a header that is too long": {"type": "header", "text": plain("x" * 151)},
    "a header that is mrkdwn": {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
    "eleven fields": {"type": "section", "fields": [plain("x")] * 11},
    "no fields": {"type": "section", "fields": []},
    "a field that is too long": {"type": "section", "fields": [plain("x" * 2001)]},
    "an unknown type": {"type": "blink", "text": plain("x")},
    "no type": {"text": plain("x")},
    "an unknown key": {"type": "divider", "colour": "red"},
    "an input in a message": {"type": "input", "label": plain("x"), "element": {}},
    "a button's text that is too long": button(text=plain("x" * 76)),
    "a button's value that is too long": button(value="x" * 2001),
    "a button's address that is too long": button(url=f"https://{'x' * 3000}"),
    "a button of no style": button(style="blue"),
    "a confirmation without a title": button(confirm={**CONFIRM, "title": plain("")}),
    "a confirmation that is too long": button(confirm={**CONFIRM, "text": plain("x" * 301)}),
    "an empty menu": overflow(0),
    "a menu of six": overflow(6),
    "26 buttons": {"type": "actions", "elements": button()["elements"] * 26},
    "empty rich text": rich({"type": "text", "text": ""}),
    "rich text of nothing": rich(),
    "a broadcast": rich({"type": "broadcast", "range": "channel"}),
}


@pytest.mark.parametrize("what", TAKEN)
def test_messages_that_slack_takes_are_taken(what: str) -> None:
    assert check_message([TAKEN[what]]) == (TAKEN[what],)


@pytest.mark.parametrize("what", REFUSED)
def test_messages_that_slack_refuses_are_refused(what: str) -> None:
    with pytest.raises(SlackError, match="invalid_blocks"):
        check_message([REFUSED[what]])


def test_a_message_has_50_blocks_at_most_with_an_id_of_their_own_each() -> None:
    check_message([section("x")] * 50)
    with pytest.raises(SlackError, match="invalid_blocks"):
        check_message([section("x")] * 51)
    with pytest.raises(SlackError, match="invalid_blocks"):
        check_message([{**section("x"), "block_id": "same"}] * 2)


@pytest.mark.parametrize("character", ["x", "\U0001f4a5"])
def test_all_blocks_together_have_a_limit(character: str) -> None:
    full = MAX_TOTAL // 3000 + 1
    assert check_message([section("x" * 3000)] * (full - 1))
    with pytest.raises(SlackError, match="msg_blocks_too_long"):
        check_message([section(character * 3000)] * full)


def a_view(**changes: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "value"}
    block = {"type": "input", "block_id": "comment", "label": plain("Reason"), "element": element, "optional": False}
    view = {"type": "modal", "callback_id": "x", "title": plain("Reject"), "submit": plain("Go"), "blocks": [block]}
    return {key: value for key, value in {**view, **changes}.items() if value is not None}


def test_a_dialog_of_more_than_250_000_characters_is_refused() -> None:
    with pytest.raises(SlackError, match="view_too_large"):
        check_view(a_view(blocks=[section("x" * 2990)] * 90))


@pytest.mark.parametrize(
    "changes",
    [
        {"title": plain("x" * 25)},
        {"submit": plain("x" * 25)},
        {"submit": None},
        {"type": "home"},
        {"private_metadata": "x" * 3001},
        {"callback_id": "x" * 256},
        {"blocks": []},
        {"blocks": [section("x")] * 101},
        {"blocks": [section("x" * 3001)]},
        {"blocks": a_view()["blocks"] * 2},
        {"colour": "red"},
    ],
)
def test_a_dialog_that_slack_refuses_is_refused(changes: dict[str, Any]) -> None:
    assert check_view(a_view()) == a_view()
    with pytest.raises(SlackError, match="invalid_arguments"):
        check_view(a_view(**changes))


class Time:
    now = 1_795_424_400.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def slack(time: Time) -> Slack:
    return Slack(CHANNEL, TOKEN, "8f742231b10e8888abcd99yyyzzz85a5", clock=time)


def trigger(slack: Slack) -> str:
    """Return a trigger that opens a dialog: alice clicked."""
    slack.call("chat.postMessage", AUTHORIZATION, {"channel": CHANNEL, "blocks": [button()]})
    slack.click(slack.messages()[-1].ts, "go", "U0ALICE01")
    return list(slack._triggers)[-1]


def opened(slack: Slack, trigger_id: str) -> str:
    answer = slack.call("views.open", AUTHORIZATION, {"trigger_id": trigger_id, "view": a_view()})
    return str(answer.get("error", "opened"))


def test_a_trigger_opens_one_dialog_within_three_seconds(slack: Slack, time: Time) -> None:
    first, second = trigger(slack), trigger(slack)
    assert [opened(slack, first), opened(slack, first)] == ["opened", "invalid_trigger_id"]
    time.now += 3.1
    assert opened(slack, second) == "expired_trigger_id"
    assert opened(slack, "123.made.up") == "invalid_trigger_id"
    assert [modal.user_id for modal in slack.modals()] == ["U0ALICE01"]


def test_a_dialog_is_sent_off_only_when_it_is_filled_in(slack: Slack) -> None:
    opened(slack, trigger(slack))
    [modal] = slack.modals()
    with pytest.raises(SlackError, match="Fill in first: comment"):
        slack.submit(modal.id, {})
    with pytest.raises(SlackError, match="No input is named other"):
        slack.submit(modal.id, {"other": "x"})
    assert slack.submit(modal.id, {"comment": "x"})


def test_the_apps_answer_closes_changes_or_faults_a_dialog(slack: Slack) -> None:
    opened(slack, trigger(slack))
    [modal] = slack.modals()
    assert slack.answered(modal.id, '{"response_action": "errors", "errors": {"comment": "why?"}}') == {
        "comment": "why?"
    }
    with pytest.raises(SlackError, match="invalid_response"):
        slack.answered(modal.id, '{"response_action": "errors", "errors": {"elsewhere": "why?"}}')
    told = '{"type": "modal", "title": {"type": "plain_text", "text": "Late"}, "blocks": [{"type": "divider"}]}'
    assert slack.answered(modal.id, f'{{"response_action": "update", "view": {told}}}') == {}
    assert slack.modals()[0].view["title"]["text"] == "Late"
    assert slack.answered(modal.id, "") == {}
    assert slack.modals() == []


def test_a_menus_choice_must_be_in_the_menu(slack: Slack) -> None:
    slack.call("chat.postMessage", AUTHORIZATION, {"channel": CHANNEL, "blocks": [overflow(1)]})
    [message] = slack.messages()
    assert slack.click(message.ts, "go", "U0ALICE01", "more")
    with pytest.raises(SlackError, match="This choice"):
        slack.click(message.ts, "go", "U0ALICE01", "less")


def a_home(**changes: Any) -> dict[str, Any]:
    return {"type": "home", "blocks": [section("x"), button(value="1")], **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "modal"},
        {"blocks": [section("x")] * 101},
        {"blocks": []},
        {"blocks": [section("x" * 3001)]},
        {"title": plain("A home has none")},
        {"submit": plain("Go")},
        {"private_metadata": "x" * 3001},
        {"colour": "red"},
        {"blocks": [{**section("x"), "accessory": {"type": "blink"}}]},
    ],
)
def test_a_home_that_slack_refuses_is_refused(slack: Slack, changes: dict[str, Any]) -> None:
    assert check_home(a_home(blocks=[section("x")] * 100))
    answer = slack.call("views.publish", AUTHORIZATION, {"user_id": "U0ALICE01", "view": a_home(**changes)})
    assert answer == {"ok": False, "error": "invalid_arguments"}
    assert slack.homes() == {}


def test_a_home_is_published_to_one_user(slack: Slack) -> None:
    assert slack.call("views.publish", AUTHORIZATION, {"user_id": "U0ALICE01", "view": a_home()})["ok"]
    assert slack.homes() == {"U0ALICE01": a_home()}
    unknown = slack.call("views.publish", AUTHORIZATION, {"user_id": "U0NOBODY99", "view": a_home()})
    assert unknown["error"] == "invalid_arguments"
    with pytest.raises(SlackError, match="This button"):
        slack.click_home("U0ALICE01", "go", "2")
    assert slack.click_home("U0ALICE01", "go", "1")


def test_a_command_is_answered_five_times_in_half_an_hour(slack: Slack, time: Time) -> None:
    for _ in range(2):
        slack.command("U0ALICE01", "list")
    first, second = slack._hooks
    answer = {"text": "x", "response_type": "ephemeral"}
    assert [slack.respond(first, answer)[0] for _ in range(HOOK_USES)] == [200] * HOOK_USES
    assert slack.respond(first, answer) == (404, "used_url")
    time.now += 1801
    assert slack.respond(second, answer) == (404, "expired_url")
    assert slack.respond("made-up", answer) == (404, "expired_url")


@pytest.mark.parametrize(
    "answer",
    [
        {"text": "x"},
        {"text": "x", "response_type": "in_channel"},
        {"text": "x", "response_type": "ephemeral", "colour": "red"},
        {"text": "x", "response_type": "ephemeral", "blocks": [section("")]},
    ],
)
def test_an_answer_that_slack_refuses_or_others_would_see_is_refused(slack: Slack, answer: dict[str, Any]) -> None:
    slack.command("U0ALICE01", "list")
    [token] = slack._hooks
    assert slack.respond(token, answer)[0] == 400
    assert slack.messages() == []


@pytest.mark.parametrize(
    ("method", "parameters", "error"),
    [
        ("chat.postMessage", {"channel": ELSEWHERE_CHANNEL, "text": "x"}, "not_in_channel"),
        ("chat.postMessage", {"channel": "C0UNKNOWN1", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ("chat.postEphemeral", {"channel": CHANNEL, "user": "U0DAVE0006", "text": "x"}, "user_not_in_channel"),
        ("conversations.members", {"channel": "C0UNKNOWN1"}, "channel_not_found"),
        ("users.conversations", {"user": "U0NOBODY99"}, "user_not_found"),
        ("chat.postMessage", {"channel": "U0GUEST004", "text": "x"}, "channel_not_found"),
    ],
)
def test_actions_that_slack_does_not_offer_are_refused(
    slack: Slack, method: str, parameters: dict[str, Any], error: str
) -> None:
    assert slack.call(method, AUTHORIZATION, parameters) == {"ok": False, "error": error}


@pytest.mark.parametrize("method", ["conversations.members", "users.conversations"])
def test_without_its_scope_the_app_learns_nothing(slack: Slack, method: str) -> None:
    slack.scopes -= {"channels:read"}
    answer = slack.call(method, AUTHORIZATION, {"channel": CHANNEL, "user": "U0ALICE01"})
    assert (answer["error"], answer["needed"]) == ("missing_scope", "channels:read")


def test_a_reply_to_a_deleted_message_is_posted_at_the_channels_root(slack: Slack) -> None:
    slack.call("chat.postMessage", AUTHORIZATION, {"channel": CHANNEL, "text": "request"})
    [request] = slack.messages()
    slack.delete(request.ts)
    assert slack.call("chat.postMessage", AUTHORIZATION, {"channel": CHANNEL, "text": "x", "thread_ts": request.ts})[
        "ok"
    ]
    assert [message.thread_ts for message in slack.messages()] == [None]


def test_without_its_scope_there_is_no_command(slack: Slack) -> None:
    slack.scopes -= {"commands"}
    with pytest.raises(SlackError, match="missing_scope"):
        slack.command("U0ALICE01", "list")


def test_mentions_of_members_come_as_slack_sends_them_and_other_words_as_they_are() -> None:
    typed = "away until 2026-12-05, ask @dave"
    assert escape_mentions(typed) == "away until 2026-12-05, ask <@U0DAVE0006|dave>"
    for other in ("ask @nobody", "ask dave@example.com", "ask <@U0DAVE0006|dave>", "ask U0DAVE0006"):
        assert escape_mentions(other) == other
