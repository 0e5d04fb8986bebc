"""`approvals request`: starts an execution that asks for an approval."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click
from botocore.exceptions import ClientError

from approvals.domain.model import Approval, Json, iso
from approvals.domain.references import Reference
from approvals.requests.parse import parse_request
from cli.asking import STDIN, execution_input, execution_name, parse_document, read_document
from cli.context import Context, Failure, pass_context
from cli.document import document
from cli.find import execution_arn
from cli.follow import cancel_option, follow, interruptible
from cli.output import emit, json_option, plain
from cli.progress import Quiet
from cli.refusals import BUSY, code, explained
from cli.request_options import request_of, request_options
from cli.waiting import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

PATIENCE = timedelta(minutes=1)
"""How long, without --wait, it is waited for the approval's id."""


@click.command(short_help="Ask for an approval, and wait for the decision if told so.")
@click.option(
    "--file",
    "file",
    metavar="PATH",
    help="The request as JSON or YAML, or a whole execution's input with "
    "the request under Approval; - reads standard input. Options take the place of what it says.",
)
@request_options
@click.option(
    "--input",
    "rest",
    metavar="JSON",
    help="The rest of the execution's input, a JSON object that is shown, too; @PATH reads a file.",
)
@click.option(
    "--name",
    help="The execution's name: asking again with the same name and input finds the same approval. "
    " [default: made from the title and the time]",
)
@click.option("--wait", is_flag=True, help="Wait for the decision, and exit with its code.")
@cancel_option
@json_option
@pass_context
def command(context: Context, /, **options: Any) -> None:
    """Ask for an approval, and wait for the decision if told so.

    The request comes from options, from a file, or from both. It is checked before anything is started. Exit codes with
    --wait: 0 approved, 1 rejected, 2 expired or cancelled.
    """
    cancel = options["cancel_on_interrupt"]
    if cancel and not options["wait"]:
        raise click.UsageError("--cancel-on-interrupt goes with --wait")
    document_ = read_document(options["file"]) if options["file"] else {}
    timeout = context.default_timeout
    asked = execution_input(document_, request_of(options), _rest(options["rest"]), default_timeout=timeout)
    title = parse_request(asked, default_timeout=timeout).title
    name = options["name"] or execution_name(title, context.clock())
    if Reference.parse(name).approval_id:
        raise click.UsageError(f"--name {name!r}: this is the form of an approval ID. Choose another name")
    arn = execution_arn(context, name)
    with interruptible(context, arn, arn, cancel=cancel):
        started = _start(context, name, asked)
        if options["wait"]:
            follow(context, lambda watch: _requested(context, watch, arn, started))
        approval = Watch(context, Quiet()).requested_within(PATIENCE, arn, started)
    if approval:
        emit(context, document(approval), _announcement(context, approval))
        return
    lines = [f"Started {name}; its approval is not there yet.", f"Follow it:    {context.command('wait', arn)}"]
    emit(context, {"Id": None, "ExecutionArn": arn}, lines)


def _rest(text: str | None) -> dict[str, Json]:
    if text is None:
        return {}
    if text.startswith("@") and text[1:] != STDIN:
        return read_document(text[1:])
    return parse_document(text, "--input")


def _start(context: Context, name: str, asked: Mapping[str, Json]) -> datetime:
    """Starts the execution; returns when it started."""
    try:
        return context.stepfunctions.start_execution(
            stateMachineArn=context.output("StateMachineHumanApprovalArn"),
            name=name,
            input=json.dumps(asked, ensure_ascii=False),
        )["startDate"]
    except ClientError as error:
        if code(error) == "ExecutionAlreadyExists":
            raise Failure(
                f"There was an execution {name}, with another input or ended. Choose another --name"
            ) from error
        if code(error) == "InvalidName":
            raise click.UsageError(f"--name {name!r}: expected up to 80 letters, digits, - and _") from error
        if code(error) in BUSY:
            raise  # It may have been started all the same.
        raise Failure(f"{explained(error)}. Nothing was started.") from error


def _requested(context: Context, watch: Watch, arn: str, started: datetime) -> Approval:
    approval = watch.requested(arn, started)
    if not context.as_json:
        click.echo("\n".join(_announcement(context, approval)))
    return approval


def _announcement(context: Context, approval: Approval) -> Iterator[str]:
    yield f"Asked: {plain(approval.title)}"
    yield f"  approval     {approval.id}"
    yield f"  execution    {plain(approval.workflow.execution_name)}"
    yield f"  answer by    {iso(approval.deadline)}"
    yield f"Follow it:    {context.command('wait', approval.id)}"
    yield f"Call it off:  {context.command('cancel', approval.id)}"
