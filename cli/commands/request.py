"""`approvals request`: start an execution that requests an approval."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
from botocore.exceptions import ClientError

from approvals.domain.model import Approval, Json, iso
from approvals.domain.references import Reference
from approvals.requests.parse import parse_request
from cli.aws_errors import error_code, explain, is_transient
from cli.context import CommandError, Context, pass_context
from cli.document import document, outcome
from cli.lookup import execution_arn
from cli.options import cancel_option, common_options
from cli.output import emit, plain
from cli.reporters import Reporter
from cli.request_input import STDIN, execution_input, execution_name, parse_document, read_document
from cli.request_options import request_of, request_options
from cli.watch import Watch, exit_code, follow, interruptible, next_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime


@click.command()
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
@common_options
@pass_context
def command(context: Context, /, **options: Any) -> None:
    """Ask for an approval, and wait for the decision if told so.

    The request comes from options, from a file, or from both. It is checked before anything is started. Exit codes with
    --wait: 0 approved, 1 rejected, 2 expired or cancelled.
    """
    cancel = options["cancel_on_interrupt"]
    if cancel and not options["wait"]:
        raise click.UsageError("--cancel-on-interrupt goes with --wait")
    from_file = read_document(options["file"]) if options["file"] else {}
    timeout = context.default_timeout
    whole = execution_input(from_file, request_of(options), _rest(options["rest"]), default_timeout=timeout)
    title = parse_request(whole, default_timeout=timeout).title
    if not title and not options["file"]:
        raise click.UsageError("Missing option --title, or --file with the request")
    name = options["name"] or execution_name(title, context.clock())
    if Reference.parse(name).approval_id:
        raise click.UsageError(f"--name {name!r}: this is the form of an approval ID. Choose another name")
    arn = execution_arn(context, name)
    with interruptible(context, arn, arn, cancel=cancel):
        started = _start(context, name, whole)
        if options["wait"]:
            follow(context, lambda watch: _announced(context, watch, arn, started), cancel=cancel)
        try:
            approval = Watch(context, Reporter()).accepted(arn, started)
        except TimeoutError as error:
            if context.as_json:
                emit(context, {"Id": None, "ExecutionArn": arn}, [])
            raise CommandError(
                f"Started {name}, but its approval is not there yet.\n{next_steps(context, arn)}"
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


def _start(context: Context, name: str, whole: Mapping[str, Json]) -> datetime:
    """Start the execution, unless it was started with the same input before. Return when it started."""
    try:
        return context.client("stepfunctions").start_execution(
            stateMachineArn=context.output("StateMachineHumanApprovalArn"),
            name=name,
            input=json.dumps(whole, ensure_ascii=False),
        )["startDate"]
    except ClientError as error:
        if error_code(error) == "ExecutionAlreadyExists":
            return _started_before(context, name, whole)
        if error_code(error) == "InvalidName":
            raise click.UsageError(f"--name {name!r}: expected up to 80 letters, digits, - and _") from error
        if is_transient(error):
            raise  # It may have started.
        raise CommandError(f"{explain(error)}. Nothing was started.") from error


def _started_before(context: Context, name: str, whole: Mapping[str, Json]) -> datetime:
    """Return when an execution with this name and input started.

    Step Functions itself accepts the same name and input again only while the execution runs.
    """
    execution = context.client("stepfunctions").describe_execution(executionArn=execution_arn(context, name))
    if json.loads(execution["input"]) != whole:
        raise CommandError(f"There was an execution {name}, with another input. Choose another --name")
    return execution["startDate"]


def _announced(context: Context, watch: Watch, arn: str, started: datetime) -> Approval:
    approval = watch.requested(arn, started)
    if not context.as_json:
        click.echo("\n".join(_announcement(context, approval)))
    return approval


def _announcement(context: Context, approval: Approval) -> Iterator[str]:
    yield f"Asked: {plain(approval.title)}"
    yield f"  approval     {approval.id}"
    yield f"  execution    {plain(approval.workflow.execution_name)}"
    yield f"  answer by    {iso(approval.deadline)}"
    if approval.decision:
        yield from outcome(approval)
    else:
        yield next_steps(context, approval.id)
