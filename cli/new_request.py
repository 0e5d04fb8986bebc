"""The request that a command makes: its options, its execution, and what the command says of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from approvals.domain.kind_wording import words_of
from approvals.domain.model import Approval, Json
from approvals.domain.references import Reference
from approvals.requests.parse import read_request
from cli.context import Context
from cli.document import outcome
from cli.executions import start_execution
from cli.lookup import execution_arn
from cli.output import plain
from cli.request_input import STDIN, execution_input, execution_name, parse_document, read_document, request_in
from cli.request_options import request_of, request_options
from cli.times import format_deadline
from cli.watch import Watch, next_steps


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request that can be started: the execution's name and ARN, and its input."""

    name: str
    arn: str
    whole: Mapping[str, Json]

    def start(self, context: Context) -> datetime:
        """Start the execution, unless it was started before. Return when it started."""
        return start_execution(context, self.name, self.whole)


def new_request_options(*, without: Collection[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options from which `new_request` makes a request. Keys in `without` have none."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        command = click.option(
            "--name",
            help="Execution name. The same name and input find the same approval instead of requesting another.  "
            "[default: from title and time]",
        )(command)
        command = click.option(
            "--input",
            "rest",
            metavar="JSON",
            help="Additional execution input (JSON object), shown to approvers. @PATH reads a file.",
        )(command)
        command = request_options(command, without=without)
        return click.option(
            "--file",
            "file",
            metavar="PATH",
            help="JSON or YAML file with the request, or with an execution input that has the key Approval. "
            '"-" reads standard input. Options override the file.',
        )(command)

    return add


def new_request(context: Context, options: Mapping[str, Any], own: Mapping[str, Json] | None = None) -> NewRequest:
    """Return the request of these options and of the keys that the command sets itself. Raises `UsageError`."""
    own = own or {}
    from_file = read_document(options["file"]) if options["file"] else {}
    asked = request_in(from_file)
    if taken := sorted(own.keys() & (asked.keys() if isinstance(asked, dict) else set())):
        raise click.UsageError(f"{options['file']}: remove {' and '.join(taken)}, which this command sets itself.")
    timeout = context.default_timeout
    whole = execution_input(
        from_file,
        {**request_of(options), **own},
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
    return NewRequest(name, execution_arn(context, name), whole)


def announced(context: Context, watch: Watch, arn: str, started: datetime) -> Approval:
    """Return the approval once it is recorded, and announce it."""
    approval = watch.requested(arn, started)
    if not context.as_json:
        click.echo("\n".join(announcement(context, approval)))
    return approval


def announcement(context: Context, approval: Approval) -> Iterator[str]:
    """Yield the lines that say what was requested, and what to do next."""
    yield f"{words_of(approval).approval.capitalize()} requested: {plain(approval.title)}"
    yield f"  ID         {approval.id}"
    yield f"  Execution  {plain(approval.workflow.execution_name)}"
    yield f"  Deadline   {format_deadline(approval.deadline, context.clock())}"
    if approval.decision:
        yield from outcome(approval)
    else:
        yield next_steps(context, approval.id)


def _rest(text: str | None) -> dict[str, Json]:
    if text is None:
        return {}
    if text.startswith("@") and text[1:] != STDIN:
        return read_document(text[1:])
    return parse_document(text, "--input")
