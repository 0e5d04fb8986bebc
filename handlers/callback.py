"""The pages behind the links in mails. GET and HEAD show, POST decides; in one-click mode GET decides too.

Answers are plain API Gateway proxy responses: API Gateway has routed by path and method already, and a custom domain's
base path would confuse a router of our own.
"""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import boto3
from aws_lambda_powertools import Logger

from approvals import settings
from approvals.clients import CONFIG
from approvals.links import is_approval_id, query, verify
from approvals.model import Action, Approval, Approver, Channel, Response, Status
from approvals.respond import respond
from approvals.rules import Expiry, Judgement, Verdict, judge
from approvals.table import ApprovalTable, NotFound
from approvals.workflow import console_url
from handlers import pages

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

ApiResponse = dict[str, Any]

MAX_COMMENT = 1000
"""Characters of a comment."""

MAX_FORM = 64 * 1024
"""Characters of a form as it is sent: far more than a link and a comment take. What is longer is not looked into."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Environment variables of this function."""

    table_name: str
    email_link_mode: str


class Refused(Exception):  # noqa: N818
    """The request is answered with an error page: its status, and a sentence for the person who sent it."""

    def __init__(self, status: HTTPStatus, sentence: str, heading: str = "This link can't be used") -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.heading = heading


@dataclass(frozen=True, slots=True)
class Link:
    """A link whose signature was found right: who may answer what."""

    approval: Approval
    action: Action
    recipient: str
    fields: Mapping[str, str]
    """The link's own fields, to lead back to it."""


class CallbackHandler:
    """Shows the request, records the answer, shows the outcome."""

    def __init__(self, *, table: ApprovalTable, one_click: bool, clock: Callable[[], datetime], logger: Logger) -> None:
        self._table = table
        self._one_click = one_click
        self._clock = clock
        self._logger = logger

    def __call__(self, event: Mapping[str, Any], _context: LambdaContext) -> ApiResponse:
        """Answers an API Gateway proxy event (REST API, payload version 1.0)."""
        method = event["httpMethod"]
        try:
            fields = _form(event) if method == "POST" else _texts(event.get("queryStringParameters") or {})
            link = self._link(fields)
            with self._logger.append_context_keys(approval_id=link.approval.id):
                if method == "POST" or (method == "GET" and self._one_click):
                    return self._decide(link, _comment(fields))
                return self._show(link, with_body=method != "HEAD")
        except Refused as refused:
            return _page(refused.status, pages.error(refused.sentence, refused.heading), with_body=method != "HEAD")

    def _link(self, fields: Mapping[str, str]) -> Link:
        if not all(fields.get(name) for name in ("action", "id", "to", "sig")):
            raise Refused(HTTPStatus.BAD_REQUEST, f"A part of it is missing. {_COPY_WHOLE}")
        try:
            action = Action(fields["action"])
        except ValueError:
            raise Refused(HTTPStatus.BAD_REQUEST, f"It asks neither to approve nor to reject. {_COPY_WHOLE}") from None
        approval = self._approval(fields["id"])
        if not verify(approval, fields["to"], fields["sig"]):
            raise Refused(HTTPStatus.FORBIDDEN, f"It was changed on its way to you. {_COPY_WHOLE}")
        kept = {name: fields[name] for name in ("action", "ex", "sm", "id", "to", "sig") if name in fields}
        return Link(approval, action, fields["to"], kept)

    def _approval(self, approval_id: str) -> Approval:
        unknown = Refused(HTTPStatus.NOT_FOUND, f"There is no request behind it, or no longer. {_COPY_WHOLE}")
        if not is_approval_id(approval_id):
            raise unknown
        try:
            return self._table.get(approval_id)
        except NotFound:
            raise unknown from None

    def _show(self, link: Link, *, with_body: bool) -> ApiResponse:
        approval = link.approval
        # Only a look: an approval that is overdue is shown as expired, and left for the clock or an answer to expire.
        approval = judge(approval, Expiry(self._clock())).approval
        if approval.status is Status.PENDING:
            page = pages.confirm(approval, link.action, link.fields, max_comment=MAX_COMMENT)
            return _page(HTTPStatus.OK, page, with_body=with_body)
        return self._outcome(approval, link, with_body=with_body)

    def _outcome(self, approval: Approval, link: Link, *, with_body: bool = True) -> ApiResponse:
        page = pages.outcome(approval, link.action, self._newer(approval, link))
        return _page(_outcome_status(approval, link.action), page, with_body=with_body)

    def _newer(self, approval: Approval, link: Link) -> str | None:
        """The same recipient's link for the request that took this one's place. The old link's signature earned it."""
        if approval.decision is None or approval.decision.superseded_by is None:
            return None
        try:
            newer = self._table.get(approval.decision.superseded_by)
        except NotFound:
            return None
        return f"execution?{query(newer, link.action, link.recipient)}"

    def _decide(self, link: Link, comment: str | None) -> ApiResponse:
        approver = Approver(id=link.recipient, name=link.recipient, channel=Channel.EMAIL)
        response = Response(approver=approver, action=link.action, at=self._clock(), comment=comment)
        judgement = respond(self._table, link.approval, response)
        self._log(judgement, link.action)
        if judgement.verdict not in (Verdict.DECIDED, Verdict.REPEATED):
            return self._outcome(judgement.approval, link)
        if self._one_click:
            return _redirect(HTTPStatus.FOUND, console_url(link.approval.workflow.execution_arn))
        # Relative: the function needs not know under which domain and base path it is reached.
        return _redirect(HTTPStatus.SEE_OTHER, f"execution?{urlencode(link.fields)}")

    def _log(self, judgement: Judgement, action: Action) -> None:
        verdict = judgement.verdict.value
        self._logger.info("answer by email", extra={"action": action.value, "verdict": verdict})


_COPY_WHOLE = "Open it from the mail again, or copy the whole of it."

_OUTCOME_CODES = {Status.EXPIRED: HTTPStatus.GONE, Status.CANCELLED: HTTPStatus.GONE}


def _outcome_status(approval: Approval, action: Action) -> HTTPStatus:
    agreed = approval.status is action.status
    return _OUTCOME_CODES.get(approval.status, HTTPStatus.OK if agreed else HTTPStatus.CONFLICT)


def _page(status: HTTPStatus, html: str, *, with_body: bool = True) -> ApiResponse:
    return {"statusCode": status.value, "headers": pages.HEADERS, "body": html if with_body else ""}


def _redirect(status: HTTPStatus, location: str) -> ApiResponse:
    return {"statusCode": status.value, "headers": {**pages.HEADERS, "Location": location}, "body": ""}


def _form(event: Mapping[str, Any]) -> dict[str, str]:
    body = event.get("body") or ""
    if len(body) > MAX_FORM:
        raise Refused(HTTPStatus.BAD_REQUEST, "What was sent is too long. Go back and shorten it.", "That did not work")
    try:
        raw = b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        return _texts(dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=20)))
    except ValueError:  # not base64, not UTF-8, or more fields than any form of ours has
        raise Refused(
            HTTPStatus.BAD_REQUEST, "The form could not be read. Open the link again.", "That did not work"
        ) from None


def _texts(fields: Mapping[str, str]) -> dict[str, str]:
    try:
        for text in fields.values():
            text.encode()
    except UnicodeEncodeError:
        raise Refused(HTTPStatus.BAD_REQUEST, f"It can't be read. {_COPY_WHOLE}") from None
    return dict(fields)


def _comment(fields: Mapping[str, str]) -> str | None:
    # Browsers send line breaks as CR LF, and count them as one character.
    comment = fields.get("comment", "").replace("\r\n", "\n").strip()
    if len(comment) > MAX_COMMENT:
        sentence = f"The comment has {len(comment):,} characters; at most {MAX_COMMENT:,} fit. Go back and shorten it."
        raise Refused(HTTPStatus.BAD_REQUEST, sentence, "The comment is too long")
    return comment or None


def build(environ: Mapping[str, str]) -> CallbackHandler:
    """Builds the handler from the environment, with the AWS clients it uses."""
    config = settings.load(Settings, environ)
    return CallbackHandler(
        table=ApprovalTable(boto3.client("dynamodb", config=CONFIG), config.table_name),
        one_click=config.email_link_mode == "one-click",
        clock=partial(datetime.now, UTC),
        logger=Logger(),
    )


def __getattr__(name: str) -> CallbackHandler:
    # Lambda looks `handler` up once, in its init phase: clients are built there, and an import alone builds nothing.
    if name == "handler":
        return build(os.environ)
    raise AttributeError(name)
