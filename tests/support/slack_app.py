"""The Slack app with the workspace's secret, and people who click in the stand-in."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.model import Action, Approval, Presence, Request, Status
from approvals.domain.people import People, Person
from approvals.store.table import ApprovalTable
from bot.app import BotHandler, create_app
from bot.credentials import SecretSource, SlackSecret
from bot.messenger import SlackMessenger
from bot.request_verification import RequestVerifier
from bot.views.approval import request_blocks
from bot.views.buttons import MENU_ID
from demo.slack import MEMBERS, Modal, Slack
from tests.support.builders import HOUR, a_response, an_approval
from tests.support.fakes import Clock
from tests.support.tables import REPLIES, as_the_bot_has_it

ID = an_approval().id
NOBODYS_COMMENT = dict.fromkeys(Action, Presence.OFF)
"""Then both answers take one tap."""


def a_bot(
    table: ApprovalTable, slack: Slack, clock: Clock, logger: Logger, api_url: str = "http://127.0.0.1:1/"
) -> BotHandler:
    """Return the app with the workspace's secret. By default the address of its Web API leads nowhere."""
    secret = SecretSource(lambda: SlackSecret(slack.bot_token, slack.signing_secret), clock)
    app = create_app(table=as_the_bot_has_it(table), secret=secret, api_url=api_url, clock=clock, logger=logger)
    return BotHandler(app, RequestVerifier(secret, clock), logger)


def event(body: bytes | str, headers: dict[str, str], **changes: Any) -> dict[str, Any]:
    text = body.decode() if isinstance(body, bytes) else body
    return {
        "httpMethod": "POST",
        "path": "/slack/events",
        "requestContext": {"httpMethod": "POST"},
        "headers": headers,
        "body": text,
        **changes,
    }


def notes(dynamodb: DynamoDBClient) -> list[str]:
    return [item["text"]["S"] for item in dynamodb.scan(TableName=REPLIES)["Items"]]


ALICE, BOBS, CAROL, DAVE = MEMBERS
GUEST, GIL, UMA = "U0GUEST004", "U0GIL00007", "U0UMA00008"
"""A guest from another workspace, and two of this one."""
ROBOT, SLACKBOT, GONE_USER, INVITED = "U0APPBOT00", "USLACKBOT", "U0GONE0005", "U0INA00009"
PEOPLE = People(
    approvers=(
        Person(id="alice@example.com", name="alice", identities={"email": "alice@example.com", "slack": ALICE}),
        Person(id="bob@example.com", name="bob", identities={"email": "bob@example.com", "slack": BOBS}),
    ),
    requester=Person(id="carol@example.com", name="carol", identities={"email": "carol@example.com", "slack": CAROL}),
)
ALL_MEMBERS = People(
    approvers=tuple(
        Person(id=id_, name=name, identities={"email": f"{name}@example.com", "slack": id_})
        for id_, name in MEMBERS.items()
    )
)
ONE_TAP = an_approval(request=replace(an_approval().request, comments=NOBODYS_COMMENT), people=ALL_MEMBERS)


@dataclass
class Workspace:
    """A Slack workspace with the app and one request."""

    slack: Slack
    table: ApprovalTable
    messenger: SlackMessenger
    handler: BotHandler
    dynamodb: DynamoDBClient
    context: LambdaContext
    ts: str = ""
    asked: Approval = ONE_TAP

    def ask(self, *, people: People | None = None, **changes: Any) -> None:
        """Store a request to alice and bob, or to others, and post its message into the channel."""
        request = Request(title="Deploy web 2.4.1", timeout=HOUR, **changes)
        self.asked = an_approval(request=request, people=people or PEOPLE)
        self.ts = self.messenger.post_request(self.asked).id
        self.table.add(self.asked)

    def signed_click(self, action_id: str, user: str = BOBS, option: str | None = None) -> dict[str, Any]:
        return event(*self.slack.click(self.ts, action_id, user, option))

    def send(self, signed: dict[str, Any]) -> dict[str, Any]:
        return self.handler(signed, self.context)

    def click(self, action_id: str, user: str = BOBS, option: str | None = None) -> dict[str, Any]:
        answer = self.send(self.signed_click(action_id, user, option))
        assert (answer["statusCode"], answer["body"]) == (200, "")
        return answer

    def offer_withdrawal(self) -> None:
        """Edit the message as `notify` does after a response: then its menu offers to withdraw."""
        shown = request_blocks(replace(self.asked, responses=(a_response(),)))
        messages = self.slack._messages
        messages[self.ts] = replace(messages[self.ts], blocks=tuple(block.to_dict() for block in shown))

    def choose(self, word: str, user: str = BOBS) -> None:
        self.offer_withdrawal()
        self.click(MENU_ID, user, f"{word}:{ID}")

    def modal(self) -> Modal:
        [modal] = self.slack.modals()
        return modal

    def submit(self, *, checked: bool = True, **values: str) -> None:
        """Submit the dialog with its initial values and these, and apply the app's answer."""
        modal = self.modal()
        named = {name.replace("form_", "form."): value for name, value in values.items()}
        body, headers = self.slack.submit(modal.id, {**modal.initial(), **named}, checked=checked)
        answer = self.send(event(body, headers))
        assert answer["statusCode"] == 200
        self.slack.answered(modal.id, answer["body"])

    @property
    def record(self) -> Approval:
        return self.table.get(ID)

    def is_(self, status: Status) -> bool:
        return self.record.status is status

    @property
    def notes(self) -> list[str]:
        return notes(self.dynamodb)


@contextmanager
def web_api_of(slack: Slack) -> Iterator[str]:
    """Serve the stand-in at an address of its own, as the app's client calls it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            is_json = "json" in self.headers["Content-Type"]
            parameters = json.loads(body) if is_json else dict(parse_qsl(body))
            status = slack.fail_with or 200
            method = self.path.removeprefix("/")
            answer = slack.call(method, self.headers["Authorization"], parameters) if status == 200 else {"ok": False}
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()
