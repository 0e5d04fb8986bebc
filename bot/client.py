"""Clients of Slack's Web API and of response URLs, with errors as `DeliveryError` and its subclasses."""

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

from approvals.domain.errors import DeliveryDelayedError, DeliveryError, DeliveryRefusedError
from bot.refusals import LASTING

DEFAULT_RETRY_AFTER = 30

SLACK_API = "https://slack.com/api/"

TIMEOUT = 3
"""Seconds that a call to Slack may take. The retry queue tries again later."""

_HOOK = re.compile(r"https://hooks\.slack(?:-gov)?\.com/commands/(?P<workspace>\w+)(?:/[\w-]+)*", re.ASCII)
"""Slack's response URLs for commands. URLs below /services/ take anything, for the person who made them."""

_SLACK = re.compile(r"(?:.+\.)?slack(?:-gov)?\.com")

STALE = frozenset({"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"})
"""Errors after which the secret is read again: the token may have changed."""

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


class SlackRefusalError(DeliveryRefusedError):
    """Slack refuses a call until its configuration changes. `code` is Slack's own."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.code = code


class SlackApi:
    """Calls Slack's Web API as the app's bot.

    `web_client` reads the secret: at the first call, and again after Slack refused the token.
    """

    def __init__(self, web_client: Callable[[], WebClient]) -> None:
        self._new_client = web_client
        self._client: WebClient | None = None

    def connect(self) -> None:
        """Read the secret before the first call, if that is possible."""
        with suppress(DeliveryError):
            self._connected()

    def call(self, method: Callable[[WebClient], SlackResponse]) -> SlackResponse:
        """Call a method.

        Raises `DeliveryError` if the call fails: `DeliveryDelayedError` if Slack limits the rate,
        `SlackRefusalError` if something must change there first.
        """
        try:
            return method(self._connected())
        except SlackApiError as error:
            raise self._refusal(error) from error
        except (SlackRequestError, HTTPException, OSError) as error:
            raise DeliveryError(f"Slack can't be reached: {type(error).__name__}") from error

    def find(self, method: Callable[[WebClient], SlackResponse], missing: frozenset[str]) -> SlackResponse | None:
        """Call a method. Return None if Slack answers with one of the error codes in `missing`."""
        try:
            return self.call(method)
        except DeliveryError as error:
            if isinstance(error.__cause__, SlackApiError) and error.__cause__.response.get("error") in missing:
                return None
            raise

    def _connected(self) -> WebClient:
        # Tried again at each call: a secret that can't be read must stop Slack alone, not emails.
        if self._client is None:
            try:
                self._client = self._new_client()
            except (ClientError, BotoCoreError, KeyError, TypeError, ValueError) as error:
                raise DeliveryError(f"the Slack secret can't be read: {type(error).__name__}") from error
        return self._client

    def _refusal(self, error: SlackApiError) -> DeliveryError:
        code = str(error.response.get("error", ""))
        if error.response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            return DeliveryDelayedError("Slack asks to slow down", _retry_after(error))
        if not _CODE.fullmatch(code):  # not Slack's JSON: a proxy's page
            code = f"HTTP {error.response.status_code}"
        if code in STALE:
            self._client = None  # The next call reads the secret again.
        fix = _missing_scope(error) if code == "missing_scope" else _FIXES.get(code)
        reason = f"Slack answered {code}{f': {fix}' if fix else ''}"
        return SlackRefusalError(reason, code) if code in LASTING else DeliveryError(reason)


class ResponseUrls:
    """Answers a command at its response URL.

    The URL is a capability, and it comes from the table, where a function that faces the internet wrote it: it must be
    a command's response URL in the app's own workspace. If the stack's Slack API URL is not Slack's, as in tests, the
    response URL may lead to the same host.
    Source: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
    """

    def __init__(self, api_url: str, client: Callable[[str], WebhookClient]) -> None:
        self._api = urlsplit(api_url)
        self._client = client

    def post(self, url: str, text: str, blocks: Sequence[Block], *, workspace: str) -> None:
        """Show an answer to the user alone. Raises `DeliveryError`, or `DeliveryRefusedError` if the URL has expired.

        `workspace` is the ID of the app's own.
        """
        if not self._is_allowed(url, workspace):
            raise DeliveryRefusedError("an address that is not for an answer in this workspace")
        try:
            answer = self._client(url).send(text=text, blocks=blocks, response_type="ephemeral")
        except (HTTPException, OSError) as error:
            raise DeliveryError(f"Slack can't be reached: {type(error).__name__}") from error
        if answer.status_code == HTTPStatus.OK:
            return
        code = answer.body if _CODE.fullmatch(answer.body) else f"HTTP {answer.status_code}"
        retried = (
            answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        )
        raise (DeliveryError if retried else DeliveryRefusedError)(f"Slack answered {code}")

    def _is_allowed(self, url: str, workspace: str) -> bool:
        if hook := _HOOK.fullmatch(url):
            # On Enterprise Grid it may name the organization instead, whose ids begin with an E.
            return hook["workspace"] == workspace or hook["workspace"].startswith("E")
        address, api = urlsplit(url), self._api
        # Slack's Web API would take the answer for a call in another app's name.
        return not _SLACK.fullmatch(api.hostname or "") and (address.scheme, address.netloc) == (api.scheme, api.netloc)


def webhook_client(url: str) -> WebhookClient:
    """Return Slack's client for a response URL."""
    quiet = logging.getLogger(f"{__name__}.hook")
    quiet.setLevel(logging.WARNING)  # At lower levels the client logs the URL.
    return WebhookClient(url, timeout=TIMEOUT, retry_handlers=[], logger=quiet)


def _missing_scope(error: SlackApiError) -> str:
    needed = str(error.response.get("needed") or "")
    which = needed if _SCOPES.fullmatch(needed) else "all scopes there"
    return f"install the Slack app again from the manifest: it needs {which}"


def _retry_after(error: SlackApiError) -> int:
    """Return the seconds in Slack's Retry-After header.

    Source: https://docs.slack.dev/apis/web-api/rate-limits
    """
    headers = {str(name).lower(): value for name, value in error.response.headers.items()}
    text = str(headers.get("retry-after", ""))
    return int(text) if text.isdigit() else DEFAULT_RETRY_AFTER
