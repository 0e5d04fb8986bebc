"""The way from a Slack message that can't show all of a request to the page that does: a link for one person alone."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.model import Approval, Delivery, Request, Status
from approvals.domain.people import People, Person
from approvals.domain.replies import DeferredReply, ReplyKind
from approvals.domain.signed_links import link, sign, user_recipient
from approvals.domain.steps import request_step
from approvals.store.table import ApprovalTable
from bot.app import BotHandler
from bot.ephemeral import ReplyDelivery
from bot.listeners.modal import NOT_ALL_SHOWN, ON_THE_PAGE
from bot.listeners.replies import GONE
from bot.messenger import SlackMessenger
from bot.views.buttons import ACTION_IDS, READ_ID
from bot.words import NOT_A_MEMBER, NOT_OF_THE_WORKSPACE
from demo.slack import ELSEWHERE_CHANNEL, Message, Slack
from tests.support.broken_records import BROKEN, break_record
from tests.support.builders import APPROVE, BOB, HOUR, NOW, REJECT, WORKSPACE, a_previous, an_approval
from tests.support.fakes import Clock
from tests.support.lambda_events import ask
from tests.support.slack_app import ALICE, BOBS, DAVE, GUEST, NOBODYS_COMMENT, Workspace, event
from tests.support.slack_clients import BASE_URL, CHANNEL, a_delivery
from tests.support.tables import REPLIES, TABLE
from web.handler import CallbackHandler

SCRIPT = "echo harmless\n" * 80 + "rm -rf /prod"
LONG = "echo harmless\n" * 2000 + "rm -rf /prod"
LINK = re.compile(r"<(https://[^|>]+)\|[^>]+>")
FORM = (FormField(name="Percent", label="Percent of users", type=FieldType.NUMBER, default=100),)


def alone(slack_id: str, name: str) -> People:
    return People(approvers=(Person(id=slack_id, name=name, identities={"slack": slack_id}),))


@dataclass
class AppWithPage:
    """A request in Slack, the app, what delivers its notes, and the page."""

    slack: Slack
    table: ApprovalTable
    messenger: SlackMessenger
    bot: BotHandler
    notes: ReplyDelivery
    page: CallbackHandler
    dynamodb: DynamoDBClient
    context: LambdaContext

    def ask(self, script: str, people: People | None = None, **changes: Any) -> str:
        """Store a request and post its message into the channel; return its timestamp."""
        request = Request(
            title="Run the script", timeout=HOUR, context={"Script": script}, comments=NOBODYS_COMMENT, **changes
        )
        approval = an_approval(request=request, people=people or People())
        self.table.add(approval)
        return self.messenger.post_request(approval).id

    def send(self, signed: tuple[bytes, dict[str, str]]) -> str:
        answer = self.bot(event(*signed), self.context)
        assert answer["statusCode"] == 200
        return str(answer["body"])

    def click(self, ts: str, action_id: str, user: str = BOBS) -> list[Message]:
        """Click a button and deliver what follows; return the ephemeral and direct messages."""
        self.send(self.slack.click(ts, action_id, user))
        return self.deliver()

    def deliver(self) -> list[Message]:
        for item in self.dynamodb.scan(TableName=REPLIES)["Items"]:
            self.notes.deliver(item["id"]["S"])
        return [message for message in self.slack.messages() if message.ephemeral_to or message.channel[0] in "UD"]

    @property
    def record(self) -> Approval:
        return self.table.get(an_approval().id)


@pytest.fixture
def app(workspace: Workspace, clock: Clock, logger: Logger) -> AppWithPage:
    w = workspace
    page = CallbackHandler(table=w.table, one_click=False, clock=clock, logger=logger)
    notes = a_delivery(w.table, w.messenger, clock, logger)
    return AppWithPage(w.slack, w.table, w.messenger, w.handler, notes, page, w.dynamodb, w.context)


def link_in(message: Message) -> str:
    [url] = LINK.findall(message.text)
    return unescape(url)


def as_earlier(slack: Slack, ts: str) -> None:
    """Make a message one of an earlier version: with an approve button, however much of the request it showed."""
    message = next(each for each in slack.messages() if each.ts == ts)
    for block in message.blocks:
        block.pop("block_id", None)
        for element in block.get("elements", ()):
            if element.get("action_id") == READ_ID:
                element["action_id"] = ACTION_IDS[APPROVE]


def test_a_line_that_the_message_hides_is_read_on_the_page_before_it_is_approved(app: AppWithPage) -> None:
    ts = app.ask(LONG)
    [handed] = app.click(ts, READ_ID)
    assert (handed.ephemeral_to, app.record.status) == (BOBS, Status.PENDING)
    assert handed.text.startswith("\u201cRun the script\u201d [bclqip]: <https://")
    url = urlsplit(link_in(handed))
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{BASE_URL}/execution"
    fields = dict(parse_qsl(url.query))
    page = app.page(ask("GET", fields), app.context)
    assert "rm -rf /prod" in page["body"]
    assert app.page(ask("POST", fields), app.context)["statusCode"] == 303
    decision = app.record.decision
    assert decision is not None
    assert (decision.status, decision.approver) == (Status.APPROVED, BOB)


def test_a_link_is_shown_to_nobody_else_and_stands_in_no_log(
    app: AppWithPage, caplog: pytest.LogCaptureFixture
) -> None:
    ts = app.ask(LONG)
    [handed] = app.click(ts, READ_ID)
    signature = sign(app.record, user_recipient(BOBS, "bob", member=True))
    assert signature in handed.text
    assert not any(signature in str(message) for message in app.slack.messages() if message is not handed)
    items = app.dynamodb.scan(TableName=TABLE)["Items"]
    assert signature not in str(items)
    assert "page link sent in slack" in caplog.messages
    assert not any(signature in str(vars(record)) for record in caplog.records)


def test_the_way_to_the_page_costs_two_calls_of_the_table_before_slack_hears_of_it(app: AppWithPage) -> None:
    signed = app.slack.click(app.ask(LONG), READ_ID, BOBS)
    calls: list[str] = []
    app.dynamodb.meta.events.register("before-call.*.*", lambda model, **_: calls.append(model.name))
    for _ in range(2):  # Slack repeats a click that it holds for lost.
        app.send(signed)
    assert calls == ["GetItem", "PutItem"] * 2
    assert len(app.deliver()) == 1


@pytest.mark.parametrize("script", [SCRIPT, LONG])
def test_a_button_that_an_earlier_version_left_below_a_hidden_line_approves_nothing(
    app: AppWithPage, script: str
) -> None:
    ts = app.ask(script)
    as_earlier(app.slack, ts)
    [handed] = app.click(ts, ACTION_IDS[APPROVE])
    assert (handed.ephemeral_to, app.record.status) == (BOBS, Status.PENDING)
    assert app.record.responses == ()
    assert "rm -rf /prod" in app.page(ask("GET", dict(parse_qsl(urlsplit(link_in(handed)).query))), app.context)["body"]


def test_a_button_that_an_earlier_version_left_below_all_of_a_request_approves(app: AppWithPage) -> None:
    ts = app.ask("echo harmless")
    as_earlier(app.slack, ts)
    app.click(ts, ACTION_IDS[APPROVE])
    assert app.record.status is Status.APPROVED


def test_a_request_that_the_message_cuts_can_be_rejected_there(app: AppWithPage) -> None:
    app.click(app.ask(LONG), ACTION_IDS[REJECT])
    assert app.record.status is Status.REJECTED


def test_a_dialog_opened_below_all_of_a_request_approves(app: AppWithPage) -> None:
    app.click(app.ask(SCRIPT, form=FORM), ACTION_IDS[APPROVE])
    [modal] = app.slack.modals()
    assert "100" in str(modal.view)
    app.send(app.slack.submit(modal.id, modal.initial()))
    assert app.record.status is Status.APPROVED


def test_a_dialog_opened_from_a_message_of_an_earlier_version_approves_nothing_unseen(app: AppWithPage) -> None:
    app.click(app.ask(SCRIPT, form=FORM), ACTION_IDS[APPROVE])
    [modal] = app.slack.modals()
    modal.view["private_metadata"] = modal.view["private_metadata"].replace(', "all_shown": true', "")
    assert NOT_ALL_SHOWN in app.send(app.slack.submit(modal.id, modal.initial()))
    assert app.record.responses == ()
    [handed] = app.deliver()
    assert LINK.search(handed.text)


def test_a_form_on_an_earlier_message_that_hides_a_line_opens_no_dialog(app: AppWithPage) -> None:
    ts = app.ask(SCRIPT, form=FORM)
    as_earlier(app.slack, ts)
    [handed] = app.click(ts, ACTION_IDS[APPROVE])
    assert LINK.search(handed.text)
    assert app.slack.modals() == []


def test_other_values_that_make_the_dialog_too_large_lead_to_the_page_and_stay_typed(app: AppWithPage) -> None:
    notes = tuple(FormField(name=f"Note{n}", label="Note", type=FieldType.TEXT, max_length=3000) for n in range(14))
    ts = app.ask("echo harmless", form=notes, required_approvals=2)
    app.click(ts, ACTION_IDS[APPROVE])
    [opened] = app.slack.modals()
    app.slack._modals.clear()
    app.click(ts, ACTION_IDS[APPROVE], ALICE)
    [other] = app.slack.modals()
    app.send(app.slack.submit(other.id, {"form.Note0": "short"}))
    app.slack._modals[opened.id] = opened
    said = app.send(app.slack.submit(opened.id, {f"form.{note.name}": "\u5b57" * 3000 for note in notes}))
    assert json.loads(said) == {
        "response_action": "errors",
        "errors": {
            "form.Note0": f"alice approved other values meanwhile, so your response was not recorded. {ON_THE_PAGE}"
        },
    }
    assert [response.approver.id for response in app.record.responses] == [ALICE]
    assert [handed.ephemeral_to for handed in app.deliver() if LINK.search(handed.text)] == [BOBS]


def test_from_the_home_the_link_comes_in_a_direct_message(app: AppWithPage) -> None:
    app.ask(SCRIPT * 2)
    app.send(app.slack.open_home(BOBS))
    app.deliver()
    home = app.slack.homes()[BOBS]
    assert ACTION_IDS[APPROVE] not in str(home)
    app.send(app.slack.click_home(BOBS, READ_ID, app.record.id))
    [handed] = app.deliver()
    assert (handed.channel, link_in(handed).startswith(BASE_URL)) == ("D0BOB00002", True)


def test_a_home_that_shows_all_of_a_request_approves_it(app: AppWithPage) -> None:
    app.ask(SCRIPT)
    app.send(app.slack.open_home(BOBS))
    app.deliver()
    app.send(app.slack.click_home(BOBS, ACTION_IDS[APPROVE], app.record.id))
    assert app.record.status is Status.APPROVED


def test_a_guest_from_another_workspace_gets_no_link(app: AppWithPage) -> None:
    [said] = app.click(app.ask(LONG), READ_ID, GUEST)
    assert said.text == NOT_OF_THE_WORKSPACE
    as_earlier(app.slack, ts := app.slack.messages()[0].ts)
    assert not any(LINK.search(message.text) for message in app.click(ts, ACTION_IDS[APPROVE], GUEST))
    assert [refusal.approver.id for refusal in app.record.refusals] == [GUEST]


def test_people_who_may_not_respond_but_see_the_request_can_read_it_on_the_page(app: AppWithPage) -> None:
    ts = app.ask(LONG, alone(ALICE, "alice"))
    [handed] = app.click(ts, READ_ID)
    fields = dict(parse_qsl(urlsplit(link_in(handed)).query))
    page = app.page(ask("GET", fields), app.context)
    assert (page["statusCode"], "rm -rf /prod" in page["body"]) == (403, True)
    assert app.page(ask("POST", fields), app.context)["statusCode"] == 403
    assert app.record.responses == ()


def test_people_who_may_neither_respond_nor_see_get_no_link_whatever_note_is_left(
    app: AppWithPage, clock: Clock
) -> None:
    app.ask(LONG, alone(ALICE, "alice"))
    asked = DeferredReply(
        id="0" * 32,
        kind=ReplyKind.PAGE_LINK,
        user=DAVE,
        text=app.record.id,
        workspace=WORKSPACE,
        left_at=clock(),
    )
    app.table.leave_reply(asked)
    [said] = app.deliver()
    assert not LINK.search(said.text)
    assert "Only alice can respond." in said.text


def test_a_click_on_a_record_that_is_gone_says_so(app: AppWithPage) -> None:
    ts = app.ask(LONG)
    app.dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": app.record.id}})
    [said] = app.click(ts, READ_ID)
    assert said.text == GONE


@pytest.mark.parametrize("user", [BOBS, GUEST])
def test_thirty_clicks_on_the_way_to_the_page_are_one_message_a_minute(
    app: AppWithPage, clock: Clock, user: str
) -> None:
    ts = app.ask(LONG)
    handed = []
    for _ in range(2):
        for _ in range(30):
            app.send(app.slack.click(ts, READ_ID, user))
        handed.append(len(app.dynamodb.scan(TableName=REPLIES)["Items"]))
        clock.pass_(minutes=1)
    assert handed == [1, 2]


@pytest.mark.parametrize("how", BROKEN)
def test_a_click_on_a_record_that_became_unreadable_is_told_so_once(
    app: AppWithPage, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    ts = app.ask(LONG)
    approval_id = app.record.id
    app.send(app.slack.click(ts, READ_ID, BOBS))
    break_record(app.dynamodb, TABLE, approval_id, how)
    [said] = app.deliver()
    assert "can't be read" in said.text
    [line] = [each for each in caplog.records if each.getMessage() == "record can't be read, left out"]
    assert vars(line)["approval_id"] == approval_id


def test_a_slack_link_decides_by_itself_in_no_mode_whatever_is_added_to_it(
    app: AppWithPage, clock: Clock, logger: Logger
) -> None:
    page = CallbackHandler(table=app.table, one_click=True, clock=clock, logger=logger)
    for script in ("echo harmless", LONG):
        app.ask(script)
        for member in (True, False):
            query = link(app.record, APPROVE, user_recipient(BOBS, "bob", member=member), base_url=BASE_URL)
            fields = dict(parse_qsl(urlsplit(query).query)) | {"all": "1"}
            for changes in ({}, {"to": f"{BOBS} bob"}, {"to": f"{BOBS}/guest bob"}, {"to": BOBS}, {"do": "withdraw"}):
                answer = page(ask("GET", fields | changes), app.context)
                assert answer["statusCode"] in (200, 403)
                assert app.record.responses == ()


@pytest.mark.parametrize(("user", "sees"), [(BOBS, True), (DAVE, False)])
def test_the_page_of_a_user_who_is_not_in_the_channel_does_not_show_the_earlier_values(
    app: AppWithPage, user: str, sees: bool
) -> None:
    ts = app.ask(LONG, subject="deploy", notify=("dave@example.com",))
    posted = Delivery(channel="slack", place=CHANNEL, id=ts, realm=WORKSPACE)
    app.table.mark(app.record, request_step("slack"), NOW, delivery=posted)
    app.table.keep_previous(app.record, a_previous("s3cret", CHANNEL))
    app.send(app.slack.command(user, f"show {app.record.id}", CHANNEL if user == BOBS else ELSEWHERE_CHANNEL))
    copy = app.deliver()[-1]
    [handed] = [each for each in app.click(copy.ts, READ_ID, user) if LINK.search(each.text)]
    fields = dict(parse_qsl(urlsplit(link_in(handed)).query))
    page = app.page(ask("GET", fields), app.context)["body"]
    assert "Password" in page
    assert ("s3cret" in page) is sees


def test_a_guests_link_is_no_members_link(app: AppWithPage) -> None:
    app.ask(LONG)
    guests = link(app.record, APPROVE, user_recipient(GUEST, "gus", member=False), base_url=BASE_URL)
    fields = dict(parse_qsl(urlsplit(guests).query))
    assert app.page(ask("POST", fields | {"to": f"{GUEST} gus"}), app.context)["statusCode"] == 403
    looked = app.page(ask("GET", fields), app.context)
    assert looked["statusCode"] == 403
    assert NOT_A_MEMBER in unescape(looked["body"])
    assert "Anyone who receives this request can respond" not in looked["body"]
    assert app.page(ask("POST", fields), app.context)["statusCode"] == 403
    assert (app.record.status, app.record.responses) == (Status.PENDING, ())
