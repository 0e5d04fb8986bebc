"""The app's Home and /approvals: from Slack's signed request, over the note it leaves, to what one person sees."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.errors import DeliveryError
from approvals.domain.model import Action, Approval, Delivery, Presence, Request
from approvals.domain.people import Delegation, People, Person
from approvals.domain.replies import DeferredReply, ReplyKind
from approvals.domain.signed_links import approval_id
from approvals.services.respond import respond
from approvals.store.absences import AbsenceTable
from approvals.store.replies import Replies
from approvals.store.table import ApprovalTable
from bot.app import BotHandler
from bot.client import ResponseUrls, webhook_client
from bot.ephemeral import PATIENCE, ReplyDelivery
from bot.messenger import SlackMessenger
from bot.views.buttons import ACTION_IDS, REFRESH_ID
from bot.words import NOT_OF_THE_WORKSPACE
from demo.slack import ELSEWHERE_CHANNEL, HOOK_SECONDS, HOOK_USES, WORKSPACE, Message, Slack
from tests.support.broken_records import break_record, nest_context
from tests.support.builders import APPROVE, BOB, HOUR, WORKFLOW, a_previous, a_response, an_approval
from tests.support.delegates import a_delegation
from tests.support.fakes import Clock
from tests.support.slack_app import ALICE, BOBS, CAROL, DAVE, GUEST, NOBODYS_COMMENT, Workspace, event
from tests.support.slack_clients import CHANNEL, a_delivery
from tests.support.tables import REPLIES, TABLE


def person(slack_id: str, name: str) -> Person:
    return Person(id=f"{name}@example.com", name=name, identities={"email": f"{name}@example.com", "slack": slack_id})


ASKS_WHY = dict.fromkeys(Action, Presence.OPTIONAL)
CAROLS = People(requester=person(CAROL, "carol"))


@dataclass
class SlackApp:
    """A workspace with the app, and the backend behind it."""

    slack: Slack
    table: ApprovalTable
    bot: BotHandler
    notes: ReplyDelivery
    dynamodb: DynamoDBClient
    messenger: SlackMessenger
    context: LambdaContext
    asked: int = 0
    seen: set[str] = field(default_factory=set)

    @property
    def absences(self) -> AbsenceTable:
        return AbsenceTable(self.dynamodb, TABLE)

    def ask(self, title: str, people: People = CAROLS, channel: str = CHANNEL, **changes: Any) -> Approval:
        """Store a request as it is once it was posted."""
        self.asked += 1
        request = Request(title=title, timeout=HOUR, comments=NOBODYS_COMMENT, requested_by="carol@example.com")
        asked = an_approval(
            id=approval_id(f"token {self.asked}"),
            request=replace(request, **changes.pop("request", {})),
            workflow=replace(WORKFLOW, execution_name=changes.pop("execution_name", f"run-{self.asked}")),
            people=people,
            deliveries=(
                Delivery(channel="slack", place=channel, id=f"1795424400.00{self.asked:04}", realm=WORKSPACE["id"]),
            ),
            **changes,
        )
        self.table.add(asked)
        return asked

    def send(self, signed: tuple[bytes, dict[str, str]]) -> dict[str, Any]:
        return self.bot(event(*signed), self.context)

    def deliver(self) -> None:
        """Deliver the notes that are new, as the table's stream would."""
        for item in self.dynamodb.scan(TableName=REPLIES)["Items"]:
            id_ = item["id"]["S"]
            if id_ not in self.seen:
                self.seen.add(id_)
                self.notes.deliver(id_)

    def home(self, user: str = BOBS) -> str:
        """Open the app's Home; return all of its text."""
        assert self.send(self.slack.open_home(user)) == {**ACKNOWLEDGED, "headers": ANY}
        self.deliver()
        return self.read(user)

    def read(self, user: str = BOBS) -> str:
        return "\n".join(texts(self.slack.homes()[user]))

    def command(self, text: str, user: str = BOBS, channel: str = CHANNEL) -> Message:
        assert self.send(self.slack.command(user, text, channel)) == {**ACKNOWLEDGED, "headers": ANY}
        self.deliver()
        answer = self.slack.messages()[-1]
        assert (answer.ephemeral_to, answer.channel) == (user, channel)
        return answer

    def said(self, text: str, user: str = BOBS, channel: str = CHANNEL) -> str:
        return "\n".join(texts(list(self.command(text, user, channel).blocks)))


ACKNOWLEDGED = {"statusCode": 200, "body": ""}


def texts(node: Any) -> list[str]:
    """Return every text in blocks, in their order."""
    if isinstance(node, dict):
        own = [node["text"]] if isinstance(node.get("text"), str) else []
        return own + [text for child in node.values() for text in texts(child)]
    return [text for child in node for text in texts(child)] if isinstance(node, list) else []


@pytest.fixture
def app(workspace: Workspace, clock: Clock, logger: Logger) -> SlackApp:
    w = workspace
    notes = a_delivery(w.table, w.messenger, clock, logger)
    return SlackApp(w.slack, w.table, w.handler, notes, w.dynamodb, w.messenger, w.context)


def test_the_home_shows_what_waits_for_me_what_i_asked_for_and_what_was_decided(app: SlackApp, clock: Clock) -> None:
    app.ask("For whoever is asked", request={"details": "All of it."})
    app.ask("Of somebody else", people=People(approvers=(person(ALICE, "alice"),), requester=CAROLS.requester))
    app.ask("Of mine", people=People(requester=person(BOBS, "bob")))
    done = app.ask("Done already", people=People(approvers=(person(BOBS, "bob"),)))
    respond(app.table, done, a_response(APPROVE, BOB))
    waiting, rest = app.home().split("Your requests")
    mine, decided = rest.split("Recently decided")
    assert "Waiting for you (1)" in waiting
    assert "*For whoever is asked*\nRespond by <!date^" in waiting
    assert "All of it." in waiting
    assert "Of mine" in mine
    assert "*Done already*\nApproved by <@U0BOB00002>, <!date^" in decided
    assert "Of somebody else" not in waiting + mine + decided


def test_an_empty_home_is_friendly(app: SlackApp) -> None:
    shown = app.home()
    assert "Nothing is waiting for you." in shown
    assert "You have no requests" in shown
    assert "No recent decisions" in shown


def test_an_opened_home_costs_one_write_before_slack_hears_of_it(app: SlackApp) -> None:
    calls: list[str] = []
    app.dynamodb.meta.events.register("before-call.*.*", lambda model, **_: calls.append(model.name))
    for signed in (app.slack.open_home(BOBS), app.slack.command(BOBS, "")):
        app.send(signed)
    assert calls == ["PutItem", "PutItem"]


@pytest.mark.parametrize("typed", ["payload", "a payload={} &payload=b", "payload=%7B"])
def test_search_finds_the_word_that_bolt_takes_for_a_field(app: SlackApp, typed: str) -> None:
    app.ask("Send the payload", request={"details": "a payload={} &payload=b payload=%7B"})
    assert "*Send the payload*" in app.said(f"search {typed}")


def test_command_works_in_a_channel_whose_name_bolt_takes_for_a_field(app: SlackApp) -> None:
    body, headers = app.slack.command(BOBS, "help")
    named = body.replace(b"channel_name=somewhere", b"channel_name=payload")
    assert named != body
    assert app.send(app.slack._signed(named.decode(), headers["Content-Type"])) == {**ACKNOWLEDGED, "headers": ANY}


def test_requests_that_slack_repeats_are_delivered_once(app: SlackApp) -> None:
    for signed in (app.slack.open_home(BOBS), app.slack.command(BOBS, "help")):
        for _ in range(3):
            assert app.send(signed)["statusCode"] == 200
    app.deliver()
    assert sum('"views.publish"' in call for call in app.slack.calls()) == 1
    assert len(app.slack.messages()) == 1


def test_another_tab_than_the_home_is_acknowledged_alone(app: SlackApp) -> None:
    assert app.send(app.slack.open_home(BOBS, tab="messages"))["statusCode"] == 200
    app.deliver()
    assert app.slack.homes() == {}


def test_an_answer_in_the_home_counts_and_the_home_shows_it(app: SlackApp) -> None:
    asked = app.ask("Deploy web 2.4.1")
    app.home()
    clicked = app.slack.click_home(BOBS, ACTION_IDS[APPROVE], asked.id)
    assert app.send(clicked)["statusCode"] == 200
    decision = app.table.get(asked.id).decision
    assert decision is not None
    assert decision.approver == BOB
    app.deliver()
    shown = app.read()
    assert shown.startswith(f"\u201cDeploy web 2.4.1\u201d [{asked.id[:6]}]: Approved by bob in Slack <!date^")
    assert "Nothing is waiting for you." in shown
    app.home()
    assert not app.read().startswith("\u201c")


def test_an_answer_in_the_home_that_lost_says_so_there(app: SlackApp) -> None:
    asked = app.ask("Deploy web 2.4.1")
    app.home()
    clicked = app.slack.click_home(BOBS, ACTION_IDS[APPROVE], asked.id)
    respond(app.table, asked, a_response(Action.REJECT))
    app.send(clicked)
    app.deliver()
    assert (
        "Your response was not recorded: the request is already decided. Rejected by alice@example.com by email <!date^"
        in app.read()
    )
    assert app.slack.messages() == []


def test_refresh_shows_the_home_again(app: SlackApp) -> None:
    app.home()
    app.ask("Deploy web 2.4.1")
    assert app.send(app.slack.click_home(BOBS, REFRESH_ID, "refresh"))["statusCode"] == 200
    app.deliver()
    assert "Waiting for you (1)" in app.read()


def test_a_request_that_is_too_long_for_the_home_is_read_at_its_message_or_on_the_page(app: SlackApp) -> None:
    app.ask("Long", request={"details": ("word " * 1000).strip()})
    shown = app.home()
    assert "*Not shown here:* all 4,999 characters of the details." in shown
    assert "Approve" not in shown
    assert "Read and respond" in shown
    [link] = [block["accessory"]["url"] for block in app.slack.homes()[BOBS]["blocks"] if "accessory" in block]
    assert link == f"https://local.slack.com/archives/{CHANNEL}/p1795424400000001"


def test_people_outside_the_channel_are_not_shown_its_requests(app: SlackApp) -> None:
    app.ask("For whoever is asked")
    app.ask("For dave", people=People(approvers=(person(DAVE, "dave"),)))
    shown = app.home(DAVE)
    assert "For dave" in shown
    assert "For whoever is asked" not in shown
    everything = [app.said(text, DAVE, ELSEWHERE_CHANNEL) for text in ("", "search asked", f"show {'0' * 32}")]
    assert "For whoever is asked" not in "".join(everything)
    assert "For whoever is asked" in app.said("", DAVE, CHANNEL)


def test_a_guest_of_another_workspace_is_shown_nothing(app: SlackApp) -> None:
    app.ask("Secret")
    assert app.said("", GUEST) == NOT_OF_THE_WORKSPACE
    app.send(app.slack.open_home(GUEST))
    app.deliver()
    assert app.slack.homes() == {}


def test_a_note_that_lies_about_its_workspace_shows_nothing(app: SlackApp, clock: Clock) -> None:
    """Slack itself is asked who somebody is: what stands in the table is not believed."""
    app.table.leave_reply(
        DeferredReply(id="n1", kind=ReplyKind.HOME, user=GUEST, workspace=WORKSPACE["id"], left_at=clock())
    )
    app.table.leave_reply(
        DeferredReply(id="n2", kind=ReplyKind.HOME, user=BOBS, workspace="T0ELSEWHERE", left_at=clock())
    )
    app.deliver()
    assert app.slack.homes() == {}


def test_without_the_scopes_for_channels_nobody_is_taken_for_a_member(app: SlackApp) -> None:
    app.slack.scopes -= {"channels:read", "groups:read"}
    app.ask("For whoever is asked")
    app.ask("For bob", people=People(approvers=(person(BOBS, "bob"),)))
    shown = app.home()
    assert "For bob" in shown
    assert "For whoever is asked" not in shown


def test_the_list_has_what_waits_for_me_first(app: SlackApp) -> None:
    app.ask("Of mine", people=People(requester=person(BOBS, "bob")))
    app.ask("For me")
    first, second = app.said("list").split("*Waiting for others*")
    assert first.startswith("*Waiting for you*\nOpen message\n*For me*\nRespond by ")
    assert second.startswith("\nOpen message\n*Of mine*")


def test_a_list_of_nothing_is_a_sentence(app: SlackApp) -> None:
    assert app.said("").startswith("No open requests")
    assert app.said("mine").startswith("You have no requests")
    assert app.said("search refund").startswith("No matching requests")
    assert app.said("show 123456").startswith("No request that you can see")


def test_my_requests_are_listed_decided_or_not(app: SlackApp) -> None:
    respond(app.table, app.ask("Done"), a_response(APPROVE, BOB))
    app.ask("Open")
    app.ask("Of somebody else", people=People(requester=person(ALICE, "alice")))
    said = app.said("mine", CAROL)
    assert said.index("Open") < said.index("Done")
    assert "somebody" not in said


def test_a_search_finds_all_words_wherever_they_stand(app: SlackApp) -> None:
    app.ask("Refund Northwind", request={"facts": (("Order", "2026-0815"),)})
    app.ask("Refund Southwind")
    said = app.said("search 2026-0815 REFUND")
    assert "Northwind" in said
    assert "Southwind" not in said


@pytest.mark.parametrize("which", ["the id", "the id's beginning", "the execution"])
def test_one_request_is_shown_as_its_message_has_it_with_its_buttons(app: SlackApp, which: str) -> None:
    asked = app.ask("Deploy web 2.4.1")
    app.ask("Another")
    name = {"the id": asked.id, "the id's beginning": asked.id[:6], "the execution": "run-1"}[which]
    answer = app.command(f"show {name}")
    assert answer.text == "Approve? Deploy web 2.4.1"
    clicked = app.slack.click(answer.ts, ACTION_IDS[APPROVE], BOBS)
    assert app.send(clicked)["statusCode"] == 200
    assert app.table.get(asked.id).decision
    app.deliver()
    assert app.command(f"show {name}").text == "Approved: Deploy web 2.4.1"


@pytest.mark.parametrize("form", [str.lower, str.upper])
def test_an_execution_named_like_another_requests_short_id_does_not_take_its_place(
    app: SlackApp, form: Callable[[str], str]
) -> None:
    real = app.ask("Deploy web 2.4.1")
    short = form(real.id[:6])
    imposter = app.ask("Harmless", execution_name=short)
    said = app.said(f"show {short}")
    assert "Which one?" in said
    assert f"`{real.id}`" in said
    assert f"`{imposter.id}`" in said
    assert app.command(f"show {form(real.id)}").text == "Approve? Deploy web 2.4.1"


@pytest.mark.parametrize(("channel", "told_in"), [(CHANNEL, CHANNEL), (ELSEWHERE_CHANNEL, f"D{BOBS[1:]}")])
def test_an_answer_in_a_message_that_they_alone_see_is_said_to_count(app: SlackApp, channel: str, told_in: str) -> None:
    """Nothing edits that message, and in any other channel the app is no member."""
    asked = app.ask("Deploy web 2.4.1")
    answer = app.command("show run-1", BOBS, channel)
    assert app.send(app.slack.click(answer.ts, ACTION_IDS[APPROVE], BOBS))["statusCode"] == 200
    app.deliver()
    said = app.slack.messages()[-1]
    assert said.channel == told_in
    assert said.text.startswith(f"\u201cDeploy web 2.4.1\u201d [{asked.id[:6]}]: Approved by bob in Slack")


def test_people_who_may_not_respond_are_shown_a_request_without_buttons(app: SlackApp) -> None:
    asked = app.ask("Deploy web 2.4.1")
    answer = app.command(f"show {asked.id}", CAROL)
    assert "actions" not in [block["type"] for block in answer.blocks]


def test_a_hidden_request_reads_like_one_that_does_not_exist(app: SlackApp) -> None:
    hidden = app.ask("Secret", people=People(approvers=(person(ALICE, "alice"),)))
    found = {app.said(f"show {name}", DAVE, ELSEWHERE_CHANNEL) for name in (hidden.id, hidden.id[:6], "0" * 32)}
    assert len(found) == 1


@pytest.mark.parametrize("text", ["help", "what?", "search", "show", "list everything"])
def test_an_unknown_command_is_answered_with_help(app: SlackApp, text: str) -> None:
    assert "`/approvals search TEXT`" in app.said(text)


def test_unknown_command_is_named_before_the_help(app: SlackApp) -> None:
    said = app.said("d\u00e9lete <!channel> all")
    assert said.index("Unknown command \u201cd\u00e9lete\u201d") < said.index("`/approvals search TEXT`")
    assert "Unknown command" not in app.said("help")
    assert "<!channel>" not in app.said("<!channel>")


def test_an_answer_that_would_be_minutes_late_is_not_given(app: SlackApp, clock: Clock) -> None:
    app.send(app.slack.command(BOBS, "help"))
    app.send(app.slack.open_home(BOBS))
    clock.now += PATIENCE + timedelta(seconds=1)
    app.deliver()
    assert (app.slack.messages(), app.slack.homes()) == ([], {})


def test_slacks_outage_delays_an_answer(app: SlackApp) -> None:
    app.send(app.slack.command(BOBS, "help"))
    app.slack.fail_with = 503
    with pytest.raises(DeliveryError):
        app.deliver()
    app.slack.fail_with = None
    app.seen.clear()
    app.deliver()
    assert len(app.slack.messages()) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/commands/x",
        "http://hooks.slack.com/commands/x",
        "https://hooks.slack.com/services/T0APPROVAL/B0EVIL/x",
        "https://hooks.slack.com/commands/../services/T0APPROVAL/B0EVIL/x",
        "https://hooks.slack.com/commands/%2e%2e/services/T0APPROVAL/B0EVIL/x",
        "https://hooks.slack.com/commands/T0ELSEWHERE/1/x",
        "https://hooks.slack.com/commands/",
        "https://hooks.slack.com.evil.example/commands/x",
        "https://hooks.slack.com@evil.example/commands/x",
        "https://evil.example#hooks.slack.com",
        "https://slack.com/api/chat.postMessage?token=xoxb-evil&channel=C0EVIL",
        "file:///etc/passwd",
        "//hooks.slack.com/commands/x",
        "",
    ],
)
def test_an_answer_goes_nowhere_but_to_slack(app: SlackApp, clock: Clock, url: str) -> None:
    """A function that faces the internet writes notes: what they say about where to post is not believed."""
    note = DeferredReply(
        id="n1", kind=ReplyKind.COMMAND, user=BOBS, workspace=WORKSPACE["id"], text="help", response_url=url
    )
    app.table.leave_reply(replace(note, left_at=clock()))
    app.deliver()
    assert not [call for call in app.slack.calls() if "response_url" in call]


def test_an_address_that_is_used_up_or_too_old_is_let_go(app: SlackApp, clock: Clock) -> None:
    app.send(app.slack.command(BOBS, "help"))
    for _ in range(HOOK_USES + 1):
        app.seen.clear()
        app.deliver()
    assert len(app.slack.messages()) == HOOK_USES
    token = next(iter(app.slack._hooks))
    app.slack._hooks[token].uses = 0
    clock.pass_(seconds=HOOK_SECONDS + 1)
    assert app.slack.respond(token, {"text": "x", "response_type": "ephemeral"}) == (404, "expired_url")


def test_the_address_of_an_answer_is_in_no_log_and_no_repr(
    app: SlackApp, clock: Clock, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for logger in ("slack_sdk", "bot", "tests"):
        caplog.set_level("DEBUG", logger=logger)
    app.slack.hooks_url = "http://127.0.0.1:1/commands/"  # nobody is there
    app.messenger._response_urls = ResponseUrls(app.slack.hooks_url, webhook_client)
    app.send(app.slack.command(BOBS, "help"))
    with pytest.raises(DeliveryError, match="Slack can't be reached: URLError") as failure:
        app.deliver()
    token = next(iter(app.slack._hooks))
    [item] = app.dynamodb.scan(TableName=REPLIES)["Items"]
    assert token in item["response_url"]["S"]
    note = Replies(app.dynamodb, REPLIES).get(item["id"]["S"])
    assert "Failed to send a request to Slack" in caplog.text
    assert token not in f"{note!r} {failure.value!r} {capsys.readouterr()} {caplog.text}"


def test_slack_is_told_that_the_address_is_ours(app: SlackApp) -> None:
    """Slack asks for it when the manifest is taken."""
    body, headers = app.slack._signed(
        json.dumps({"type": "url_verification", "token": "x", "challenge": "c-1"}), "application/json"
    )
    answer = app.send((body, headers))
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"challenge": "c-1"})
    headers["X-Slack-Signature"] = "v0=" + "0" * 64
    assert app.send((body, headers))["statusCode"] == 401


@pytest.mark.parametrize("missing", ["user_id", "team_id", "channel_id", "response_url"])
def test_a_command_that_lacks_something_gets_401(app: SlackApp, missing: str) -> None:
    body, _headers = app.slack.command(BOBS, "help")
    rest = "&".join(part for part in body.decode().split("&") if not part.startswith(f"{missing}="))
    signed = app.slack._signed(rest, "application/x-www-form-urlencoded")
    assert app.send(signed)["statusCode"] == 401


@pytest.mark.parametrize("event_", [{"tab": "home"}, {"tab": "home", "user": 7}, {"tab": "home", "user": ""}])
def test_an_opened_home_of_nobody_gets_401(app: SlackApp, event_: dict[str, Any]) -> None:
    assert app.send(app.slack.event({"type": "app_home_opened", **event_}))["statusCode"] == 401


@pytest.mark.parametrize("how", ["a status of a newer version", "no request"])  # all are in test_listing
def test_a_record_that_cannot_be_read_is_left_out_of_every_list_and_named_in_the_log(
    app: SlackApp, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    app.ask("Whole")
    broken = app.ask("Broken")
    break_record(app.dynamodb, TABLE, broken.id, how)
    for said in (
        app.home(),
        app.said(""),
        app.said("search whole"),
        app.said(f"show {broken.id}"),
    ):
        assert "Broken" not in said
    assert "Whole" in app.said("list")
    named = [line for line in caplog.records if line.message == "record can't be read, left out"]
    assert {vars(line)["approval_id"] for line in named} == {broken.id}


def test_a_context_that_cannot_be_read_is_not_shown_and_not_taken_for_none(app: SlackApp) -> None:
    """A version without a limit may have stored it: the others are shown in full, this one is not."""
    broken = app.ask("Deep")
    app.ask("Whole", request={"details": "All of it."})
    nest_context(app.dynamodb, TABLE, broken.id)
    said = app.home()
    assert "Waiting for you (2)" in said
    assert "All of it." in said
    assert "Deep" not in said
    assert "No request that you can see" in app.said(f"show {broken.id}")


UNTIL_FRIDAY = "away until 2026-11-27, ask"


@pytest.mark.parametrize(
    ("named", "delegate"),
    [
        (f"<@{CAROL}|carol>", CAROL),
        (f"<@{CAROL}>", CAROL),
        (CAROL, CAROL),
        ("carol@example.com", "carol@example.com"),
        ("<mailto:carol@example.com|carol@example.com>", "carol@example.com"),
    ],
)
def test_users_name_a_delegate_for_themselves_alone(app: SlackApp, clock: Clock, named: str, delegate: str) -> None:
    said = app.said(f"{UNTIL_FRIDAY} {named}")
    shown = f"<@{delegate}>" if delegate == CAROL else delegate
    assert f"new requests that ask you also ask {shown}, who responds for you" in said
    [absence] = app.absences.read()
    assert (absence.owner, absence.delegate, absence.set_by) == (BOBS, delegate, BOBS)
    assert absence.until == datetime(2026, 11, 28, tzinfo=UTC)
    assert absence.is_current(clock())


def test_an_absence_is_replaced_and_ended_by_its_owner_alone(app: SlackApp) -> None:
    app.said(f"{UNTIL_FRIDAY} {CAROL}")
    app.said(f"{UNTIL_FRIDAY} {BOBS}", ALICE)
    app.said(f"{UNTIL_FRIDAY} {ALICE}")
    assert {(each.owner, each.delegate) for each in app.absences.read()} == {(BOBS, ALICE), (ALICE, BOBS)}
    assert "You have no delegate." in app.said("away off", CAROL)
    assert "no longer responds for you" in app.said("away off")
    assert [each.owner for each in app.absences.read()] == [ALICE]


def test_a_command_that_slack_sends_again_is_one_absence(app: SlackApp) -> None:
    signed = app.slack.command(BOBS, f"{UNTIL_FRIDAY} {CAROL}", CHANNEL)
    for _ in range(2):
        app.send(signed)
    app.deliver()
    app.seen.clear()
    app.deliver()
    assert len(app.absences.read()) == 1


def test_ending_an_absence_has_its_open_requests_looked_at_again(app: SlackApp) -> None:
    app.said(f"{UNTIL_FRIDAY} {CAROL}")
    [absence] = app.absences.read()
    bob, carol = person(BOBS, "bob"), person(CAROL, "carol")
    values: dict[str, Any] = {"owner": bob.id, "delegate": carol, "named": CAROL, "set_by": BOBS}
    delegation = Delegation(since=absence.since, until=absence.until, **values)
    asked = app.ask("Deploy", people=People(approvers=(bob,), delegations=(delegation,)))
    other = app.ask("Other", people=People(approvers=(bob,)))
    app.said("away off")
    assert app.table.get(asked.id).version == asked.version + 1
    assert app.table.get(other.id).version == other.version


def test_the_home_and_the_dialog_say_for_whom_a_delegate_responds(app: SlackApp, clock: Clock) -> None:
    bob, carol = person(BOBS, "bob"), person(CAROL, "carol")
    people = People(approvers=(bob,), delegations=(a_delegation(bob, carol, until=clock() + HOUR),))
    app.ask("Deploy", people=people, request={"comments": ASKS_WHY, "requested_by": "dave@example.com"})
    assert "\nYou respond for bob.\n" in app.home(CAROL)
    assert "You respond for" not in app.home(BOBS)
    for user in (CAROL, BOBS):
        elements = [each for block in app.slack.homes()[user]["blocks"] for each in block.get("elements", ())]
        button = next(each for each in elements if each.get("action_id", "").startswith("approval:reject"))
        app.send(app.slack.click_home(user, button["action_id"], button["value"]))
    dialogs = {modal.user_id: "\n".join(texts(modal.view["blocks"])) for modal in app.slack.modals()}
    assert "\nYou respond for bob.\n" in dialogs[CAROL]
    assert "You respond for" not in dialogs[BOBS]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("away", "needs a day and a person, or off"),
        ("away tomorrow", "Use `/approvals away until"),
        (f"{UNTIL_FRIDAY} @carol", "\u201c@carol\u201d is not a person. Pick the person from the list"),
        (f"{UNTIL_FRIDAY} *S0GROUP001", "\u201c\u200b*\u200bS0GROUP001\u201d is not a person."),
        (f"{UNTIL_FRIDAY} {BOBS}", "You can't be your own delegate."),
        ("away until 2026-11-22, ask carol@example.com", "is not a day within the next 366 days"),
        ("away until 2026-13-01, ask carol@example.com", "is not a day within the next 366 days"),
        ("away until 2028-11-22, ask carol@example.com", "is not a day within the next 366 days"),
    ],
)
def test_an_absence_that_is_not_understood_is_not_stored(app: SlackApp, text: str, expected: str) -> None:
    assert expected in app.said(text)
    assert app.absences.read() == ()


def test_users_of_other_workspaces_name_no_delegate(app: SlackApp) -> None:
    app.said(f"{UNTIL_FRIDAY} {CAROL}", GUEST)
    assert app.absences.read() == ()


@pytest.mark.parametrize(("user", "sees"), [(BOBS, True), (DAVE, False)])
def test_a_requester_who_is_not_in_the_channel_does_not_see_the_earlier_values(
    app: SlackApp, user: str, sees: bool
) -> None:
    """A user who starts an execution could else name the subject and the private channel of others."""
    subject = {"subject": "deploy", "notify": ("dave@example.com",)}
    asked = app.ask("Deploy", request=subject, people=People(), previous=a_previous("s3cret", CHANNEL))
    shown = app.said(f"show {asked.id}", user, ELSEWHERE_CHANNEL if user == DAVE else CHANNEL)
    assert "Password: " in shown
    assert ("s3cret" in shown) is sees
