"""Slack's own clients, with the stand-in at the place of the network."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from slack_sdk import WebClient, WebhookClient
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookResponse

from approvals.store.absences import AbsenceTable
from approvals.store.queries import Listing
from approvals.store.replies import Replies
from approvals.store.table import ApprovalTable
from bot.away import AwayCommand
from bot.client import ResponseUrls
from bot.ephemeral import ReplyDelivery, log_unreadable
from bot.messenger import SlackMessenger
from demo.slack import Message, Slack
from tests.support.tables import REPLIES

CHANNEL = "C0APPROVALS"


class DirectWebClient(WebClient):
    """Slack's own client, with the stand-in at the place of the network."""

    def __init__(self, slack: Slack) -> None:
        super().__init__(token=slack.bot_token)
        self._slack = slack

    def api_call(self, api_method: str, **arguments: Any) -> SlackResponse:
        parameters = arguments.get("json") or arguments.get("params") or {}
        status = self._slack.fail_with or 200
        data = {"ok": False, "error": "internal_error"}
        if status == 200:
            data = self._slack.call(api_method, f"Bearer {self.token}", parameters)
        answer = SlackResponse(
            client=self,
            http_verb="POST",
            api_url=api_method,
            req_args={},
            data=data,
            headers={"Retry-After": "7"},
            status_code=status,
        )
        answer.validate()  # type: ignore[no-untyped-call]
        return answer


class DirectHookClient(WebhookClient):
    """Slack's own client for a command's answer, with the stand-in at the place of the network."""

    def __init__(self, slack: Slack, url: str) -> None:
        super().__init__(url)
        self._slack = slack

    def _perform_http_request(self, *, body: dict[str, Any], **_headers: Any) -> WebhookResponse:
        if self._slack.fail_with:
            return WebhookResponse(url=self.url, status_code=self._slack.fail_with, body="", headers={})
        status, said = self._slack.respond(self.url.removeprefix(self._slack.hooks_url), json.loads(json.dumps(body)))
        return WebhookResponse(url=self.url, status_code=status, body=said, headers={})


def a_hook(slack: Slack) -> ResponseUrls:
    return ResponseUrls("https://slack.com/api/", lambda url: DirectHookClient(slack, url))


BASE_URL = "https://approvals.example.com"


def a_delivery(
    table: ApprovalTable, messenger: SlackMessenger, clock: Callable[[], datetime], logger: Logger
) -> ReplyDelivery:
    """Return the service that delivers the replies in a table."""
    listing = Listing(table._dynamodb, table._name, partial(log_unreadable, logger))
    absences = AbsenceTable(table._dynamodb, table._name)
    return ReplyDelivery(
        table=table,
        replies=Replies(table._dynamodb, REPLIES),
        listing=listing,
        away=AwayCommand(absences=absences, table=table, listing=listing),
        messenger=messenger,
        base_url=BASE_URL,
        clock=clock,
        logger=logger,
    )


def has_buttons(message: Message) -> bool:
    return any(block["type"] == "actions" for block in message.blocks)
