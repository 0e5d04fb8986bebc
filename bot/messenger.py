"""Slack's Web API: posting the request, editing it into the outcome, and private notes."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web import SlackResponse

from approvals.clients import CONFIG
from approvals.model import Approval, Note, SlackMessage
from approvals.steps import DeliveryDelayed, DeliveryFailed, DeliveryRefused
from bot.secret import load_secret
from bot.views import approval as view

TIMEOUT = 3
"""Seconds that a call to Slack may take; the retry queue tries again later."""

DEFAULT_RETRY_AFTER = 30

_REFUSALS = frozenset(
    {
        "cant_update_message",
        "channel_not_found",
        "is_archived",
        "message_not_found",
        "not_in_channel",
        "user_not_in_channel",
    }
)
_STALE = frozenset({"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"})
"""The token may have been changed since it was read."""

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
        self._new_client = web_client
        self._client: WebClient | None = None
        self._channel = channel

    @classmethod
    def connect(cls, channel: str, secret_arn: str, api_url: str) -> SlackMessenger | None:
        """The messenger for a channel, or None when there is no channel: Slack is not configured then."""
        if not channel:
            return None

        def web_client() -> WebClient:
            secret = load_secret(boto3.client("secretsmanager", config=CONFIG), secret_arn)
            # No retries of its own: a post whose answer was lost may have been taken.
            return WebClient(token=secret.bot_token, base_url=api_url, timeout=TIMEOUT, retry_handlers=[])

        return cls(web_client, channel)

    def post_request(self, approval: Approval) -> SlackMessage:
        """Posts the request with its buttons; returns where it stands."""
        text, blocks = view.request_text(approval), view.request_blocks(approval)
        answer = self._call(
            lambda slack: slack.chat_postMessage(
                channel=self._channel,
                text=text,
                blocks=blocks,
                unfurl_links=False,
                unfurl_media=False,
            )
        )
        return SlackMessage(channel=str(answer["channel"]), ts=str(answer["ts"]), workspace=self._workspace(answer))

    def _workspace(self, answer: SlackResponse) -> str:
        """The app's own workspace: Slack says it in the message just posted, or when asked."""
        team = (answer.get("message") or {}).get("team")
        return str(team or self._call(lambda slack: slack.auth_test())["team_id"])

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

    def _connected(self) -> WebClient:
        # Made at the first call, not at init: a secret that can't be read must not stop the mails.
        if self._client is None:
            try:
                self._client = self._new_client()
            except (ClientError, BotoCoreError) as error:
                raise DeliveryFailed(f"the Slack secret can't be read: {type(error).__name__}") from error
        return self._client

    def _call(self, method: Callable[[WebClient], SlackResponse]) -> SlackResponse:
        try:
            return method(self._connected())
        except SlackApiError as error:
            raise self._refusal(error) from error
        except (SlackRequestError, HTTPException, OSError) as error:
            raise DeliveryFailed(f"Slack can't be reached: {type(error).__name__}") from error

    def _refusal(self, error: SlackApiError) -> DeliveryFailed:
        code = str(error.response.get("error", ""))
        if error.response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            return DeliveryDelayed("Slack asks to slow down", _retry_after(error))
        if not _CODE.fullmatch(code):  # not Slack's JSON: some proxy's page
            code = f"HTTP {error.response.status_code}"
        if code in _STALE:
            self._client = None  # The next try reads the secret anew.
        fix = _FIXES.get(code)
        kind = DeliveryRefused if code in _REFUSALS else DeliveryFailed
        return kind(f"Slack answered {code}{f': {fix}' if fix else ''}")


def _retry_after(error: SlackApiError) -> int:
    """Seconds, as Slack's header says.

    Source: https://docs.slack.dev/apis/web-api/rate-limits
    """
    headers = {str(name).lower(): value for name, value in error.response.headers.items()}
    text = str(headers.get("retry-after", ""))
    return int(text) if text.isdigit() else DEFAULT_RETRY_AFTER


_CODE = re.compile(r"[a-z_0-9]{1,60}")
