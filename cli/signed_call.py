"""Call the stack's API for responses by IAM, signed with the caller's AWS credentials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError
from urllib3.exceptions import HTTPError

from approvals.domain.model import Json
from cli.context import CommandError, Context

SERVICE = "execute-api"


@dataclass(frozen=True, slots=True)
class Reply:
    """The API's reply: its HTTP status, and what it says."""

    status: int
    message: str
    body: Mapping[str, Any]


def send(context: Context, body: Mapping[str, Json]) -> Reply:
    """Send a response to the stack, and return the reply. Raise `CommandError` if AWS refuses the call."""
    reply = _send(context, json.dumps(body, ensure_ascii=False).encode())
    if reply.status == HTTPStatus.FORBIDDEN and "Message" not in reply.body:  # API Gateway's own: `message`
        raise CommandError(
            "AWS refused the call: your role may not respond by IAM, or belongs to another account. "
            f"Ask for the policy in the stack's output ApproverPolicyArn. {reply.message}".strip()
        )
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise CommandError(f"{reply.message or f'The API answered {reply.status}.'} Repeat the command in a moment.")
    return reply


def _send(context: Context, body: bytes) -> Reply:
    url = context.api_url(context.output("AnswersUrl"))
    credentials = context.session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
    SigV4Auth(credentials.get_frozen_credentials(), SERVICE, context.session.region_name).add_auth(request)
    try:
        answer = context.http.request("POST", url, body=body, headers=dict(request.headers))
    except HTTPError as error:
        raise CommandError(
            f"Can't reach the stack's API: {type(error).__name__}. The response may be recorded. Repeat the command: "
            "the same response is recorded only once."
        ) from error
    try:
        said = json.loads(answer.data)
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    return Reply(answer.status, str(said.get("Message") or said.get("message") or ""), said)
