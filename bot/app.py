"""The Slack app: verification of Slack's signature, then Bolt's adapter for Lambda.

Bolt answers some malformed requests with an error, so they are refused before it sees them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from slack_bolt import App, BoltContext, BoltRequest
from slack_bolt.adapter.aws_lambda import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from approvals.adapters.failures import describe_error
from approvals.store.table import ApprovalTable
from bot.client import SlackApi
from bot.credentials import SecretSource
from bot.directory import SlackDirectory
from bot.listeners import register_listeners
from bot.listeners.payloads import is_dispatchable
from bot.listeners.recorder import Recorder
from bot.request_verification import REFUSED, RequestVerifier, has_signature, is_certificate_check

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

ApiResponse = dict[str, Any]

TIMEOUT = 2
"""Seconds that Slack may take to open a dialog: its trigger and the click's acknowledgement are due after 3."""

LOOK_UP_TIMEOUT = 1
"""Seconds that Slack may take to look up a user, before the click is acknowledged."""


class RequestFailedError(Exception):
    """An unexpected error, already logged. Lambda counts it, and Slack shows the person a warning."""


class BotHandler:
    """Answer Slack's requests by Bolt's adapter; refuse unsigned, stale and malformed ones with 401.

    Only a check of the address's certificate needs no signature, and has no effect.
    """

    def __init__(self, app: App, verifier: RequestVerifier, logger: Logger) -> None:
        self._adapter = SlackRequestHandler(app)
        self._verifier = verifier
        self._logger = logger

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> ApiResponse:
        """Answer an API Gateway proxy event (REST API, payload version 1.0). Raises `RequestFailedError`.

        Every request can be sent again: the person clicks once more, and Slack repeats an event.
        """
        self._logger.remove_keys(["approval_id"])  # A listener of the invocation before appended it.
        if is_certificate_check(event):
            return {"statusCode": 200, "body": ""}
        try:
            request = self._verifier.verify(event)
            if request is None:
                return self._refuse(REFUSED, signed=has_signature(event))
            if not is_dispatchable(request):
                return self._refuse("refused a signed request that Bolt can't read", signed=True)
            answer: ApiResponse = self._adapter.handle(request, context)  # type: ignore[no-untyped-call]
        except Exception as error:  # noqa: BLE001 of any kind
            self._logger.error("Slack request failed", extra=describe_error(error))  # noqa: TRY400 writes no message
            raise RequestFailedError(type(error).__name__) from None  # so that Lambda writes none either
        return answer

    def _refuse(self, reason: str, *, signed: bool) -> ApiResponse:
        self._logger.warning(reason, extra={"signed": signed})
        return {"statusCode": 401, "headers": {"Content-Type": "text/plain"}, "body": "not signed by Slack"}


def create_app(
    *, table: ApprovalTable, secret: SecretSource, api_url: str, clock: Callable[[], datetime], logger: Logger
) -> App:
    """Return the Bolt app. It records before it acknowledges, and calls Slack neither at start nor for most clicks.

    It asks Slack who a person is only where a request names no approvers: then workspace members can respond.
    """

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        # Without it, Bolt asks Slack's auth.test. It passes the IDs by these names.
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=secret.current.bot_token)

    # A child of the function's logger, which makes its lines JSON. At DEBUG Bolt and its client write whole requests.
    bolt_logger = logging.getLogger(f"{logger.name}.bolt")
    bolt_logger.setLevel(logging.INFO)
    app = App(
        logger=bolt_logger,
        # Without a name Bolt looks for its caller's: it opens the source of every module on the stack.
        name="human-approval",
        authorize=authorize,
        client=WebClient(base_url=api_url, timeout=TIMEOUT, retry_handlers=[], logger=bolt_logger),
        process_before_response=True,
        # `RequestVerifier` has verified the signature, with the injected clock.
        request_verification_enabled=False,
    )

    def quick_client() -> WebClient:
        return WebClient(token=secret.current.bot_token, base_url=api_url, timeout=LOOK_UP_TIMEOUT, retry_handlers=[])

    recorder = Recorder(table, SlackDirectory(SlackApi(quick_client)), secret.refresh, logger)

    def provide(context: BoltContext, request: BoltRequest, next_: Callable[[], object]) -> None:
        # Bolt injects the context's values into listeners, by name. `logger` is its own there, to which nobody can
        # append keys.
        context["table"] = table
        context["now"] = clock()
        context["sent_at"] = datetime.fromtimestamp(int(request.headers["x-slack-request-timestamp"][0]), UTC)
        context["log"] = logger
        context["recorder"] = recorder
        context["refresh_secret"] = secret.refresh
        next_()

    app.middleware(provide)
    register_listeners(app)
    return app
