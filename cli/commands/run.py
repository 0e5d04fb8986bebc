"""`approvals run`: execute a command once, after its approval, only if nothing of it has changed."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import redirect_stdout
from typing import Any, NoReturn

import click
from botocore.exceptions import BotoCoreError, ClientError
from click.shell_completion import CompletionItem

from approvals.domain.model import iso
from approvals.grants import GrantError, GrantExpiredError, Spend, Spender
from cli.aws_errors import explain
from cli.command_action import CommandAction, NotApprovableError, command_action
from cli.context import CommandError, Context, pass_context
from cli.document import outcome
from cli.executions import grant_in, spender
from cli.new_request import NewRequest, announced, new_request, new_request_options
from cli.options import common_options
from cli.output import as_json, plain
from cli.reporters import Reporter
from cli.request_input import STDIN
from cli.watch import UNDECIDED, Watch, check_received, exit_code, interruptible, settle

OWN_KEYS = frozenset({"Action", "Grant"})
"""The keys of the request that this command sets itself."""


class _ExpiredError(CommandError):
    """The approval is no longer valid."""

    exit_code = UNDECIDED


def _complete(_context: click.Context, _argument: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="file")]


@click.command(
    context_settings={"allow_interspersed_args": False},
    epilog="""\b
Examples:
  approvals run --title "Apply the plan to production?" --approver ann@example.com -- terraform apply plan.out
  approvals run --title "Drop orders_2019?" --severity high -- psql --file=drop.sql
""",
)
@new_request_options(without=OWN_KEYS)
@common_options
@click.argument("words", metavar="COMMAND...", nargs=-1, required=True, shell_complete=_complete)
@pass_context
def command(context: Context, /, *, words: tuple[str, ...], **options: Any) -> None:
    """Request the approval of a command, wait, and execute the command once.

    Write the command after `--`. Approvers see its arguments, the working directory, and the SHA-256 of the program and
    of each file and folder that an argument names. When they have approved, the command is executed only if all of
    these are still the same, and only once: the approval is spent. docs/grants.md says which files count.

    Ctrl-C while waiting cancels the request. All output of `approvals` goes to standard error. Standard input and
    output belong to the command.

    \b
    Exit codes, if the command was executed: its own. If it was not:
      1    rejected
      2    expired or cancelled
      3    something failed, or the command or a file has changed
      64   usage error or invalid request; nothing was started
      130  interrupted
    """  # noqa: D301  # click's mark for lines that stay as they are
    if options["file"] == STDIN:
        raise click.UsageError("--file -: standard input belongs to the command. Name a file.")
    action = command_action(words)
    spends = spender(context)
    with redirect_stdout(sys.stderr):
        asked = new_request(context, options, {"Action": action.document, "Grant": {"Uses": 1}})
        _wait(context, asked)
        approved = _spend(context, spends, _grant_id(context, asked), words)
    _execute(approved)


def _wait(context: Context, asked: NewRequest) -> None:
    """Start the request and wait. Exits with the code of the decision unless it is an approval."""
    with interruptible(context, asked.arn, asked.arn, cancel=True):
        started = asked.start(context)
        approval = settle(context, lambda watch: announced(context, watch, asked.arn, started), cancel=True)
    code = exit_code(approval)
    if not context.as_json:
        for line in (*outcome(approval), *(["The command was not executed."] if code else [])):
            click.echo(line)
    check_received(context, approval)
    if code:
        raise click.exceptions.Exit(code)


def _grant_id(context: Context, asked: NewRequest) -> str:
    try:
        return str(grant_in(Watch(context, Reporter()).result(asked.arn))["Id"])
    except CommandError as error:
        raise CommandError(f"{error.message} The command was not executed.") from error


def _spend(context: Context, spends: Spender, grant_id: str, words: tuple[str, ...]) -> CommandAction:
    """Spend the grant on the command as it is now, and return it. Raises `CommandError`: then nothing was executed."""
    action = _current(words, "The grant is not spent.")
    try:
        spent = spends.spend(grant_id, action.document)
    except GrantError as error:
        kind = _ExpiredError if isinstance(error, GrantExpiredError) else CommandError
        raise kind(f"{error.name}: {error} The command was not executed.") from error
    except (ClientError, BotoCoreError) as error:
        raise CommandError(f"{explain(error)} The command was not executed.") from error
    # The call takes a part of a second, in which a file could be replaced.
    if _current(words, "The grant is spent.") != action:
        raise CommandError(
            "The command or a file changed while the grant was being spent. The grant is spent. The command was not "
            "executed."
        )
    _report(context, spent, action)
    return action


def _current(words: tuple[str, ...], grant: str) -> CommandAction:
    try:
        return command_action(words)
    except NotApprovableError as error:
        raise CommandError(f"{error.message} {grant} The command was not executed.") from error


def _report(context: Context, spent: Spend, action: CommandAction) -> None:
    if context.as_json:
        event = {"Event": "GrantSpent", "At": iso(spent.spent_at), "ApprovalId": spent.approval_id}
        click.echo(as_json({**event, "Use": spent.use, "Uses": spent.uses}))
    else:
        click.echo(f"{iso(spent.spent_at)} The approval is spent. Executing {plain(action.program)}.")


def _execute(action: CommandAction) -> NoReturn:
    """Replace this process by the command: signals, standard input and the exit code are then its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and a new program would inherit that.
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.execv(action.program, action.words)  # noqa: S606  # without a shell, which would take them apart
    except OSError as error:
        raise CommandError(f"Can't execute {action.program}: {error.strerror}. The grant is spent.") from error
