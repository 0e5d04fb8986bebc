"""Slack's Web API: posting the request, editing it into the outcome, and private notes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from http.client import HTTPException

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web import SlackResponse

from approvals.model import Approval, Note, SlackMessage
from approvals.steps import DeliveryFailed
from bot.secret import load_secret
from bot.views import approval as view

TIMEOUT = 5
"""Seconds that a call to Slack may take; the retry queue tries again later."""

_FIXES = {
    "channel_not_found": "check SlackChannel, and invite the app to a private channel",
    "not_in_channel": "invite the app to the channel: /invite @Approvals",
    "is_archived": "unarchive the channel, or set SlackChannel to another",
    "invalid_auth": "SlackBotToken is wrong",
    "not_authed": "SlackBotToken is empty",
    "token_revoked": "install the Slack app again and update SlackBotToken",
    "missing_scope": "install the Slack app again from the manifest: it needs chat:write",
}


class SlackMessenger:
    """Posts as the app's bot. Every method raises `DeliveryFailed` when Slack does not take it."""

    def __init__(self, web_client: Callable[[], WebClient], channel: str) -> None:
        self._web_client = web_client
        self._channel = channel

    @classmethod
    def connect(cls, channel: str, secret_arn: str, api_url: str) -> SlackMessenger | None:
        """The messenger for a channel, or None when there is no channel: Slack is not configured then."""
        if not channel:
            return None

        def web_client() -> WebClient:
            secret = load_secret(boto3.client("secretsmanager"), secret_arn)
            return WebClient(token=secret.bot_token, base_url=api_url, timeout=TIMEOUT)

        return cls(web_client, channel)

    def post_request(self, approval: Approval) -> SlackMessage:
        """Posts the request with its buttons; returns where it stands."""
        answer = self._call(
            lambda slack: slack.chat_postMessage(
                channel=self._channel,
                text=view.request_text(approval),
                blocks=view.request_blocks(approval),
                unfurl_links=False,
                unfurl_media=False,
            )
        )
        return SlackMessage(channel=str(answer["channel"]), ts=str(answer["ts"]))

    def show_outcome(self, approval: Approval) -> None:
        """Edits the request's message in place. The same outcome shown twice looks the same."""
        message = approval.slack_message
        if message is None:
            raise ValueError(f"approval {approval.id} has no Slack message")
        self._call(
            lambda slack: slack.chat_update(
                channel=message.channel,
                ts=message.ts,
                text=view.outcome_text(approval),
                blocks=view.outcome_blocks(approval),
            )
        )

    def whisper(self, note: Note) -> None:
        """Shows a note to one user alone."""
        self._call(
            lambda slack: slack.chat_postEphemeral(channel=note.channel, user=note.user, text=view.escape(note.text))
        )

    @cached_property
    def _slack(self) -> WebClient:
        # Made at the first call, not at init: a secret that can't be read must not stop the mails.
        try:
            return self._web_client()
        except (ClientError, BotoCoreError) as error:
            raise DeliveryFailed(f"the Slack secret can't be read: {type(error).__name__}") from error

    def _call(self, method: Callable[[WebClient], SlackResponse]) -> SlackResponse:
        try:
            return method(self._slack)
        except SlackApiError as error:
            code = str(error.response.get("error", f"HTTP {error.response.status_code}"))
            fix = _FIXES.get(code)
            raise DeliveryFailed(f"Slack answered {code}{f': {fix}' if fix else ''}") from error
        except (SlackRequestError, HTTPException, OSError) as error:
            raise DeliveryFailed(f"Slack can't be reached: {type(error).__name__}") from error
