"""`approvals wait`: wait for the decision of an approval."""

from __future__ import annotations

import click

from cli.context import Context, pass_context
from cli.lookup import find
from cli.options import cancel_option, common_options
from cli.watch import follow, interruptible


@click.command()
@click.argument("approval")
@cancel_option
@common_options
@pass_context
def command(context: Context, approval: str, *, cancel_on_interrupt: bool) -> None:
    """Wait for the decision of an approval.

    APPROVAL is its id, the beginning of it (4 characters or more), or its execution's name or ARN. Tells what happened
    so far and what happens. Exit codes: 0 approved, 1 rejected, 2 expired or cancelled.
    """
    found = find(context, approval)
    with interruptible(context, found.workflow.execution_arn, found.id, cancel=cancel_on_interrupt):
        follow(context, lambda _watch: found, cancel=cancel_on_interrupt)
