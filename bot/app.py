"""The Slack app's Lambda entry point: a guard in front, then Bolt.

Bolt answers some malformed requests with an error; the guard turns away everything that Slack did not sign first.
"""

from __future__ import annotations

import binascii
import json
import os
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import boto3
from aws_lambda_powertools import Logger
from slack_bolt import App
from slack_bolt.adapter.aws_lambda import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from slack_sdk.signature import Clock, SignatureVerifier

from approvals import settings
from approvals.table import ApprovalTable
from bot.listeners import register_listeners
from bot.secret import SlackSecret, load_secret

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

ApiResponse = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """Environment variables of this function."""

    table_name: str
    slack_secret_arn: str
    slack_api_url: str


class BotHandler:
    """Answers Slack's requests; anything unsigned, stale or malformed gets 401."""

    def __init__(self, app: App, verifier: SignatureVerifier, logger: Logger) -> None:
        self._bolt = SlackRequestHandler(app)
        self._verifier = verifier
        self._logger = logger

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> ApiResponse:
        """Answers an API Gateway proxy event (REST API, payload version 1.0)."""
        headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
        body = _body(event)
        if body is None or not self._signed(body, headers):
            self._logger.warning("refused a request that Slack did not sign, or not in the last 5 minutes")
            return _UNAUTHORIZED
        if not _readable(body, headers):
            self._logger.warning("refused a signed request whose body can't be read")
            return _UNAUTHORIZED
        answer: ApiResponse = self._bolt.handle(
            {"requestContext": {"httpMethod": "POST"}, "headers": headers, "body": body, "isBase64Encoded": False},
            context,
        )
        return answer

    def _signed(self, body: str, headers: Mapping[str, str]) -> bool:
        timestamp = headers.get("x-slack-request-timestamp", "")
        signature = headers.get("x-slack-signature", "")
        if not _TIMESTAMP.fullmatch(timestamp) or not signature.isascii():
            return False  # The verifier raises on these.
        return self._verifier.is_valid(body=body, timestamp=timestamp, signature=signature)


_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_UNAUTHORIZED: ApiResponse = {
    "statusCode": 401,
    "headers": {"Content-Type": "text/plain"},
    "body": "not signed by Slack",
}


def _body(event: Mapping[str, Any]) -> str | None:
    body = event.get("body") or ""
    try:
        text = b64decode(body, validate=True).decode() if event.get("isBase64Encoded") else str(body)
        text.encode()
    except (binascii.Error, UnicodeError):
        return None
    return text


def _readable(body: str, headers: Mapping[str, str]) -> bool:
    """Whether the body is what Bolt expects: JSON, or a form whose `payload`, if any, is JSON; in both an object."""
    payload: str | None = body
    if "json" not in headers.get("content-type", "") and not body.startswith("{"):  # Bolt tells them apart so
        payload = dict(parse_qsl(body, keep_blank_values=True)).get("payload")
    try:
        return payload is None or isinstance(json.loads(payload), dict)
    except ValueError:
        return False


def create_app(
    *, table: ApprovalTable, secret: SlackSecret, api_url: str, clock: Callable[[], datetime], logger: Logger
) -> App:
    """The Bolt app. It records before it acknowledges, and calls Slack neither at start nor on a click."""

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        # Given, so that Bolt does not ask Slack's auth.test who we are.
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=secret.bot_token)

    app = App(
        authorize=authorize,
        signing_secret=secret.signing_secret,
        client=WebClient(base_url=api_url),
        process_before_response=True,
        # The guard has verified the signature, with the injected clock.
        request_verification_enabled=False,
    )
    register_listeners(app, table=table, clock=clock, logger=logger)
    return app


def verifier(secret: SlackSecret, clock: Callable[[], datetime]) -> SignatureVerifier:
    """Checks Slack's signature and its age (at most 300 s)."""

    class InjectedClock(Clock):
        def now(self) -> float:
            return clock().timestamp()

    return SignatureVerifier(secret.signing_secret, InjectedClock())


def build(environ: Mapping[str, str]) -> Callable[[Mapping[str, Any], LambdaContext], ApiResponse]:
    """Builds the handler from the environment, with the AWS clients it uses."""
    config = settings.load(Settings, environ)
    logger = Logger()
    clock = partial(datetime.now, UTC)
    secret = load_secret(boto3.client("secretsmanager"), config.slack_secret_arn)
    if not secret.signing_secret:
        logger.info("Slack is not configured: every request is refused")
        return lambda _event, _context: _UNAUTHORIZED
    table = ApprovalTable(boto3.client("dynamodb"), config.table_name)
    app = create_app(table=table, secret=secret, api_url=config.slack_api_url, clock=clock, logger=logger)
    return BotHandler(app, verifier(secret, clock), logger)


def __getattr__(name: str) -> Callable[[Mapping[str, Any], LambdaContext], ApiResponse]:
    # Lambda looks `handler` up once, in its init phase: clients are built there, and an import alone builds nothing.
    if name == "handler":
        return build(os.environ)
    raise AttributeError(name)
