"""All checks of the doctor, in their order. A check that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from cli.aws_errors import explain, is_transient
from cli.context import CommandError, Context
from cli.doctor import delegates, links, policy, slack, stack, subscriptions
from cli.doctor.approvers import check_approvers
from cli.doctor.findings import Check, Finding, unknown
from cli.doctor.fixes import again
from cli.doctor.round_trip import check_round_trip

Run = Callable[[Context], Iterator[Finding]]

CHECKS: tuple[tuple[Check, Run], ...] = (
    (Check.VERSION, stack.check_version),
    (Check.FUNCTIONS, stack.check_functions),
    (Check.SCHEDULER, stack.check_scheduler),
    (Check.ALARMS, stack.check_alarms),
    (Check.DEAD_LETTERS, stack.check_dead_letters),
    (Check.EMAIL, subscriptions.check_subscriptions),
    (Check.TOKEN, slack.check_slack),
    (Check.EVENTS, slack.check_events),
    (Check.LINKS, links.check_links),
    (Check.POLICY, policy.check_policy),
    (Check.DELEGATES, delegates.check_delegates),
)
"""The functions that check a stack, each with the check that it begins with."""


def run_checks(context: Context, *, approvers: Sequence[str] = (), with_round_trip: bool = False) -> Iterator[Finding]:
    """Yield all findings. Without a stack there is nothing more to check.

    `approvers` are names to look up in addition to those of open requests.
    """
    checks: list[tuple[Check, Run]] = [*CHECKS, (Check.APPROVERS, partial(check_approvers, named=approvers))]
    if with_round_trip:
        checks.append((Check.ROUND_TRIP, check_round_trip))
    yield from run_check(context, Check.STACK, stack.check_presence)
    if "description" in vars(context):  # CloudFormation knows the stack
        for check, run in checks:
            yield from run_check(context, check, run)


def run_check(context: Context, check: Check, run: Run) -> Iterator[Finding]:
    """Yield the findings of one function. An error becomes a finding."""
    try:
        yield from run(context)
    except (ClientError, BotoCoreError) as error:
        yield unknown(check, str(explain(error)), again(context) if is_transient(error) else "")
    except CommandError as error:
        yield unknown(check, error.message)
