"""`approvals request`: start an execution that requests an approval."""

from __future__ import annotations

from typing import Any

import click

from cli.context import CommandError, Context, pass_context
from cli.document import document
from cli.new_request import announced, announcement, new_request, new_request_options
from cli.options import cancel_option, common_options
from cli.output import emit
from cli.reporters import Reporter
from cli.watch import Watch, exit_code, follow, interruptible, next_steps


@click.command(
    epilog="""\b
Examples:
  approvals request --title "Deploy web 2.4.1" --approver ann@example.com --wait && ./deploy.sh
  approvals request --file release.yaml --requested-by ro@example.com
"""
)
@new_request_options()
@click.option("--wait", is_flag=True, help="Wait for the decision, and exit with its code.")
@cancel_option
@common_options
@pass_context
def command(context: Context, /, **options: Any) -> None:
    """Request an approval, and optionally wait for the decision.

    Take the request from options, a file, or both, and validate it before starting an execution. docs/request.md
    describes each key.

    \b
    Exit codes with --wait:
      0   approved
      1   rejected
      2   expired or cancelled
      3   something failed; only 0 means approved
      64  usage error or invalid request; nothing was started
    """  # noqa: D301  # click's mark for lines that stay as they are
    cancel = options["cancel_on_interrupt"]
    if cancel and not options["wait"]:
        raise click.UsageError("--cancel-on-interrupt needs --wait.")
    asked = new_request(context, options)
    with interruptible(context, asked.arn, asked.arn, cancel=cancel):
        started = asked.start(context)
        if options["wait"]:
            follow(context, lambda watch: announced(context, watch, asked.arn, started), cancel=cancel)
        try:
            approval = Watch(context, Reporter()).accepted(asked.arn, started)
        except TimeoutError as error:
            if context.as_json:
                emit(context, {"Id": None, "ExecutionArn": asked.arn}, [])
            raise CommandError(
                f"Started execution {asked.name}. Its approval is not recorded yet.\n{next_steps(context, asked.arn)}"
            ) from error
    emit(context, document(approval), announcement(context, approval))
    if approval.decision and approval.decision.error:
        raise click.exceptions.Exit(exit_code(approval))
