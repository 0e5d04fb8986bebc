"""What `request` and `wait` share: to follow an approval, and to be interrupted while doing so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TypeVar

import click
from botocore.exceptions import BotoCoreError, ClientError

from approvals.domain.model import Approval, Status
from cli.aws_errors import explained
from cli.context import Context, Failure
from cli.document import document, outcome
from cli.group import INTERRUPTED
from cli.output import emit
from cli.reporters import reporter
from cli.watch import Watch, exit_code, sigterm_interrupts

INTERRUPTED_CAUSE = "Whoever waited for the answer was interrupted, and had asked to cancel it then."

Command = TypeVar("Command", bound=Callable[..., object])


def cancel_option(command: Command) -> Command:
    """Gives a command the option --cancel-on-interrupt."""
    return click.option(
        "--cancel-on-interrupt",
        is_flag=True,
        help="Call the approval off when waiting is interrupted (Ctrl-C, SIGTERM). Without it, it stays open.",
    )(command)


def follow(context: Context, find: Callable[[Watch], Approval]) -> None:
    """Waits for the decision of the approval that `find` finds, and tells all that happens. Exits with its code."""
    with closing(reporter(context)) as tells:
        watch = Watch(context, tells)
        approval = watch.decided(find(watch))
    emit(context, document(approval), outcome(approval))
    if approval.resumed is None and approval.status is Status.APPROVED:
        doctor = context.command("doctor")
        raise Failure(f"Approved, but it is not known whether the workflow heard of it. See what is wrong: {doctor}")
    raise click.exceptions.Exit(exit_code(approval))


@contextmanager
def interruptible(context: Context, execution_arn: str, reference: str, *, cancel: bool) -> Iterator[None]:
    """Says, when waiting ends early, what becomes of the approval, and how to go on; calls it off if told so.

    `reference` is what commands call it by: an approval's ID, or its execution's ARN. A name could mean another one.
    """
    hints = f"Follow it:    {context.command('wait', reference)}\nCall it off:  {context.command('cancel', reference)}"
    with sigterm_interrupts():
        try:
            yield
        except KeyboardInterrupt as interrupt:
            if cancel:
                context.stepfunctions.stop_execution(executionArn=execution_arn, cause=INTERRUPTED_CAUSE)
                click.echo("\nInterrupted. The approval was called off.", err=True)
            else:
                click.echo(f"\nInterrupted. The approval is still open.\n{hints}", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from interrupt
        except (ClientError, BotoCoreError) as error:
            raise Failure(f"{explained(error)}.\nThe approval is still open.\n{hints}") from error
