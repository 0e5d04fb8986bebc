"""Who decides, by which rules, and what they are asked: on the deployed stack, over every channel."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from approvals.domain import signed_links as links_of
from approvals.domain.model import Action, Approval
from approvals.store.table import ApprovalTable
from demo import aws
from demo.person import Person, heading, links
from demo.process import ROOT
from demo.stack import LocalStack
from tests.support.polling import seen

ALICE, BOB, CAROL = "alice@example.com", "bob@example.com", "carol@example.com"
ALICE_IN_SLACK, BOB_IN_SLACK = "U0ALICE01", "U0BOB00002"
DEPLOY, CALL = ((ROOT / "docs" / name).read_text() for name in ("deploy.md", "call.md"))


def ask(person: Person, name: str, **asked: Any) -> str:
    """Start an execution and return its name, which no other test's message has in it."""
    name = f"rules-{name}"
    return person.start(name, {"Approval": {"Title": f"About {name}", **asked}, "Version": "2.4.1"})


def result(person: Person, name: str) -> dict[str, Any]:
    found: dict[str, Any] = person.ended(name)["output"]["Approval"]["Result"]
    return found


def link(person: Person, name: str, to: str, action: str = "approve") -> str:
    return links(person.mail(name, to=to))[action]


def approval_in(message: dict[str, Any]) -> str:
    """Return the id in a Slack message's button."""
    buttons = [element for block in message["blocks"] for element in block.get("elements", ()) if "value" in element]
    return str(buttons[0]["value"])


def record(stack: LocalStack, link_or_id: str) -> Approval:
    dynamodb = aws.session().client("dynamodb")
    approval_id = dict(parse_qsl(urlsplit(link_or_id).query)).get("id", link_or_id)
    return ApprovalTable(dynamodb, stack.outputs["ApprovalTableName"]).get(approval_id)


def test_two_of_three_on_two_channels_and_one_human_counts_once(person: Person, stack: LocalStack) -> None:
    name = ask(person, "quorum", Approvers=[ALICE, BOB, CAROL], RequiredApprovals=2)
    message = person.message(name)

    first = person.confirm(person.open(link(person, name, ALICE)))
    assert first.status == 200
    assert "1 of 2 approvals" in first.text
    progress = person.wait(
        lambda state: next(
            (
                seen
                for seen in state["slack"]["messages"]
                if seen["ts"] == message["ts"] and "1 of 2" in json.dumps(seen)
            ),
            None,
        ),
        "the message shows no progress",
    )
    assert any(block["type"] == "actions" for block in progress["blocks"]), "and its buttons stay"

    assert person.click(message, "approve", ALICE_IN_SLACK).status == 200
    assert "already recorded" in person.ephemeral_text(ALICE_IN_SLACK, message["ts"], name)
    assert person.execution(name)["status"] == "RUNNING", "the same human, on the other channel"

    assert person.click(message, "approve", BOB_IN_SLACK).status == 200
    answer = result(person, name)
    assert (answer["Decision"], answer["DecidedBy"]) == ("APPROVED", BOB_IN_SLACK)
    assert [each["By"] for each in answer["Responses"]] == [ALICE, BOB_IN_SLACK]


def test_the_requester_may_not_respond_on_any_channel_and_is_told_who_may(person: Person, stack: LocalStack) -> None:
    name = ask(person, "asked-by-alice", Approvers=[ALICE, BOB], RequestedBy=ALICE)
    message = person.message(name)
    asked = record(stack, link(person, name, BOB))
    assert asked.people
    assert asked.people.approvers[0].on("slack") == ALICE_IN_SLACK
    url = links_of.link(asked, Action.APPROVE, ALICE, base_url=f"{stack.url}/states")  # no mail has it
    looked = person.open(url)
    assert looked.status == 403
    assert "bob" in looked.text.lower()

    assert person.click(message, "approve", ALICE_IN_SLACK).status == 200
    assert "bob" in person.ephemeral_text(ALICE_IN_SLACK, message["ts"], name).lower()
    assert person.execution(name)["status"] == "RUNNING"
    assert [refusal.reason for refusal in record(stack, url).refusals] == ["OWN_REQUEST"], "and the attempt is kept"

    assert person.confirm(person.open(link(person, name, BOB))).status == 200
    assert result(person, name)["DecidedBy"] == BOB


def test_a_form_is_checked_on_the_page_and_its_answers_are_in_the_result(person: Person) -> None:
    form = [
        {"Name": "Amount", "Type": "number", "Minimum": 1, "Maximum": 500, "Required": True},
        {"Name": "Reason", "Type": "choice", "Choices": ["Lost", "Late"], "Default": "Lost"},
    ]
    name = ask(person, "form-page", Form=form)
    page = person.open(link(person, name, "approver@"))
    wrong = person.confirm(page, **{"form.Amount": "501", "form.Reason": "Late"})
    assert wrong.status == 400
    assert "from 1 to 500" in wrong.text
    assert person.confirm(page, **{"form.Amount": "120", "form.Reason": "Late"}).status == 200
    assert result(person, name)["Form"] == {"Amount": 120, "Reason": "Late"}


def test_a_form_is_checked_in_slacks_dialog_too(person: Person) -> None:
    form = [{"Name": "Amount", "Type": "number", "Maximum": 500, "Required": True}]
    name = ask(person, "form-slack", Form=form)
    message = person.message(name)
    assert person.click(message, "approve").status == 200
    wrong = person.submit({"form.Amount": "501"})
    assert list(json.loads(wrong.text)["errors"]) == ["form.Amount"]
    assert person.execution(name)["status"] == "RUNNING"
    person.submit({"form.Amount": "7"})
    assert result(person, name)["Form"] == {"Amount": 7}


def test_a_changed_form_needs_the_earlier_approver_again_who_is_told_and_confirms_it(
    person: Person, stack: LocalStack
) -> None:
    """Two approvers: by email and on the page, in Slack and in its dialog."""
    form = [{"Name": "Share", "Label": "Percent of users", "Type": "number", "Required": True}]
    name = ask(person, "form-changed", Approvers=[ALICE, BOB], RequiredApprovals=2, Form=form)
    message = person.message(name)
    asked = person.mail(name, to=ALICE)
    assert "Answer needed" in asked["subject"]
    assert "| Percent of users (number, required)" in asked["text"]
    before = person.open(links(asked)["approve"])
    recorded = person.confirm(before, **{"form.Share": "10"})
    assert "1 of 2 approvals" in recorded.text

    assert person.click(message, "approve", BOB_IN_SLACK).status == 200
    dialog = person.wait(
        lambda state: next((each for each in state["slack"]["modals"] if each["user_id"] == BOB_IN_SLACK), None),
        "no dialog of Bob",
    )
    assert f"{ALICE} filled in this form." in json.dumps(dialog, ensure_ascii=False).replace("\u200b", "")
    assert person.submit({"form.Share": "20"}, BOB_IN_SLACK).status == 200
    person.wait(
        lambda state: "must approve again, since the form was changed." in json.dumps(state["slack"]["modals"]) or None,
        "Bob is not told that Alice must approve again",
    )

    told = person.wait(
        lambda state: next(
            (
                mail
                for mail in state["inbox"]
                if mail["to"] == ALICE and name in mail["text"] and "20 (before: 10)" in mail["text"]
            ),
            None,
        ),
        "no email says that the form was changed",
    )
    assert told["subject"] == f"Re: {asked['subject']}"
    person.wait(
        lambda state: next(
            (
                seen
                for seen in state["slack"]["messages"]
                if f"<@{ALICE_IN_SLACK}>" in seen["text"] and "Percent of users: 20 (before: 10)" in seen["text"]
            ),
            None,
        ),
        "no reply in Slack says that the form was changed",
    )
    assert person.execution(name)["status"] == "RUNNING"

    late = person.confirm(before, **{"form.Share": "10"})
    assert late.status == 409
    assert "changed the form after you approved" in late.text
    page = person.open(links(told)["approve"])
    assert 'value="20"' in page.text
    assert "Percent of users: 20 (before: 10)" in page.text
    assert person.confirm(page, **{"form.Share": "20"}).status == 200

    answer = result(person, name)
    assert answer["Form"] == {"Share": 20}
    assert [(each["By"], each["Form"]) for each in answer["Responses"]] == [
        (BOB_IN_SLACK, {"Share": 20}),
        (ALICE, {"Share": 20}),
    ]
    outcome = person.mail(name, outcome=True, to=BOB)
    assert re.match(
        rf"Approved by bob in Slack and {ALICE} by email on ", " ".join(outcome["text"].split()), re.IGNORECASE
    )
    [reset, *_] = record(stack, links(asked)["approve"]).responses
    assert (reset.approver.id, reset.form, bool(reset.reset_by)) == (ALICE, {}, True)


def test_a_rejection_in_slack_takes_its_reason_along(person: Person) -> None:
    name = ask(person, "reason", Comment={"Reject": "required"})
    message = person.message(name)
    assert person.click(message, "reject").status == 200
    assert list(json.loads(person.submit({}).text)["errors"]) == ["comment"]
    person.submit({"comment": "Not on a Friday"})
    assert result(person, name)["Comment"] == "Not on a Friday"


def test_high_severity_asks_twice_by_email_and_in_slack(person: Person) -> None:
    name = ask(person, "severe", Severity="high")
    page = person.open(link(person, name, "approver@"))
    assert person.confirm(page).status == 400
    message = person.message(name)
    buttons = [element for block in message["blocks"] for element in block.get("elements", ())]
    assert next(each for each in buttons if each.get("action_id") == "approval:approve")["confirm"]
    assert person.confirm(page, sure="yes").status == 200
    assert result(person, name)["Decision"] == "APPROVED"


def test_an_answer_can_be_withdrawn_and_the_deadline_moved(person: Person, stack: LocalStack) -> None:
    name = ask(person, "second-thoughts", Approvers=[ALICE, BOB], RequiredApprovals=2, TimeoutMinutes=30)
    url, message = link(person, name, ALICE), person.message(name)
    person.confirm(person.open(url))
    before = record(stack, url)
    assert before.standing

    assert person.choose(message, "more-time", BOB_IN_SLACK).status == 200
    extended = seen(lambda: found if (found := record(stack, url)).extensions else None, "more time")
    assert extended.deadline == before.deadline + timedelta(minutes=30)
    message = person.message(name, edited=True)
    assert person.choose(message, "withdraw", ALICE_IN_SLACK).status == 200
    seen(lambda: None if record(stack, url).standing else True, "taken back, by the same human on the other channel")

    assert person.confirm(person.open(link(person, name, ALICE, "reject"))).status == 200
    assert result(person, name)["Decision"] == "REJECTED"


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"Approvers": ["nobody@example.com"]}, "Approval.Approvers[0]"),
        ({"Approvers": [ALICE, "U0NOBODY99"]}, "Approval.Approvers[1]"),
        ({"Approvers": [ALICE], "RequestedBy": ALICE}, "Approval.Approvers"),
        ({"Approvers": [ALICE, ALICE_IN_SLACK], "RequiredApprovals": 2}, "Approval.RequiredApprovals"),
    ],
)
def test_impossible_requests_fail_at_once(person: Person, asked: dict[str, Any], path: str) -> None:
    name = ask(person, f"impossible-{abs(hash(path)) % 10**8}", **asked)
    ended = person.ended(name)
    assert ended["error"] == "InvalidApprovalRequest"
    assert path in ended["cause"]


def test_a_request_goes_where_it_says_and_others_are_told_without_links(person: Person) -> None:
    name = ask(person, "told", Channel=BOB_IN_SLACK, Notify=[CAROL])
    assert person.message(name)["channel"] == f"D{BOB_IN_SLACK[1:]}", "a direct message"
    told = person.wait(
        lambda state: next((mail for mail in state["inbox"] if mail["to"] == CAROL and name in mail["text"]), None),
        "carol is not told",
    )
    assert links(told) == {}
    assert person.click(person.message(name), "approve", BOB_IN_SLACK).status == 200
    assert result(person, name)["DecidedBy"] == BOB_IN_SLACK


def test_a_slack_outage_while_a_group_is_looked_up_drops_nobody(person: Person, stack: LocalStack) -> None:
    stack.slack.fail_with = 500
    before = stack.slack.failures
    name = ask(person, "group", Approvers=["S0RELEASE1"])
    seen(lambda: stack.slack.failures > before, "no lookup")
    stack.slack.fail_with = None
    message = person.message(name)
    people = record(stack, approval_in(message)).people
    assert people
    assert {each.on("slack") for each in people.approvers} == {ALICE_IN_SLACK, BOB_IN_SLACK}
    assert person.click(message, "approve", ALICE_IN_SLACK).status == 200
    assert result(person, name)["DecidedBy"] == ALICE_IN_SLACK


def test_the_greatest_and_strangest_request_is_asked_in_full(person: Person) -> None:
    strange = "<!channel> <script>alert(1)</script> *_~` \u0645\u0631\u062d\u0628\u0627 \U0001f984 "
    details = (strange * 5000)[:200_000]
    facts = [{"Label": f"Fact {number}", "Value": strange} for number in range(100)]
    name = ask(person, "greatest", Title=("Title " + strange * 9)[:300], Details=details[:100_000], Facts=facts)
    page = person.open(link(person, name, "approver@"))
    assert page.status == 200
    assert "<script" not in page.text
    assert all(f"Fact {number}<" in page.text for number in range(100))
    message = person.message(name)
    assert "Not shown here:" in json.dumps(message["blocks"], ensure_ascii=False), "what is cut says so"
    assert person.click(message, "approve", BOB_IN_SLACK).status == 409, "what shows a part has no such button"
    assert person.confirm(page).status == 200
    assert result(person, name)["Decision"] == "APPROVED"


def test_the_documented_subscription_makes_an_approver_reachable(person: Person, stack: LocalStack) -> None:
    [attributes] = re.findall(r"--attributes '([^']+)'", DEPLOY)
    assert "--notification-endpoint ann@example.com" in DEPLOY
    aws.session().client("sns").subscribe(
        TopicArn=stack.outputs["ApprovalTopicArn"],
        Protocol="email",
        Endpoint="ann@example.com",
        Attributes=json.loads(attributes),
    )
    name = ask(person, "ann", Approvers=["ann@example.com"])
    assert person.confirm(person.open(link(person, name, "ann@example.com"))).status == 200
    assert result(person, name)["DecidedBy"] == "ann@example.com"


def test_the_documented_function_finds_out_whether_it_is_what_was_approved(person: Person) -> None:
    [code] = re.findall(r"```python\n(.*?)```", CALL, re.DOTALL)
    function: dict[str, Any] = {}
    exec(code, function)  # noqa: S102 the page's own
    name = ask(person, "digest", Details="ü")
    person.confirm(person.open(link(person, name, "approver@")))
    output = person.ended(name)["output"]
    assert function["handler"](output, None) == output
    assert output["Approval"]["Result"]["Digest"] != hashlib.sha256(b"").hexdigest()
    with pytest.raises(ValueError, match="not what was approved"):
        function["handler"]({**output, "Version": "2.4.2"}, None)


def ended(stack: LocalStack, name: str) -> dict[str, Any]:
    """Return the output of an execution that may be too old for the page."""
    arn = f"{stack.outputs['StateMachineHumanApprovalArn'].replace(':stateMachine:', ':execution:')}:{name}"
    found = seen(lambda: e if (e := stack.executions.get(arn)).status != "RUNNING" else None, f"{name} goes on", 180)
    return dict(found.output)


@pytest.mark.last
def test_silence_may_count_as_a_rejection(stack: LocalStack, rejecting: str) -> None:
    """Asked when the tests began."""
    answer = ended(stack, rejecting)["Approval"]["Result"]
    assert (answer["Decision"], answer["DecidedBy"], answer["Channel"]) == ("REJECTED", None, "system")


@pytest.mark.last
def test_those_who_are_silent_are_reminded_and_then_others_are_asked(
    stack: LocalStack, person: Person, escalating: str
) -> None:
    """Asked when the tests began: a reminder after a minute, bob besides alice after two."""
    message = person.message(escalating)

    def reminded() -> list[dict[str, Any]] | None:
        state = person.state()
        mails = [mail for mail in state["inbox"] if mail["to"] == ALICE and escalating in mail["text"]]
        replies = [each for each in state["slack"]["messages"] if each.get("thread_ts") == message["ts"]]
        return replies if len(mails) > 1 and replies else None

    assert ALICE_IN_SLACK in json.dumps(seen(reminded, "no reminder", 180))

    def escalated() -> str | None:
        mails = [mail for mail in person.state()["inbox"] if mail["to"] == BOB and escalating in mail["text"]]
        return next((links(mail)["approve"] for mail in mails if links(mail)), None)

    page = person.confirm(person.open(seen(escalated, "not escalated", 180)))
    assert (page.status, heading(page)) == (200, "Approved")
    assert ended(stack, escalating)["Approval"]["Result"]["DecidedBy"] == BOB
