"""The Slack app's Lambda entry point: a guard in front, then Bolt.

Bolt answers some malformed requests with an error; the guard turns away everything that Slack did not sign first.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from slack_bolt import App, BoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from approvals.adapters import settings
from approvals.adapters.clients import client
from approvals.adapters.failures import described
from approvals.domain.characters import log_json
from approvals.store.items import LISTED
from approvals.store.replies import Replies
from approvals.store.table import ApprovalTable
from bot.client import SlackApi
from bot.credentials import SecretSource, load_secret
from bot.directory import SlackDirectory
from bot.listeners import register_listeners
from bot.listeners.desk import Desk
from bot.request_verification import REFUSED, Guard, claims_signature

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

ApiResponse = dict[str, Any]

TIMEOUT = 2
"""Seconds that Slack may take to open a dialog: what allows it, and the click's acknowledgement, are due after 3."""


LOOK_UP_TIMEOUT = 1
"""Seconds that Slack may take to say who a user is, before the click is acknowledged."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Environment variables of this function."""

    table_name: str
    slack_reply_table_name: str
    slack_secret_arn: str
    slack_api_url: str


class RequestFailedError(Exception):
    """An unexpected error, whose log line was written. Lambda counts it, and Slack warns the person at the button."""


class BotHandler:
    """Answers Slack's requests; anything unsigned, stale or malformed gets 401."""

    def __init__(self, app: App, guard: Guard, logger: Logger) -> None:
        self._app = app
        self._guard = guard
        self._logger = logger

    def __call__(self, event: Mapping[str, Any], _context: LambdaContext) -> ApiResponse:
        """Answer an API Gateway proxy event (REST API, payload version 1.0). Raises `RequestFailedError`.

        What failed is safe to send again: the person can click once more, and Slack repeats an event.
        """
        self._logger.remove_keys(["approval_id"])  # a listener's, of the invocation before
        try:
            return self._answer(event)
        except Exception as error:  # noqa: BLE001 of whatever kind
            self._logger.error("Slack request failed", extra=described(error))  # noqa: TRY400 writes no message
            raise RequestFailedError(type(error).__name__) from None  # so that Lambda writes none either

    def _answer(self, event: Mapping[str, Any]) -> ApiResponse:
        request = self._guard.admit(event)
        if request is None:
            return self._refuse(REFUSED, signed=claims_signature(event))
        try:
            readable = BoltRequest(body=request.body, headers={**request.headers})
        except Exception as error:  # noqa: BLE001 no error of ours: a body that Bolt can't take apart
            return self._refuse(f"refused a signed request that Bolt can't read: {type(error).__name__}", signed=True)
        # Not through Bolt's own adapter for Lambda: it imports boto3, for lazy listeners, of which there are none.
        answer = self._app.dispatch(readable)
        return {"statusCode": answer.status, "headers": answer.first_headers(), "body": answer.body}

    def _refuse(self, reason: str, *, signed: bool) -> ApiResponse:
        self._logger.warning(reason, extra={"signed": signed})
        return {"statusCode": 401, "headers": {"Content-Type": "text/plain"}, "body": "not signed by Slack"}


def create_app(
    *, table: ApprovalTable, secret: SecretSource, api_url: str, clock: Callable[[], datetime], logger: Logger
) -> App:
    """The Bolt app. It records before it acknowledges, and does not call Slack at start.

    A tap that responds calls Slack only where the request names no approvers, to ask whether this is a member.
    """

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        # Given, so that Bolt does not ask Slack's auth.test who we are.
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=secret.current.bot_token)

    # Below the function's own logger, which makes its lines JSON. At DEBUG Bolt and its client write whole requests.
    bolt_logger = logging.getLogger(f"{logger.name}.bolt")
    bolt_logger.setLevel(logging.INFO)
    app = App(
        logger=bolt_logger,
        # Without a name Bolt looks for its caller's: it opens the source of every module on the stack.
        name="human-approval",
        authorize=authorize,
        client=WebClient(base_url=api_url, timeout=TIMEOUT, retry_handlers=[], logger=bolt_logger),
        process_before_response=True,
        # The guard has verified the signature, with the injected clock.
        request_verification_enabled=False,
    )

    def quick_client() -> WebClient:
        return WebClient(token=secret.current.bot_token, base_url=api_url, timeout=LOOK_UP_TIMEOUT, retry_handlers=[])

    directory = SlackDirectory(SlackApi(quick_client))
    desk = Desk(table=table, clock=clock, logger=logger, refresh=secret.refresh, directory=directory)
    register_listeners(app, desk)
    return app


def build(environ: Mapping[str, str]) -> BotHandler:
    """Builds the handler from the environment, with the AWS clients it uses."""
    config = settings.load(Settings, environ)
    logger = Logger(json_serializer=log_json)
    clock = partial(datetime.now, UTC)
    secrets_manager = client("secretsmanager")
    # Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html (reserved variables)
    snapped = environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"
    secret = SecretSource(partial(load_secret, secrets_manager, config.slack_secret_arn), clock, snapped=snapped)
    dynamodb = client("dynamodb")
    replies = Replies(dynamodb, config.slack_reply_table_name)
    table = ApprovalTable(dynamodb, config.table_name, replies=replies, attributes=LISTED)
    app = create_app(table=table, secret=secret, api_url=config.slack_api_url, clock=clock, logger=logger)
    return BotHandler(app, Guard(secret, clock), logger)


def __getattr__(name: str) -> BotHandler:
    # Lambda looks `handler` up once, in its init phase: clients are built there, and an import alone builds nothing.
    if name == "handler":
        return build(os.environ)
    raise AttributeError(name)
