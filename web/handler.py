"""The pages behind links. GET and HEAD show, POST answers.

In one-click mode GET answers, too, if all of the request stood beside the link, in the email.

A POST without `do` answers what the link says; `do=withdraw` takes an answer back, `do=more-time` moves the deadline.

Answers are plain API Gateway proxy responses: API Gateway has routed by path and method already, and a custom domain's
base path would confuse a router of our own.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from aws_lambda_powertools import Logger

from approvals.adapters.failures import describe_error
from approvals.adapters.step_functions import console_url
from approvals.domain import wording
from approvals.domain.eligibility import Reason, answer_of, responder
from approvals.domain.errors import ConflictError, TooManyConflictsError
from approvals.domain.form_fields import FormValue
from approvals.domain.forms import COMMENT, MAX_COMMENT, YES, Problem, parse
from approvals.domain.judgement import Expiry, ExtensionRequest, Judgement, Verdict, Withdrawal
from approvals.domain.model import Action, Approval, Approver, Presence, Response, Severity, Status
from approvals.domain.profiles import refusal
from approvals.domain.rules import judge
from approvals.domain.signed_links import ALL_SHOWN, approver_of, is_approval_id, query, signed_recipient
from approvals.services.respond import respond
from approvals.store.reading import UnreadableError
from approvals.store.table import ApprovalTable, NotFoundError
from approvals.store.writes import RecordFullError
from web import form_inputs, page_state, pages
from web.form_inputs import FORM_PREFIX, SURE, Typed

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

ApiResponse = dict[str, Any]

MAX_FORM = 800 * 1024
"""Characters of a form as it is sent: a link, a comment and 20 fields take less. What is longer is not looked into."""

MAX_FIELDS = 40
"""Fields of a form as it is sent: a link has 6, a request's form 20 at most, and there are 3 more."""


UNEXPECTED = "unexpected error"
"""What is logged of an error that is nobody's but ours: `CallbackErrorFilter` counts these lines for the alarm."""

_SENT_AGAIN = "You withdrew this response after the page was made. Nothing was recorded: please respond again."

_AGAIN = "Please try again"

_UNUSABLE = "This link can't be used"

_COPY_WHOLE = "Open the link from the email or from Slack again, or copy the complete link."

_UNKNOWN = f"This request was not found, or its record has been deleted. {_COPY_WHOLE}"

_NOT_RECORDED = "Your response is not recorded"
_FULL = "The record of this request has no room left. Shorten what you wrote, or ask for a new request with less text."


class Refused(Exception):  # noqa: N818
    """The request is answered with an error page: its status, and a sentence for the person who sent it."""

    def __init__(self, status: HTTPStatus, sentence: str, heading: str = _UNUSABLE) -> None:
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
    sent: Mapping[str, str]
    """All fields that were sent."""

    @property
    def approver(self) -> Approver:
        """Whom the link was sent to: they are who answers."""
        return approver_of(self.approval, self.recipient)

    @property
    def do(self) -> str:
        """What is asked for beside an answer; empty for the answer."""
        return self.sent.get("do", "")

    def on_page(self, approval: Approval) -> dict[str, str]:
        """The fields that a form on a page about the approval sends back."""
        return {**self.fields, **page_state.seen(approval, self.approver)}


class CallbackHandler:
    """Shows the request, records the answer, shows the outcome."""

    def __init__(self, *, table: ApprovalTable, one_click: bool, clock: Callable[[], datetime], logger: Logger) -> None:
        self._table = table
        self._one_click = one_click
        self._clock = clock
        self._logger = logger

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> ApiResponse:
        """Answer an API Gateway proxy event (REST API, payload version 1.0), an unexpected error by a page, too."""
        try:
            return self._answer_event(event)
        except Exception as error:  # noqa: BLE001 of whatever kind
            # API Gateway's own pages show its id of the request, too: see GatewayResponses in template.yaml.
            request_id = (event.get("requestContext") or {}).get("requestId") or context.aws_request_id
            approval_id = _named_approval(event)
            named = {"approval_id": approval_id, "request_id": request_id}
            self._logger.error(UNEXPECTED, extra={**named, **describe_error(error)})  # noqa: TRY400 writes no message
            page = pages.failure(approval_id, request_id)
            return _page(HTTPStatus.INTERNAL_SERVER_ERROR, page, with_body=event["httpMethod"] != "HEAD")

    def _answer_event(self, event: Mapping[str, Any]) -> ApiResponse:
        method = event["httpMethod"]
        try:
            fields = _form(event) if method == "POST" else _texts(event.get("queryStringParameters") or {})
            link = self._link(fields)
            with self._logger.append_context_keys(approval_id=link.approval.id), self._refused_when_full():
                if method == "POST":
                    return self._act(link)
                if method == "GET" and self._one_click and link.do != pages.LOOK and _needs_nothing_more(link):
                    return self._answer(link, with_one_click=True)
                self._logger.info("page opened")
                return self._show(link, with_body=method != "HEAD")
        except Refused as refused:
            return _page(refused.status, pages.error(refused.sentence, refused.heading), with_body=method != "HEAD")
        except NotFoundError:
            return _page(HTTPStatus.NOT_FOUND, pages.error(_UNKNOWN, _UNUSABLE), with_body=method != "HEAD")
        except TooManyConflictsError:
            return _page(
                HTTPStatus.CONFLICT, pages.error("Many people answered at this moment. Open the link again.", _AGAIN)
            )

    def _link(self, fields: Mapping[str, str]) -> Link:
        if not all(fields.get(name) for name in ("action", "id", "to", "sig")):
            raise Refused(HTTPStatus.BAD_REQUEST, f"A part of it is missing. {_COPY_WHOLE}")
        try:
            action = Action(fields["action"])
        except ValueError:
            raise Refused(HTTPStatus.BAD_REQUEST, f"It asks neither to approve nor to reject. {_COPY_WHOLE}") from None
        if not is_approval_id(fields["id"]):
            raise Refused(HTTPStatus.NOT_FOUND, _UNKNOWN)
        approval = self._table.get(fields["id"])
        recipient = signed_recipient(approval, fields["to"], fields["sig"])
        if recipient is None:
            raise Refused(HTTPStatus.FORBIDDEN, f"The link was changed, so it can't be verified. {_COPY_WHOLE}")
        kept = {name: fields[name] for name in ("action", "ex", "sm", "id", "to", "sig") if name in fields}
        return Link(approval, action, recipient, kept | {"to": recipient}, fields)

    @contextmanager
    def _refused_when_full(self) -> Iterator[None]:
        try:
            yield
        except RecordFullError as error:
            self._logger.exception("response not recorded, the record is full")
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _FULL, _NOT_RECORDED) from error

    def _show(self, link: Link, *, with_body: bool = True) -> ApiResponse:
        # Only a look: an approval that is overdue is shown as expired, and left for the clock or an answer to expire.
        # Who may not answer is told so, and what they did not try is not noted.
        approval = judge(link.approval, Expiry(self._clock())).approval
        if approval.status is not Status.PENDING:
            return self._outcome(approval, link, with_body=with_body)
        person = responder(approval, link.approver)
        if isinstance(person, Reason):
            return self._not_allowed(approval, person, _why_not(approval, person), with_body=with_body)
        if answer_of(approval, person):
            return self._recorded(approval, link, with_body=with_body)
        return _page(HTTPStatus.OK, self._confirm(approval, link), with_body=with_body)

    def _confirm(self, approval: Approval, link: Link, typed: Typed | None = None, note: str = "") -> str:
        fields, typed, now = link.on_page(approval), typed or Typed(), self._clock()
        return pages.confirm(approval, link.action, fields, now=now, typed=typed, note=note)

    def _recorded(self, approval: Approval, link: Link, *, with_body: bool = True) -> ApiResponse:
        """To somebody whose answer stands while the request waits: 200, or 409 when the link says the other answer."""
        person = responder(approval, link.approver)
        standing = None if isinstance(person, Reason) else answer_of(approval, person)
        if standing is None:
            raise ValueError(f"approval {approval.id} has no answer of theirs")
        agreed = standing.action is link.action
        note = "" if agreed else f"To {link.action} it instead, withdraw your response first."
        page = pages.recorded(approval, standing, link.on_page(approval), now=self._clock(), note=note)
        return _page(HTTPStatus.OK if agreed else HTTPStatus.CONFLICT, page, with_body=with_body)

    def _outcome(self, approval: Approval, link: Link, *, with_body: bool = True) -> ApiResponse:
        page = pages.outcome(approval, link.action, link.recipient, self._newer(approval, link))
        return _page(_outcome_status(approval, link.action), page, with_body=with_body)

    def _newer(self, approval: Approval, link: Link) -> str | None:
        """The same recipient's link for the request that took this one's place. The old link's signature earned it."""
        if approval.decision is None or approval.decision.superseded_by is None:
            return None
        try:
            newer = self._table.get(approval.decision.superseded_by)
        except (NotFoundError, UnreadableError):
            return None
        return f"execution?{query(newer, link.action, link.recipient)}"

    def _not_allowed(self, approval: Approval, reason: Reason, sentence: str, *, with_body: bool = True) -> ApiResponse:
        too_early = reason is Reason.TOO_EARLY
        page = pages.not_allowed(approval, sentence, too_early=too_early, now=self._clock())
        return _page(HTTPStatus.CONFLICT if too_early else HTTPStatus.FORBIDDEN, page, with_body=with_body)

    def _act(self, link: Link) -> ApiResponse:
        match link.do:
            case "":
                return self._answer(link)
            case pages.WITHDRAW:
                key = f"withdraw:{page_state.withdrawal_state(link.sent)}"
                return self._change(link, Withdrawal(link.approver, self._clock(), key), "withdraw your response")
            case pages.MORE_TIME:
                key = f"extend:{page_state.extension_state(link.sent)}"
                return self._change(link, ExtensionRequest(link.approver, self._clock(), key), "extend the deadline")
            case _:
                sentence = "It asks for something that is not known here. Open the link again."
                raise Refused(HTTPStatus.BAD_REQUEST, sentence, "That did not work")

    def _change(self, link: Link, event: Withdrawal | ExtensionRequest, what: str) -> ApiResponse:
        """Takes back an answer, or moves the deadline. Where there is nothing to do, all is as it was asked for."""
        judgement = respond(self._table, link.approval, event)
        self._log(judgement, link.do)
        approval = judgement.approval
        if judgement.reason:
            return self._not_allowed(
                approval, judgement.reason, str(wording.refusal_reason(approval, judgement.reason))
            )
        if approval.status is Status.PENDING:
            return self._back(link)
        note = f"It is too late to {what}."
        page = pages.outcome(approval, link.action, link.recipient, self._newer(approval, link), note)
        return _page(_OUTCOME_CODES.get(approval.status, HTTPStatus.CONFLICT), page)

    def _answer(self, link: Link, *, with_one_click: bool = False) -> ApiResponse:
        values, problems = ({}, {}) if with_one_click else _filled_in(link)
        comment = None if with_one_click else _comment(link.sent) or None
        key = f"respond:{page_state.withdrawal_state(link.sent)}"
        response = Response(
            approver=link.approver, action=link.action, at=self._clock(), comment=comment, form=values, key=key
        )
        judgement = self._record(link, response, flawed=bool(problems))
        self._log(judgement, link.action)
        return self._answered(link, judgement, problems, with_one_click=with_one_click)

    def _record(self, link: Link, response: Response, *, flawed: bool) -> Judgement:
        """Records the answer, unless it has flaws that only a page can have: where it would count, it does not then."""
        approval = link.approval
        outdated = page_state.is_outdated(approval, response.approver, link.sent)
        if not flawed and not outdated:
            return respond(self._table, approval, response)
        judgement = judge(approval, response)
        if judgement.verdict in (Verdict.DECIDED, Verdict.COUNTED, Verdict.INCOMPLETE):
            verdict = Verdict.ALREADY_USED if outdated else Verdict.INCOMPLETE
            return Judgement(verdict, approval, changed=False, problems=judgement.problems)
        if judgement.changed:
            # Not `respond`: judged anew against another version, the answer could count with its flaws.
            try:
                self._table.save(judgement.approval)
            except ConflictError:
                sentence = "The request changed just now. Open the link again."
                raise Refused(HTTPStatus.CONFLICT, sentence, "Please try again") from None
        return judgement

    def _answered(  # noqa: PLR0911 one of many verdicts
        self, link: Link, judgement: Judgement, problems: Mapping[str, str], *, with_one_click: bool
    ) -> ApiResponse:
        approval = judgement.approval
        match judgement.verdict:
            case Verdict.INCOMPLETE:
                typed = Typed(link.sent, {**_by_input(judgement.problems), **problems})
                return _page(HTTPStatus.BAD_REQUEST, self._confirm(approval, link, typed))
            case Verdict.ALREADY_USED:
                return _page(HTTPStatus.CONFLICT, self._confirm(approval, link, note=_SENT_AGAIN))
            case Verdict.NOT_ALLOWED if judgement.reason:
                return self._not_allowed(
                    approval, judgement.reason, str(wording.refusal_reason(approval, judgement.reason))
                )
            case Verdict.ANSWERED_OTHERWISE:
                return self._recorded(approval, link)
            case Verdict.DECIDED | Verdict.REPEATED if with_one_click and approval.decision:
                # Not after a POST: the pages' policy lets no form end elsewhere, and browsers hold redirects to it.
                return _redirect(HTTPStatus.FOUND, console_url(approval.workflow.execution_arn))
            case Verdict.COUNTED | Verdict.REPEATED if with_one_click:
                return self._recorded(approval, link)
            case Verdict.DECIDED | Verdict.COUNTED | Verdict.REPEATED:
                return self._back(link)
            case _:
                return self._outcome(approval, link)

    def _back(self, link: Link) -> ApiResponse:
        # Relative: the function needs not know under which domain and base path it is reached. In one-click mode the
        # link itself would answer (again).
        fields = {**link.fields, "do": pages.LOOK} if self._one_click else link.fields
        return _redirect(HTTPStatus.SEE_OTHER, f"execution?{urlencode(fields)}")

    def _log(self, judgement: Judgement, action: str) -> None:
        verdict = judgement.verdict.value
        self._logger.info("answer on the page", extra={"action": str(action), "verdict": verdict})


_OUTCOME_CODES = {Status.EXPIRED: HTTPStatus.GONE, Status.CANCELLED: HTTPStatus.GONE}


def _outcome_status(approval: Approval, action: Action) -> HTTPStatus:
    agreed = approval.status is action.status
    return _OUTCOME_CODES.get(approval.status, HTTPStatus.OK if agreed else HTTPStatus.CONFLICT)


def _why_not(approval: Approval, reason: Reason) -> str:
    """What somebody is told who only looks: no answer of theirs was refused."""
    if reason is Reason.TOO_EARLY:
        return "It is being found out who may answer. Please open the link again in a moment."
    if reason is Reason.NOT_A_MEMBER:  # "Anybody who was asked may answer" would say that they may.
        return f"{refusal(reason)} The request still waits."
    why = {Reason.OWN_REQUEST: f"{wording.OWN_REQUEST} ", Reason.SHARED_ADDRESS: f"{wording.SHARED_ADDRESS} "}
    return f"{why.get(reason, '')}{wording.rules_sentence(approval)} The request still waits."


def _needs_nothing_more(link: Link) -> bool:
    """Whether a click alone can be the whole answer: with all of the request, a form included, beside the link."""
    request = link.approval.request
    all_shown = bool(link.sent.get(ALL_SHOWN)) and link.approver.realm is None
    return (
        all_shown
        and request.severity is Severity.NORMAL
        and request.comments[link.action] is not Presence.REQUIRED
        and not request.form
    )


def _filled_in(link: Link) -> tuple[dict[str, FormValue], dict[str, str]]:
    """The values of the request's form, and by the name of its input whatever no rule of an approval knows of."""
    request = link.approval.request
    problems: dict[str, str] = {}
    values: dict[str, FormValue] = {}
    if link.action is Action.APPROVE:
        sent = {field.name: link.sent.get(f"{FORM_PREFIX}{field.name}", "") for field in request.form}
        values, found = parse(request.form, sent)
        problems = {f"{FORM_PREFIX}{problem.field}": problem.text for problem in found}
    length = len(_comment(link.sent))
    if length > MAX_COMMENT and request.comments[link.action] is not Presence.OFF:
        problems[form_inputs.COMMENT] = f"It has {length:,} characters; at most {MAX_COMMENT:,} fit. Please shorten it."
    if request.severity is Severity.HIGH and link.sent.get(SURE) != YES:
        problems[SURE] = f"This request is of high severity. Please tick the box to {link.action}."
    return values, problems


def _by_input(problems: tuple[Problem, ...]) -> dict[str, str]:
    """The problems by the name of the input. No field of a form is called as the comment is."""
    return {
        form_inputs.COMMENT if problem.field == COMMENT else f"{FORM_PREFIX}{problem.field}": problem.text
        for problem in problems
    }


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
        return _texts(dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)))
    except ValueError:  # not base64, not UTF-8, or more fields than any form of ours has
        raise Refused(
            HTTPStatus.BAD_REQUEST, "The form could not be read. Open the link again.", "That did not work"
        ) from None


def _named_approval(event: Mapping[str, Any]) -> str:
    """The id of the approval that a request is about, as far as it can be told; else empty."""
    try:
        fields = _form(event) if event["httpMethod"] == "POST" else event.get("queryStringParameters") or {}
    except Refused:
        return ""
    found = str(fields.get("id", ""))
    return found if is_approval_id(found) else ""


def _texts(fields: Mapping[str, str]) -> dict[str, str]:
    try:
        for text in fields.values():
            text.encode()
    except UnicodeEncodeError:
        raise Refused(HTTPStatus.BAD_REQUEST, f"It can't be read. {_COPY_WHOLE}") from None
    return dict(fields)


def _comment(fields: Mapping[str, str]) -> str:
    # Browsers send line breaks as CR LF, and count them as one character.
    return fields.get(form_inputs.COMMENT, "").replace("\r\n", "\n").strip()
