"""`approvals cancel`: cancel an open approval by stopping the execution that waits for it."""

from __future__ import annotations

import click

from approvals.domain import wording
from approvals.domain.cancellation import MAX_REASON
from approvals.domain.characters import hidden_in
from approvals.domain.model import Status
from cli.cancellation import cancel_execution
from cli.context import CommandError, Context, pass_context
from cli.document import document, outcome
from cli.lookup import find
from cli.options import common_options
from cli.output import emit
from cli.reporters import Reporter
from cli.times import format_text
from cli.watch import Watch


@click.command(epilog='Example: approvals cancel bclqip --reason "Superseded by 2.4.2"')
@click.argument("approval")
@click.option(
    "--reason", default="", metavar="TEXT", help="Reason, shown to people with your name and kept in the record."
)
@common_options
@pass_context
def command(context: Context, approval: str, reason: str) -> None:
    """Cancel an open approval.

    Stop the waiting execution, with the reason and your ARN as its cause. Then wait until every channel shows the
    cancellation. APPROVAL is an approval ID, at least its first 4 characters, or the name or ARN of its execution.
    """
    if len(reason) > MAX_REASON:
        raise click.UsageError(f"--reason: {len(reason):,} characters is too long; the maximum is {MAX_REASON:,}.")
    if hidden := hidden_in(reason):
        raise click.UsageError(f"--reason: remove the hidden character {hidden}.")
    found = find(context, approval)
    if found.decision is None:
        cancel_execution(context, found.workflow.execution_arn, reason)
        found = Watch(context, Reporter()).decided(found)
    if found.status is not Status.CANCELLED:
        raise CommandError(f"Not cancelled: the approval is already closed. {format_text(wording.outcome(found))}")
    emit(context, document(found), outcome(found))
