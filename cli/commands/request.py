"""`approvals request`: start an execution that requests an approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from approvals.domain.kind_wording import words_of
from approvals.domain.model import Approval, Json
from approvals.domain.references import Reference
from approvals.requests.parse import read_request
from cli.context import CommandError, Context, pass_context
from cli.document import document, outcome
from cli.executions import start_execution
from cli.lookup import execution_arn
from cli.options import cancel_option, common_options
from cli.output import emit, plain
from cli.reporters import Reporter
from cli.request_input import STDIN, execution_input, execution_name, parse_document, read_document
from cli.request_options import request_of, request_options
from cli.times import format_deadline
from cli.watch import Watch, exit_code, follow, interruptible, next_steps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime


@click.command(
    epilog="""\b
Examples:
  approvals request --title "Deploy web 2.4.1" --approver ann@example.com --wait && ./deploy.sh
  approvals request --file release.yaml --requested-by ro@example.com
"""
)
@click.option(
    "--file",
    "file",
    metavar="PATH",
    help="JSON or YAML file with the request, or with an execution input that has the key Approval. "
    '"-" reads standard input. Options override the file.',
)
@request_options
@click.option(
    "--input",
    "rest",
    metavar="JSON",
    help="Additional execution input (JSON object), shown to approvers. @PATH reads a file.",
)
@click.option(
    "--name",
    help="Execution name. The same name and input find the same approval instead of requesting another.  "
    "[default: from title and time]",
)
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
    from_file = read_document(options["file"]) if options["file"] else {}
    timeout = context.default_timeout
    whole = execution_input(
        from_file,
        request_of(options),
        _rest(options["rest"]),
        default_timeout=timeout,
        under_policy=bool(context.policy_parameter),
    )
    title = read_request(whole, default_timeout=timeout).title
    if not title and not options["file"]:
        raise click.UsageError("Use --title, or --file with the request.")
    name = options["name"] or execution_name(title, context.clock())
    if Reference.parse(name).approval_id:
        raise click.UsageError(f"--name {name!r}: this has the form of an approval ID. Choose another name.")
    arn = execution_arn(context, name)
    with interruptible(context, arn, arn, cancel=cancel):
        started = start_execution(context, name, whole)
        if options["wait"]:
            follow(context, lambda watch: _announced(context, watch, arn, started), cancel=cancel)
        try:
            approval = Watch(context, Reporter()).accepted(arn, started)
        except TimeoutError as error:
            if context.as_json:
                emit(context, {"Id": None, "ExecutionArn": arn}, [])
            raise CommandError(
                f"Started execution {name}. Its approval is not recorded yet.\n{next_steps(context, arn)}"
            ) from error
    emit(context, document(approval), _announcement(context, approval))
    if approval.decision and approval.decision.error:
        raise click.exceptions.Exit(exit_code(approval))


def _rest(text: str | None) -> dict[str, Json]:
    if text is None:
        return {}
    if text.startswith("@") and text[1:] != STDIN:
        return read_document(text[1:])
    return parse_document(text, "--input")


def _announced(context: Context, watch: Watch, arn: str, started: datetime) -> Approval:
    approval = watch.requested(arn, started)
    if not context.as_json:
        click.echo("\n".join(_announcement(context, approval)))
    return approval


def _announcement(context: Context, approval: Approval) -> Iterator[str]:
    yield f"{words_of(approval).approval.capitalize()} requested: {plain(approval.title)}"
    yield f"  ID         {approval.id}"
    yield f"  Execution  {plain(approval.workflow.execution_name)}"
    yield f"  Deadline   {format_deadline(approval.deadline, context.clock())}"
    if approval.decision:
        yield from outcome(approval)
    else:
        yield next_steps(context, approval.id)
