"""The check of the approvers: can those who are named in open requests still be found and reached?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from slack_sdk import WebClient

from approvals.domain.errors import DeliveryError
from approvals.domain.model import Request
from approvals.requests.identities import Resolver, identify
from approvals.requests.parse import InvalidRequestError
from bot.client import SlackApi
from bot.directory import SlackDirectory
from bot.resolver import SlackResolver
from cli.doctor.finding import Check, Finding, fault, ok, unknown
from cli.doctor.mail import subscribe
from cli.doctor.patient import Patient
from cli.output import left_out
from mail.addresses import is_email
from mail.resolver import EmailResolver
from mail.sns import confirmed_addresses

MAX_NAMES = 40
"""Names of open requests that are looked up at most: Slack answers some 50 lookups a minute."""


def approvers(patient: Patient, named: Sequence[str]) -> Iterator[Finding]:
    """Every name is somebody who can be asked: those given on the command line, and those of open requests."""
    waiting = [
        name
        for approval in patient.context.listing.pending()
        for name in (*approval.request.approvers, *approval.request.escalate_to)
    ]
    names = list(dict.fromkeys([*named, *waiting]))
    if unreadable := patient.context.unreadable:
        yield fault(Check.APPROVERS, left_out(unreadable), "Deploy the version that wrote them, or a newer one")
    looked_at = names[: max(MAX_NAMES, len(named))]
    resolvers = _resolvers(patient)
    try:
        problems = {name: _problem(name, patient, resolvers) for name in looked_at}
    except DeliveryError as error:
        yield unknown(Check.APPROVERS, f"the names can't be looked up: {error}")
        return
    for name in looked_at:
        if problem := problems[name]:
            yield fault(Check.APPROVERS, problem, _mend(patient, name))
    if not any(problems.values()):
        yield ok(Check.APPROVERS, _summary(len(looked_at), len(names)))


def _resolvers(patient: Patient) -> list[Resolver]:
    """The stack's own: without a channel it does not ask Slack."""
    subscribed = confirmed_addresses(patient.context.sns, patient.output("ApprovalTopicArn"))
    resolvers: list[Resolver] = [EmailResolver(lambda: subscribed)]
    if not patient.slack_channel:
        return resolvers

    def web_client() -> WebClient:
        return patient.slack(patient.slack_secret().bot_token)

    return [*resolvers, SlackResolver(SlackDirectory(SlackApi(web_client)))]


def _problem(name: str, patient: Patient, resolvers: Sequence[Resolver]) -> str:
    """What the stack would say to a request that names this approver, or nothing."""
    asked = Request(title="", timeout=timedelta(hours=1), approvers=(name,))
    try:
        identify(asked, resolvers, shared=patient.parameters["Email"])
    except InvalidRequestError as error:
        return "; ".join(problem.partition(": ")[2] for problem in error.problems)
    return ""


def _mend(patient: Patient, name: str) -> str:
    if is_email(name):
        return f"{subscribe(patient, name)}   # and let it confirm"
    return "Name somebody else in the request's Approvers: an email address, or a Slack id that Slack knows"


def _summary(looked_at: int, names: int) -> str:
    if not names:
        return "no open request names any"
    return f"all {names} can be asked" if looked_at == names else f"the first {looked_at} of {names} can be asked"
