"""The pages behind links: GET and HEAD show the request, POST responds.

In one-click mode, GET responds too if the email showed all of the request beside the link.

A POST without the field `do` responds as the link says; `do=withdraw` withdraws the response, and `do=more-time`
extends the deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aws_lambda_powertools import Logger

from approvals.adapters.failures import describe_error
from approvals.adapters.step_functions import console_url
from approvals.domain import form_wording, policy_change_wording, wording
from approvals.domain.eligibility import Reason, answer_of, responder
from approvals.domain.errors import ConflictError, TooManyConflictsError
from approvals.domain.judgement import Expiry, ExtensionRequest, Judgement, Verdict, Withdrawal
from approvals.domain.kind_wording import words_of
from approvals.domain.model import Approval, Response, Status
from approvals.domain.profiles import refusal
from approvals.domain.refusal_wording import WHY, refusal_reason
from approvals.domain.rules import judge
from approvals.domain.seats import find_seat
from approvals.domain.signed_links import is_approval_id, query
from approvals.services.respond import respond
from approvals.store.reading import UnreadableError
from approvals.store.table import ApprovalTable, NotFoundError
from approvals.store.writes import RecordFullError
from web import form_inputs, pages
from web.form_inputs import Typed
from web.http import COPY_WHOLE, NOT_RECORDED, UNUSABLE, ApiResponse, PageError, page, redirect, sent_fields
from web.link import Link, read_link

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

UNEXPECTED = "unexpected error"
"""The log message of an error in our own code. `CallbackErrorFilter` counts these lines for the alarm."""

_WOULD_COUNT = (Verdict.DECIDED, Verdict.COUNTED, Verdict.RESET, Verdict.OUTDATED, Verdict.INCOMPLETE)
_SENT_AGAIN = "Nothing was recorded: you withdrew a response after this page was opened. Respond again if you want to."
_UNKNOWN = f"This request was not found, or its record has been deleted. {COPY_WHOLE}"
_CHANGED = "Several people responded at the same moment, and your response was not recorded. Open the link again."
_FULL = "The record of this request is full. Shorten what you wrote, or ask for a new request with less text."


class CallbackHandler:
    """Shows the request, records the response, and shows the outcome."""

    def __init__(self, *, table: ApprovalTable, one_click: bool, clock: Callable[[], datetime], logger: Logger) -> None:
        self._table = table
        self._one_click = one_click
        self._clock = clock
        self._logger = logger

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> ApiResponse:
        """Return the response to an API Gateway proxy event. An unexpected error is a page, too."""
        try:
            response = self._response(event)
        except Exception as error:  # noqa: BLE001 any error at all
            # API Gateway's own pages show its id of the request as well: see GatewayResponses in template.yaml.
            request_id = (event.get("requestContext") or {}).get("requestId") or context.aws_request_id
            approval_id = _approval_id(event)
            extra = {"approval_id": approval_id, "request_id": request_id, **describe_error(error)}
            self._logger.error(UNEXPECTED, extra=extra)  # noqa: TRY400 its message may hold a secret
            response = page(HTTPStatus.INTERNAL_SERVER_ERROR, pages.failure(approval_id, request_id))
        return {**response, "body": ""} if event["httpMethod"] == "HEAD" else response

    def _response(self, event: Mapping[str, Any]) -> ApiResponse:
        try:
            link = read_link(sent_fields(event), self._table)
            with self._logger.append_context_keys(approval_id=link.approval.id):
                return self._response_to(link, event["httpMethod"])
        except PageError as error:
            return page(error.status, pages.error(error.sentence, error.heading))
        except NotFoundError:
            return page(HTTPStatus.NOT_FOUND, pages.error(_UNKNOWN, UNUSABLE))
        except (ConflictError, TooManyConflictsError):
            return page(HTTPStatus.CONFLICT, pages.error(_CHANGED, "Try again"))

    def _response_to(self, link: Link, method: str) -> ApiResponse:
        try:
            if method == "POST":
                return self._act(link)
            if method == "GET" and self._one_click and link.do != pages.LOOK and link.can_respond_alone:
                return self._respond(link, with_one_click=True)
        except RecordFullError as error:
            self._logger.exception("response not recorded, the record is full")
            raise PageError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _FULL, "Your response is not recorded") from error
        self._logger.info("page opened")
        return self._show(link)

    def _show(self, link: Link) -> ApiResponse:
        """Return the page for the approval as it is now."""
        # An overdue approval is shown as expired, and left to the scheduler or a response to expire.
        approval = judge(link.approval, Expiry(self._clock())).approval
        if approval.decision:
            return self._outcome(replace(link, approval=approval))
        person = responder(approval, link.approver)
        if isinstance(person, Reason):
            return self._not_allowed(link, person, tried=False)
        if response := answer_of(approval, person):
            return self._recorded(link, response)
        seat = find_seat(approval, person, link.approver, self._clock())
        if isinstance(seat, Reason):
            return self._not_allowed(link, seat, tried=False)
        return self._confirm(link, HTTPStatus.OK)

    def _confirm(self, link: Link, status: HTTPStatus, typed: Typed | None = None, note: str = "") -> ApiResponse:
        html = pages.confirm(link.approval, link.action, link.page_fields, now=self._clock(), typed=typed, note=note)
        return page(status, html)

    def _recorded(self, link: Link, response: Response) -> ApiResponse:
        """Return the page for a person who has responded: 200, or 409 if the link stands for the other response."""
        agreed = response.action is link.action
        words = words_of(link.approval)
        note = f"To {words.verbs[link.action]} this {words.request}, first withdraw your response."
        html = pages.recorded(link.approval, response, link.page_fields, now=self._clock(), note="" if agreed else note)
        return page(HTTPStatus.OK if agreed else HTTPStatus.CONFLICT, html)

    def _outcome(self, link: Link, note: str = "") -> ApiResponse:
        """Return the page for a decided approval: 200 only if the link stands for that decision."""
        status = HTTPStatus.OK if link.approval.status is link.action.status and not note else HTTPStatus.CONFLICT
        if link.approval.status in (Status.EXPIRED, Status.CANCELLED):
            status = HTTPStatus.GONE
        return page(status, pages.outcome(link.approval, link.action, link.recipient, self._newer(link), note))

    def _newer(self, link: Link) -> str | None:
        """Return the recipient's link to the request that superseded this one."""
        decision = link.approval.decision
        if decision is None or decision.superseded_by is None:
            return None
        try:
            newer = self._table.get(decision.superseded_by)
        except (NotFoundError, UnreadableError):
            return None
        return f"execution?{query(newer, link.action, link.recipient)}"

    def _not_allowed(self, link: Link, reason: Reason, *, tried: bool = True) -> ApiResponse:
        too_early = reason is Reason.TOO_EARLY
        sentence = str(refusal_reason(link.approval, reason)) if tried else _why_not(link.approval, reason)
        html = pages.not_allowed(link.approval, sentence, too_early=too_early, now=self._clock())
        return page(HTTPStatus.CONFLICT if too_early else HTTPStatus.FORBIDDEN, html)

    def _act(self, link: Link) -> ApiResponse:
        match link.do:
            case "":
                return self._respond(link)
            case pages.WITHDRAW:
                key = f"withdraw:{link.withdrawal_state}"
                return self._change(link, Withdrawal(link.approver, self._clock(), key), "withdraw your response")
            case pages.MORE_TIME:
                key = f"extend:{link.extension_state}"
                return self._change(link, ExtensionRequest(link.approver, self._clock(), key), "extend the deadline")
            case _:
                sentence = "The page sent an unknown action. Open the link again."
                raise PageError(HTTPStatus.BAD_REQUEST, sentence, NOT_RECORDED)

    def _change(self, link: Link, event: Withdrawal | ExtensionRequest, what: str) -> ApiResponse:
        """Withdraw the response or extend the deadline. A repeat leads back to the page and changes nothing."""
        judgement = respond(self._table, link.approval, event)
        link = self._judged(link, judgement, link.do)
        if judgement.reason:
            return self._not_allowed(link, judgement.reason)
        if link.approval.decision is None:
            return self._back(link)
        return self._outcome(link, f"You can no longer {what}: the {words_of(link.approval).request} is closed.")

    def _respond(self, link: Link, *, with_one_click: bool = False) -> ApiResponse:
        sent = {} if with_one_click else link.sent
        values, comment, problems = form_inputs.read(link.approval, link.action, sent)
        key = f"respond:{link.withdrawal_state}"
        response = Response(
            approver=link.approver,
            action=link.action,
            at=self._clock(),
            comment=comment,
            form=values,
            key=key,
            seen=link.shown_values,
        )
        judgement = self._record(link, response, flawed=bool(problems))
        link = self._judged(link, judgement, link.action)
        match judgement.verdict:
            case Verdict.INCOMPLETE | Verdict.OUTDATED | Verdict.ALREADY_USED:
                return self._ask_again(link, response, judgement, problems)
            case Verdict.NOT_ALLOWED if judgement.reason:
                return self._not_allowed(link, judgement.reason)
            case Verdict.DECIDED | Verdict.COUNTED | Verdict.RESET | Verdict.REPEATED if not with_one_click:
                return self._back(link)
            case Verdict.DECIDED | Verdict.REPEATED if link.approval.decision:
                # Only after GET: the pages' policy lets a form end on no other site, redirects included.
                return redirect(HTTPStatus.FOUND, console_url(link.approval.workflow.execution_arn))
            case _:
                return self._show(link)

    def _ask_again(
        self, link: Link, response: Response, judgement: Judgement, problems: Mapping[str, str]
    ) -> ApiResponse:
        """Return the page with what the person sent, and why it is not recorded."""
        if judgement.verdict is Verdict.INCOMPLETE:
            typed = Typed(link.sent, {**form_inputs.by_input(judgement.problems), **problems})
            return self._confirm(link, HTTPStatus.BAD_REQUEST, typed)
        if judgement.verdict is Verdict.OUTDATED:
            differences = form_wording.differences(link.approval, response)
            typed = Typed(link.sent, form_inputs.by_name(differences))
            return self._confirm(link, HTTPStatus.CONFLICT, typed, form_wording.outdated_sentence(link.approval))
        note = policy_change_wording.outdated_notice(link.approval, link.approver) or _SENT_AGAIN
        return self._confirm(link, HTTPStatus.CONFLICT, note=note)

    def _record(self, link: Link, response: Response, *, flawed: bool) -> Judgement:
        """Record the response. If it has problems that only a page can have, it does not count."""
        if not flawed and not link.is_outdated:
            return respond(self._table, link.approval, response)
        judgement = judge(link.approval, response)
        if judgement.verdict in _WOULD_COUNT:
            verdict = Verdict.ALREADY_USED if link.is_outdated else Verdict.INCOMPLETE
            return Judgement(verdict, link.approval, changed=False, problems=judgement.problems)
        if judgement.changed:
            # Not `respond`: it would judge again at a conflict, and the response could count despite its problems.
            self._table.save(judgement.approval)
        return judgement

    def _judged(self, link: Link, judgement: Judgement, action: str) -> Link:
        """Log what became of a response or a change. Return the link with the approval as it is now."""
        self._logger.info("response on the page", extra={"action": str(action), "verdict": judgement.verdict.value})
        return replace(link, approval=judgement.approval)

    def _back(self, link: Link) -> ApiResponse:
        # Relative: the function does not know its domain and base path. In one-click mode, the link alone responds.
        fields = {**link.fields, "do": pages.LOOK} if self._one_click else link.fields
        return redirect(HTTPStatus.SEE_OTHER, f"execution?{urlencode(fields)}")


def _why_not(approval: Approval, reason: Reason) -> str:
    """Return why a person can't respond, for a page that they only open: they have sent no response."""
    if reason is Reason.TOO_EARLY:
        return "The approvers are still being looked up. Open the link again in a moment."
    if reason is Reason.NOT_A_MEMBER:  # "Anyone who receives this request can respond" would say that they can.
        return f"{refusal(reason)} {wording.still_open(approval)}"
    why = WHY.get(reason, "")
    return f"{why}{' ' if why else ''}{wording.rules_sentence(approval)} {wording.still_open(approval)}"


def _approval_id(event: Mapping[str, Any]) -> str:
    """Return the id of the approval that a request names, or an empty text."""
    try:
        found = str(sent_fields(event).get("id", ""))
    except PageError:
        return ""
    return found if is_approval_id(found) else ""
