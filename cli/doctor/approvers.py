"""The check of the approvers that open requests name: whether each can be found and reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError
from slack_sdk.errors import SlackApiError

from approvals.domain.errors import DeliveryError
from approvals.domain.model import Request
from approvals.domain.parts import pluralize
from approvals.domain.pinned_policy import PinnedPolicy
from approvals.requests.identities import identify
from approvals.requests.lookup import Resolver
from approvals.requests.parse import InvalidRequestError
from approvals.requests.policy import InvalidPolicyError, parse_policy
from bot.client import SlackApi
from bot.directory import SlackDirectory
from bot.resolver import SlackResolver
from cli.aws_errors import explain
from cli.context import Context
from cli.doctor.findings import Check, Finding, fault, ok, unknown, warning
from cli.doctor.fixes import add_approver, again
from cli.doctor.roles import ASK_FOR_RIGHT, DENIED, RolesDeniedError, role_problems
from cli.output import describe_unreadable
from cli.policy_parameter import read
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
        resolvers, under = find_resolvers(context), _todays_policy(context)
        problems = {name: problem_of(name, context, resolvers, under) for name in looked_at}
    except DeliveryError as error:
        yield unknown(Check.APPROVERS, f"can't look up approvers: {reason_of(context, error)}", again(context))
        return
    try:
        roles = [name for name in looked_at if is_role(name) and not problems[name]]
        problems |= dict(role_problems(context.client("iam"), roles)) if roles else {}
    except RolesDeniedError:
        yield warning(Check.APPROVERS, DENIED, ASK_FOR_RIGHT)
    for name in looked_at:
        if problem := problems[name]:
            yield fault(Check.APPROVERS, problem, _fix(context, name))
    if not any(problems.values()):
        yield ok(Check.APPROVERS, _summary(len(looked_at), len(names)))


def find_resolvers(context: Context) -> list[Resolver]:
    """Return the stack's resolvers: without a channel, Slack is not asked. The subscriptions are read once."""
    subscribed = confirmed_addresses(context.client("sns"), context.output("ApprovalTopicArn"))
    resolvers: list[Resolver] = [EmailResolver(lambda: subscribed), RoleResolver(context.account)]
    if context.slack_channel:
        slack = SlackApi(lambda: slack_client(context, stored_secret(context).bot_token))
        resolvers.append(SlackResolver(SlackDirectory(slack)))
    return resolvers


def _todays_policy(context: Context) -> PinnedPolicy | None:
    """Return which roles identify people today; None if the stack has no policy that can be read."""
    stored = read(context) if context.policy_parameter else None
    try:
        policy = parse_policy(stored.document) if stored else None
    except InvalidPolicyError:  # The check of the policy says so.
        return None
    return PinnedPolicy(parameter="", version=0, sha256="", person_roles=policy.person_roles) if policy else None


def problem_of(name: str, context: Context, resolvers: Sequence[Resolver], under: PinnedPolicy | None = None) -> str:
    """Return the error of a request that names this approver; empty if it can be made.

    `under` says which roles identify people, without one those of IAM Identity Center.
    """
    asked = Request(title="", timeout=timedelta(hours=1), approvers=(name,), policy=under)
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
