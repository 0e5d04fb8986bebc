"""The acceptance story: a response by email link, forged and late tries, a cancelled and an expired request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from approvals.domain.model import Action, Approval, Status
from approvals.requests.codec import KEY, RESULT_KEY
from cli.cancellation import cancel_execution
from cli.context import Context
from cli.doctor.fixes import tail
from cli.verify import browser
from cli.verify.browser import Page
from cli.verify.mailbox import Email
from cli.verify.proofs import NotProvenError, Proof, failed, ok
from cli.verify.requests import PURPOSE, REASON, STEP_TIMEOUT, Requests, Started
from mail.addresses import EMAIL

RESPONSE_MINUTES = 10
"""The deadline of the requests that do not expire, in case they can't be stopped."""

EXPIRY_MINUTES = 1
"""The shortest deadline that a request can have."""

_LAST_LOOKS = timedelta(seconds=10)
"""How long to look for an email that had time enough to arrive."""

EXPIRED = "ApprovalExpired"

_NO_EMAIL = (
    "approvals approvers list   # is the subscription of the test there while the command runs?\n"
    "SNS may take 15 minutes for a new filter policy: run the command again"
)


@dataclass(frozen=True, slots=True)
class Story:
    """The chapters of the story. Each yields its proofs and raises `NotProvenError` where it can't go on."""

    context: Context
    requests: Requests

    def unsigned_calls(self) -> Iterator[Proof]:
        """Prove that the address for Slack refuses a call that Slack did not sign."""
        name = "unsigned calls"
        if not self.context.slack_channel:
            yield ok(name, "Slack is not connected, so there is no call to refuse")
            return
        body = '{"type": "url_verification", "challenge": "approvals-verify-deployment"}'
        url = self.context.api_url(self.context.output("SlackRequestUrl"))
        headers = {"Content-Type": "application/json"}
        status = self.context.http.request("POST", url, body=body, headers=headers).status
        if status == HTTPStatus.UNAUTHORIZED:
            yield ok(name, "a call to SlackRequestUrl without Slack's signature gets 401")
        else:
            text = f"a call to SlackRequestUrl without Slack's signature gets {status}, expected 401"
            yield failed(name, text, tail(self.context, "BotLogs"))

    def response(self, started: Started) -> Iterator[Proof]:
        """Prove the way of a response: email, page, one decision, result, and the same outcome everywhere."""
        approval = self.requests.accepted(started, "request")
        yield ok("request", f"{started.name} waits for {approval.request.approvers[0]} alone")
        email = self._email(started, approval)
        waited = (self.context.clock() - started.begun).total_seconds()
        yield ok("email", f'"{email.subject}" was in the queue {waited:.0f} s after the start')
        approve, reject = (self._page(approval, email.links[action]) for action in Action)
        yield ok("page", "opening the links with GET and HEAD shows the request and changes nothing")
        yield from self._forgeries(approval, email.links[Action.APPROVE], approve)
        yield from self._decision(approve)
        yield from self._workflow(started, approval)
        yield from self._second_response(reject)
        yield from self._outcome_email(approval)

    def cancellation(self, started: Started) -> Iterator[Proof]:
        """Prove that stopping an execution cancels its request."""
        name = "cancel"
        approval = self.requests.accepted(started, name)
        email = self._email(started, approval)
        cancel_execution(self.context, started.arn, REASON)
        otherwise = NotProvenError(
            name, "the request stays open after its execution was stopped", tail(self.context, "LifecycleLogs")
        )
        self.requests.wait(lambda: self._ended_as(approval, Status.CANCELLED), STEP_TIMEOUT, otherwise)
        yield self._gone(name, email, "the request is cancelled once its execution is stopped")

    def expiry(self, started: Started) -> Iterator[Proof]:
        """Prove that a request without a response expires and its workflow is not approved."""
        name = "expiry"
        approval = self.requests.accepted(started, name)
        email = self._email(started, approval)
        timeout = approval.deadline - self.context.clock() + STEP_TIMEOUT
        text = f"the execution has not ended {STEP_TIMEOUT.total_seconds():.0f} s after the deadline"
        otherwise = NotProvenError(name, text, tail(self.context, "LifecycleLogs"))
        execution = self.requests.wait(lambda: self.requests.execution(started), timeout, otherwise)
        if (execution["status"], execution.get("error")) != ("FAILED", EXPIRED):
            text = f"the execution ended as {execution['status']} {execution.get('error', '')}, expected {EXPIRED}"
            raise NotProvenError(name, text, tail(self.context, "DecisionLogs"))
        yield self._gone(name, email, f"without a response the execution fails with {EXPIRED}")

    def _email(self, started: Started, approval: Approval) -> Email:
        text = f"no email about {started.name} in the queue within {STEP_TIMEOUT.total_seconds():.0f} s"
        next_step = f"{tail(self.context, 'NotifyLogs')}\n{_NO_EMAIL}"
        otherwise = NotProvenError("email", text, next_step)
        # All requests started together: where one email is lost, those after it have had the time.
        timeout = max(started.begun + STEP_TIMEOUT - self.context.clock(), _LAST_LOOKS)
        email = self.requests.wait(lambda: self.requests.email(approval.id), timeout, otherwise)
        if set(email.links) != {*Action}:
            raise NotProvenError("email", f"the email has the links {sorted(email.links)}", next_step)
        return email

    def _page(self, approval: Approval, link: str) -> Page:
        """Open a link with HEAD and GET, and prove that nothing has changed."""
        log, before = tail(self.context, "CallbackLogs"), approval.responses
        link = browser.page_link(link)
        statuses = [browser.open_page(self.context, link, "HEAD").status]
        page = browser.open_page(self.context, link)
        statuses.append(page.status)
        now = self.requests.approval(approval.id)
        if now.decision or now.responses != before:
            raise NotProvenError("page", "opening a link changed the request", log)
        if statuses != [HTTPStatus.OK] * 2 or not browser.has_form(page):
            raise NotProvenError("page", f"a link's page answers {statuses}, expected 200 and a form", log)
        return page

    def _forgeries(self, approval: Approval, link: str, page: Page) -> Iterator[Proof]:
        opened = browser.open_page(self.context, browser.forged_link(link))
        sent = browser.submit(self.context, page, forged=True)
        statuses = [opened.status, sent.status]
        if statuses != [HTTPStatus.FORBIDDEN] * 2 or self.requests.approval(approval.id).decision:
            text = f"a changed signature gets {statuses}, expected 403 in a link and in a form"
            raise NotProvenError("signature", text, tail(self.context, "CallbackLogs"))
        yield ok("signature", "a changed signature gets 403, in a link and in a form")

    def _decision(self, approve: Page) -> Iterator[Proof]:
        sent = browser.submit(self.context, approve)
        shown = browser.follow(self.context, sent) if sent.location else sent
        if (sent.status, shown.status) != (HTTPStatus.SEE_OTHER, HTTPStatus.OK):
            text = f"the form's button gets {sent.status} and then {shown.status}, expected 303 and then 200"
            raise NotProvenError("response", text, tail(self.context, "CallbackLogs"))
        yield ok("response", "the form's button records the approval and leads to the outcome")

    def _workflow(self, started: Started, approval: Approval) -> Iterator[Proof]:
        name, log = "workflow", tail(self.context, "DecisionLogs")
        text = f"the execution has not ended {STEP_TIMEOUT.total_seconds():.0f} s after the approval"
        otherwise = NotProvenError(name, text, log)
        execution = self.requests.wait(lambda: self.requests.execution(started), STEP_TIMEOUT, otherwise)
        if execution["status"] != "SUCCEEDED":
            raise NotProvenError(name, f"the execution ended as {execution['status']}", log)
        output: dict[str, Any] = json.loads(execution["output"])
        result = output.get(KEY, {}).get(RESULT_KEY, {})
        expected = {
            "Decision": Status.APPROVED.value,
            "ApprovalId": approval.id,
            "DecidedBy": approval.request.approvers[0],
            "Channel": EMAIL,
        }
        if differing := sorted(key for key, value in expected.items() if result.get(key) != value):
            raise NotProvenError(name, f"the result of the execution has another {', '.join(differing)}", log)
        if PURPOSE not in output:
            raise NotProvenError(name, "the execution's output lacks the rest of its input", log)
        yield ok(name, f"the execution succeeded with {result['Decision']} by the test approver")

    def _second_response(self, reject: Page) -> Iterator[Proof]:
        second = browser.submit(self.context, reject)
        if second.status != HTTPStatus.CONFLICT or "Approved" not in second.text:
            text = f"a second response gets {second.status}, expected 409 and the first decision"
            raise NotProvenError("second response", text, tail(self.context, "CallbackLogs"))
        yield ok("second response", "a rejection after the approval gets 409 and the page shows Approved")

    def _outcome_email(self, approval: Approval) -> Iterator[Proof]:
        log = tail(self.context, "DecisionLogs")
        otherwise = NotProvenError("outcome email", "no email about the outcome in the queue", log)
        email = self.requests.wait(lambda: self.requests.email(approval.id, outcome=True), STEP_TIMEOUT, otherwise)
        if not email.text.startswith("Approved"):
            raise NotProvenError("outcome email", "the email about the outcome does not say Approved", log)
        yield ok("outcome email", f'"{email.subject}" says Approved, too')

    def _ended_as(self, approval: Approval, status: Status) -> Approval | None:
        now = self.requests.approval(approval.id)
        return now if now.status is status else None

    def _gone(self, name: str, email: Email, text: str) -> Proof:
        """Return the proof that a request which ended without a decision takes no response any more."""
        status = browser.open_page(self.context, browser.page_link(email.links[Action.APPROVE])).status
        if status == HTTPStatus.GONE:
            return ok(name, f"{text}, and its link gets 410")
        return failed(name, f"{text}, but its link gets {status}, expected 410", tail(self.context, "CallbackLogs"))
