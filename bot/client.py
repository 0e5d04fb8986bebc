"""One connection to Slack's Web API, and its errors in the words of the product."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from slack_sdk import WebClient, WebhookClient
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.models.blocks import Block
from slack_sdk.web import SlackResponse

from approvals.domain.errors import DeliveryDelayed, DeliveryFailed, DeliveryRefused

DEFAULT_RETRY_AFTER = 30

SLACK_API = "https://slack.com/api/"

TIMEOUT = 3
"""Seconds that a call to Slack may take; the retry queue tries again later."""

_HOOK = re.compile(r"https://hooks\.slack(?:-gov)?\.com/commands/(?P<workspace>\w+)(?:/[\w-]+)*", re.ASCII)
"""Where Slack takes a command's answer. Below /services/ it takes anything, for whoever made the address."""

_SLACK = re.compile(r"(?:.+\.)?slack(?:-gov)?\.com")

STALE = frozenset({"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"})
"""The token may have been changed since it was read."""

_REFUSALS = frozenset(
    {
        "cant_update_message",
        "channel_not_found",
        "is_archived",
        "message_not_found",
        "messages_tab_disabled",
        "missing_scope",
        "not_enabled",
        "not_in_channel",
        "thread_not_found",
        "user_not_in_channel",
    }
)

_FIXES = {
    "channel_not_found": "check SlackChannel and the request's Channel, and invite the app to a private channel",
    "not_in_channel": "invite the app to the channel: /invite @Approvals",
    "not_enabled": "paste the manifest again: it turns the app's Home on",
    "messages_tab_disabled": "paste the manifest again: it lets the app write to people",
    "is_archived": "unarchive the channel, or set SlackChannel to another",
    "invalid_auth": "SlackBotToken is wrong",
    "not_authed": "SlackBotToken is empty",
    "token_revoked": "install the Slack app again and update SlackBotToken",
}

_CODE = re.compile(r"[a-z_0-9]{1,60}")
_SCOPES = re.compile(r"[a-z:._,-]{1,200}")


class SlackApi:
    """Calls Slack as the app's bot. Connects at the first call at the latest, and anew when the token is stale.

    `web_client` reads the secret.
    """

    def __init__(self, web_client: Callable[[], WebClient]) -> None:
        self._new_client = web_client
        self._client: WebClient | None = None

    def connect(self) -> None:
        """Reads the secret before the first call, if that is possible."""
        with suppress(DeliveryFailed):
            self._connected()

    def call(
        self, method: Callable[[WebClient], SlackResponse], *, missing: frozenset[str] = frozenset()
    ) -> SlackResponse | None:
        """Calls a method; returns None when Slack answers with one of the codes that mean "there is none".

        Raises `DeliveryFailed` when Slack does not take it: `DeliveryDelayed` when it is asked too often,
        `DeliveryRefused` when somebody must change something there first.
        """
        try:
            return method(self._connected())
        except SlackApiError as error:
            if error.response.get("error") in missing:
                return None
            raise self._refusal(error) from error
        except (SlackRequestError, HTTPException, OSError) as error:
            raise DeliveryFailed(f"Slack can't be reached: {type(error).__name__}") from error

    def _connected(self) -> WebClient:
        # Tried again at each call: a secret that can't be read must stop Slack alone, not the mails.
        if self._client is None:
            try:
                self._client = self._new_client()
            except (ClientError, BotoCoreError, KeyError, TypeError, ValueError) as error:
                raise DeliveryFailed(f"the Slack secret can't be read: {type(error).__name__}") from error
        return self._client

    def _refusal(self, error: SlackApiError) -> DeliveryFailed:
        code = str(error.response.get("error", ""))
        if error.response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            return DeliveryDelayed("Slack asks to slow down", _retry_after(error))
        if not _CODE.fullmatch(code):  # not Slack's JSON: some proxy's page
            code = f"HTTP {error.response.status_code}"
        if code in STALE:
            self._client = None  # The next try reads the secret anew.
        fix = _missing_scope(error) if code == "missing_scope" else _FIXES.get(code)
        kind = DeliveryRefused if code in _REFUSALS else DeliveryFailed
        return kind(f"Slack answered {code}{f': {fix}' if fix else ''}")


class Hook:
    """Answers a command at the address that Slack gave for it.

    That address is a capability, and comes from the table, where a function that faces the internet wrote it: it must
    be one for a command's answer in the app's own workspace. Where the Web API is set to be elsewhere than at Slack, as
    in tests, it may lead there, too.
    Source: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
    """

    def __init__(self, api_url: str, client: Callable[[str], WebhookClient]) -> None:
        self._api = urlsplit(api_url)
        self._client = client

    def post(self, url: str, text: str, blocks: Sequence[Block], *, workspace: str) -> None:
        """Shows an answer to who asked alone. Raises `DeliveryFailed`; `DeliveryRefused` when it is too late for it.

        `workspace` is the id of the app's own.
        """
        if not self._may_take(url, workspace):
            raise DeliveryRefused("an address that is not for an answer in this workspace")
        try:
            answer = self._client(url).send(text=text, blocks=blocks, response_type="ephemeral")
        except (HTTPException, OSError) as error:
            raise DeliveryFailed(f"Slack can't be reached: {type(error).__name__}") from error
        if answer.status_code == HTTPStatus.OK:
            return
        code = answer.body if _CODE.fullmatch(answer.body) else f"HTTP {answer.status_code}"
        retried = (
            answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        )
        raise (DeliveryFailed if retried else DeliveryRefused)(f"Slack answered {code}")

    def _may_take(self, url: str, workspace: str) -> bool:
        if hook := _HOOK.fullmatch(url):
            # On Enterprise Grid it may name the organization instead, whose ids begin with an E.
            return hook["workspace"] == workspace or hook["workspace"].startswith("E")
        address, api = urlsplit(url), self._api
        # Slack's own Web API would take a call in somebody else's name.
        return not _SLACK.fullmatch(api.hostname or "") and (address.scheme, address.netloc) == (api.scheme, api.netloc)


def web_hook(url: str) -> WebhookClient:
    """Slack's own client for one address."""
    quiet = logging.getLogger(f"{__name__}.hook")
    quiet.setLevel(logging.WARNING)  # Below it, the client writes the address into the log.
    return WebhookClient(url, timeout=TIMEOUT, retry_handlers=[], logger=quiet)


def _missing_scope(error: SlackApiError) -> str:
    needed = str(error.response.get("needed") or "")
    which = needed if _SCOPES.fullmatch(needed) else "all scopes there"
    return f"install the Slack app again from the manifest: it needs {which}"


def _retry_after(error: SlackApiError) -> int:
    """Seconds, as Slack's header says.

    Source: https://docs.slack.dev/apis/web-api/rate-limits
    """
    headers = {str(name).lower(): value for name, value in error.response.headers.items()}
    text = str(headers.get("retry-after", ""))
    return int(text) if text.isdigit() else DEFAULT_RETRY_AFTER
