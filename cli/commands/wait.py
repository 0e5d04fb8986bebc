"""`approvals wait`: wait for the decision of an approval."""

from __future__ import annotations

import click

from cli.context import Context, pass_context
from cli.lookup import find
from cli.options import cancel_option, common_options
from cli.watch import follow, interruptible


@click.command(epilog="Example: approvals wait bclqip && ./deploy.sh")
@click.argument("approval")
@cancel_option
@common_options
@pass_context
def command(context: Context, approval: str, *, cancel_on_interrupt: bool) -> None:
    """Wait until an approval is decided.

    Print its activity so far, and then each event as it happens. APPROVAL is an approval ID, at least its first 4
    characters, or the name or ARN of its execution.

    \b
    Exit codes:
      0   approved
      1   rejected
      2   expired or cancelled
      3   something failed; only 0 means approved
    """  # noqa: D301  # click's mark for lines that stay as they are
    found = find(context, approval)
    with interruptible(context, found.workflow.execution_arn, found.id, cancel=cancel_on_interrupt):
        follow(context, lambda _watch: found, cancel=cancel_on_interrupt)
