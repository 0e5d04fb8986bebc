"""The check of the approvers that open requests name: whether each can be found and reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError
from slack_sdk.errors import SlackApiError

from approvals.domain.errors import DeliveryFailed
from approvals.domain.identifiers import is_email
from approvals.domain.model import Request
from approvals.requests.identities import identify
from approvals.requests.parse import InvalidApprovalRequest
from bot.client import SlackApi
from bot.directory import SlackDirectory
from cli.aws_errors import explain
from cli.context import Context
from cli.doctor.findings import Check, Finding, fault, ok, unknown
from cli.doctor.fixes import add_approver, again
from cli.output import describe_unreadable
from cli.slack_connection import slack_client, stored_secret
from mail.sns import Subscribers

MAX_NAMES = 40
"""Names of open requests to look up at most: Slack allows some 50 lookups a minute."""


def check_approvers(context: Context, named: Sequence[str]) -> Iterator[Finding]:
    """Check that every name can be asked: those given on the command line, and those of open requests."""
    pending = [
        name
        for approval in context.listing.pending()
        for name in (*approval.request.approvers, *approval.request.escalate_to)
    ]
    names = list(dict.fromkeys([*named, *pending]))
    if unreadable := context.unreadable:
        yield fault(
            Check.APPROVERS, describe_unreadable(unreadable), "Deploy the version that wrote them, or a newer one"
        )
    looked_at = names[: max(MAX_NAMES, len(named))]
    # As in the stack: without a channel, Slack is not asked.
    slack = SlackApi(lambda: slack_client(context, stored_secret(context).bot_token))
    directory = SlackDirectory(slack) if context.slack_channel else None
    try:
        subscribed = Subscribers(lambda: context.client("sns"), context.output("ApprovalTopicArn")).confirmed()
        problems = {name: _problem(name, context, subscribed, directory) for name in looked_at}
    except DeliveryFailed as error:
        yield unknown(Check.APPROVERS, f"the names can't be looked up: {_reason(context, error)}", again(context))
        return
    for name in looked_at:
        if problem := problems[name]:
            yield fault(Check.APPROVERS, problem, _fix(context, name))
    if not any(problems.values()):
        yield ok(Check.APPROVERS, _summary(len(looked_at), len(names)))


def _problem(name: str, context: Context, subscribed: dict[str, str], directory: SlackDirectory | None) -> str:
    """Return the error of a request that names this approver; empty if it can be made."""
    asked = Request(title="", timeout=timedelta(hours=1), approvers=(name,))
    try:
        identify(asked, email=context.parameters["Email"], subscribed=subscribed, directory=directory)
    except InvalidApprovalRequest as error:
        return "; ".join(problem.partition(": ")[2] for problem in error.problems)
    return ""


def _reason(context: Context, error: DeliveryFailed) -> str:
    match error.__cause__:
        case SlackApiError():
            return str(error)
        case ClientError() | BotoCoreError() as cause:
            return str(explain(cause))
        case _:
            return f"Slack can't be reached at {context.parameters['SlackApiUrl']}"


def _fix(context: Context, name: str) -> str:
    if is_email(name):
        return f"{add_approver(context, name)}   # and let it confirm"
    return "Name somebody else in the request's Approvers: an email address, or a Slack id that Slack knows"


def _summary(looked_at: int, names: int) -> str:
    if not names:
        return "no open request names any"
    return f"all {names} can be asked" if looked_at == names else f"the first {looked_at} of {names} can be asked"
