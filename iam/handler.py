"""`POST /answers`: responses that people sign with their AWS credentials.

AWS has checked the signature, and that the caller may call. API Gateway says who it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from approvals.adapters.failures import describe_error
from approvals.adapters.policy_store import PolicyUnavailableError
from approvals.domain.eligibility import Reason
from approvals.domain.errors import ConflictError, TooManyConflictsError
from approvals.domain.forms import Problem
from approvals.domain.judgement import Judgement, Override, Verdict, Withdrawal
from approvals.domain.model import Approval, Json, Response, Severity
from approvals.domain.policy import Policy
from approvals.domain.rules import judge
from approvals.services.respond import respond
from approvals.store.table import ApprovalTable, NotFoundError
from approvals.store.writes import RecordFullError
from iam import replies
from iam.body import WITHDRAW, BodyError, SignedResponse, read_body, withdrawn_count
from iam.sessions import UnprovenSession, approver_of, identify, person_roles

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

ApiResponse = dict[str, Any]

UNEXPECTED = "unexpected error"
CONFIRMED = "Confirmed"

_WOULD_COUNT = (
    Verdict.DECIDED,
    Verdict.COUNTED,
    Verdict.RESET,
    Verdict.OUTDATED,
    Verdict.INCOMPLETE,
    Verdict.WITHDRAWN,
)


class ResponseHandler:
    """Records a signed response, and says what became of it. `account` is the stack's own.

    An override is judged by the policy as it is now: `read_policy` reads it, and `policy_unavailable` counts that it
    can't be read. Then nobody can override.
    """

    def __init__(
        self,
        *,
        table: ApprovalTable,
        account: str,
        clock: Callable[[], datetime],
        logger: Logger,
        read_policy: Callable[[], Policy | None],
        policy_unavailable: Callable[[], None],
    ) -> None:
        self._table = table
        self._account = account
        self._clock = clock
        self._logger = logger
        self._read_policy = read_policy
        self._policy_unavailable = policy_unavailable

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> ApiResponse:
        """Return the response to an API Gateway proxy event, as JSON."""
        try:
            return self._response(event)
        except Exception as error:  # noqa: BLE001 any error at all
            self._logger.error(UNEXPECTED, extra=describe_error(error))  # noqa: TRY400 its message may hold a secret
            reference = (event.get("requestContext") or {}).get("requestId") or context.aws_request_id
            return _reply(HTTPStatus.INTERNAL_SERVER_ERROR, f"Something went wrong. Request ID: {reference}")

    def _response(self, event: Mapping[str, Any]) -> ApiResponse:
        identity = event["requestContext"]["identity"]
        with self._logger.append_context_keys(caller=str(identity.get("userArn"))[:300]):
            try:
                sent = read_body(event)
                with self._logger.append_context_keys(approval_id=sent.approval_id):
                    return self._respond(sent, identity)
            except BodyError as error:
                return self._refused(HTTPStatus.BAD_REQUEST, str(error))
            except NotFoundError:
                return self._refused(HTTPStatus.NOT_FOUND, replies.NOT_FOUND)
            except (ConflictError, TooManyConflictsError):
                return self._refused(HTTPStatus.CONFLICT, replies.CHANGED)
            except PolicyUnavailableError as error:
                self._logger.error(  # noqa: TRY400 the message says it all
                    "the approval policy can't be read", extra={"reason": str(error)}
                )
                self._policy_unavailable()
                return self._refused(HTTPStatus.SERVICE_UNAVAILABLE, replies.POLICY_UNAVAILABLE)
            except RecordFullError:
                return self._refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, replies.FULL)

    def _respond(self, sent: SignedResponse, identity: Mapping[str, Any]) -> ApiResponse:
        approval = self._table.get(sent.approval_id)
        if sent.digest != approval.request.digest:
            return self._refused(HTTPStatus.CONFLICT, replies.OTHER_REQUEST)
        policy = self._read_policy() if sent.is_override else None
        roles = policy.person_roles if policy else person_roles(approval.request)
        session = identify(identity, self._account, roles)
        approver, now = approver_of(session), self._clock()
        event = sent.override(approver, now, policy) if sent.is_override else sent.event(approver, now)
        judgement = self._record(approval, sent, event)
        if not approver.is_proven:  # Also where the approval is decided, which is judged first.
            judgement = Judgement(Verdict.NOT_ALLOWED, judgement.approval, changed=False, reason=Reason.NOT_PROVEN)
        why = session.why if isinstance(session, UnprovenSession) else ""
        verdict, reason = judgement.verdict.value, judgement.reason or ""
        extra = {"action": sent.action, "verdict": verdict, "reason": reason, "unproven": why}
        self._logger.info("response by IAM", extra=extra)
        return _reply(
            replies.status_of(judgement, event),
            replies.message_of(judgement, event),
            Verdict=judgement.verdict.value,
            Status=judgement.approval.status.value if approver.is_proven else None,
            Problems={problem.field: problem.text for problem in judgement.problems},
        )

    def _record(self, approval: Approval, sent: SignedResponse, event: Response | Override | Withdrawal) -> Judgement:
        """Record the response. If the body has problems, or the person saw an earlier state, it does not count."""
        is_outdated = sent.withdrawn != withdrawn_count(approval)
        problems = _problems(approval, sent)
        if not (problems or is_outdated):
            return respond(self._table, approval, event)
        judgement = judge(approval, event)
        if judgement.verdict in _WOULD_COUNT:
            verdict = Verdict.ALREADY_USED if is_outdated else Verdict.INCOMPLETE
            return Judgement(verdict, approval, changed=False, problems=(*judgement.problems, *problems))
        if judgement.changed:
            # Not `respond`: it would judge again at a conflict, and the response could count despite its problems.
            self._table.save(judgement.approval)
        return judgement

    def _refused(self, status: HTTPStatus, message: str) -> ApiResponse:
        self._logger.info("call refused", extra={"status": status.value, "message_sent": message})
        return _reply(status, message)


def _problems(approval: Approval, sent: SignedResponse) -> tuple[Problem, ...]:
    """Return what the rules do not look for: answers to nothing, and a confirmation that is missing."""
    asked = {field.name for field in approval.request.form} if sent.is_approval else set()
    found = [Problem(name, "The request does not ask for this.") for name in sent.form if name not in asked]
    if approval.request.severity is Severity.HIGH and not (sent.confirmed or sent.action == WITHDRAW):
        found.append(Problem(CONFIRMED, "This request is of high severity: set Confirmed to true."))
    return tuple(found)


def _reply(status: HTTPStatus, message: str, **more: Json) -> ApiResponse:
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    body = {"Message": message, **more}
    return {"statusCode": status.value, "headers": headers, "body": json.dumps(body, ensure_ascii=False)}
