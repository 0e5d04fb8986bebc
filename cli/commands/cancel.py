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
from cli.output import emit, plain
from cli.reporters import Reporter
from cli.watch import Watch


@click.command()
@click.argument("approval")
@click.option("--reason", default="", help="Why. People see it with your name; the record keeps both.")
@common_options
@pass_context
def command(context: Context, approval: str, reason: str) -> None:
    """Call an open approval off.

    Stops the execution that waits, with the reason and your ARN as its cause, and waits until the approval is cancelled
    everywhere. APPROVAL is its id, the
    beginning of it (4 characters or more), or its execution's name or ARN.
    """
    if len(reason) > MAX_REASON:
        raise click.UsageError(f"--reason: expected at most {MAX_REASON:,} characters")
    if hidden := hidden_in(reason):
        raise click.UsageError(f"--reason: expected no hidden characters, got {hidden}")
    found = find(context, approval)
    if found.decision is None:
        cancel_execution(context, found.workflow.execution_arn, reason)
        found = Watch(context, Reporter()).decided(found)
    if found.status is not Status.CANCELLED:
        raise CommandError(f"There was nothing left to cancel. {plain(str(wording.outcome(found)))}")
    emit(context, document(found), outcome(found))
