"""The check of the approvers that open requests name: whether each can be found and reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError
from slack_sdk.errors import SlackApiError

from approvals.domain.errors import DeliveryError
from approvals.domain.model import Request
from approvals.domain.parts import pluralize
from approvals.requests.identities import Resolver, identify
from approvals.requests.parse import InvalidRequestError
from bot.client import SlackApi
from bot.directory import SlackDirectory
from bot.resolver import SlackResolver
from cli.aws_errors import explain
from cli.context import Context
from cli.doctor.findings import Check, Finding, fault, ok, unknown
from cli.doctor.fixes import add_approver, again
from cli.output import describe_unreadable
from cli.slack_connection import slack_client, stored_secret
from iam.addresses import is_role
from iam.resolver import RoleResolver
from mail.addresses import is_email
from mail.resolver import EmailResolver
from mail.sns import confirmed_addresses

MAX_NAMES = 40
"""Names of open requests to look up at most: Slack allows some 50 lookups a minute."""


def check_approvers(context: Context, named: Sequence[str]) -> Iterator[Finding]:
    """Check that every name can be asked: those given on the command line, and those of open requests."""
    pending = [name for approval in context.listing.pending() for name in approval.request.names]
    names = list(dict.fromkeys([*named, *pending]))
    if unreadable := context.unreadable:
        yield fault(
            Check.APPROVERS, describe_unreadable(unreadable), "Deploy the version that wrote them, or a newer one"
        )
    looked_at = names[: max(MAX_NAMES, len(named))]
    try:
        resolvers = find_resolvers(context)
        problems = {name: problem_of(name, context, resolvers) for name in looked_at}
    except DeliveryError as error:
        yield unknown(Check.APPROVERS, f"can't look up approvers: {reason_of(context, error)}", again(context))
        return
    for name in looked_at:
        if problem := problems[name]:
            yield fault(Check.APPROVERS, problem, _fix(context, name))
    if not any(problems.values()):
        yield ok(Check.APPROVERS, _summary(len(looked_at), len(names)))


def find_resolvers(context: Context) -> list[Resolver]:
    """Return the stack's resolvers: without a channel, Slack is not asked. The subscriptions are read once."""
    topic = context.output("ApprovalTopicArn")
    subscribed = confirmed_addresses(context.client("sns"), topic)
    resolvers: list[Resolver] = [EmailResolver(lambda: subscribed), RoleResolver(topic.split(":")[4])]
    if context.slack_channel:
        slack = SlackApi(lambda: slack_client(context, stored_secret(context).bot_token))
        resolvers.append(SlackResolver(SlackDirectory(slack)))
    return resolvers


def problem_of(name: str, context: Context, resolvers: Sequence[Resolver]) -> str:
    """Return the error of a request that names this approver; empty if it can be made."""
    asked = Request(title="", timeout=timedelta(hours=1), approvers=(name,))
    try:
        identify(asked, resolvers, shared=context.parameters["Email"])
    except InvalidRequestError as error:
        return " ".join(problem.partition(": ")[2] for problem in error.problems)
    return ""


def reason_of(context: Context, error: DeliveryError) -> str:
    """Return why a channel could not be asked."""
    match error.__cause__:
        case SlackApiError():
            return str(error)
        case ClientError() | BotoCoreError() as cause:
            return str(explain(cause))
        case _:
            return f"can't reach Slack at {context.parameters['SlackApiUrl']}"


def _fix(context: Context, name: str) -> str:
    if is_email(name):
        return f"{add_approver(context, name)}   # then the owner confirms"
    if is_role(name):
        return "In the request's Approvers, use a role that IAM Identity Center made in this account"
    return "In the request's Approvers, use another email address, Slack user ID or group ID"


def _summary(looked_at: int, names: int) -> str:
    if not names:
        return "no open request names an approver"
    return (
        f"all {pluralize(names, 'approver')} can be reached"
        if looked_at == names
        else f"the first {looked_at} of {names} approvers can be reached"
    )
