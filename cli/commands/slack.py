"""`approvals slack connect`: create the Slack app, store its credentials, and verify them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import click

from cli.context import CommandError, Context, pass_context
from cli.doctor.findings import Check, Finding, Level, exit_code
from cli.doctor.fixes import deploy
from cli.doctor.slack import check_app, check_slack
from cli.options import common_options
from cli.output import emit
from cli.slack_app import NAME, RETRY_EVENTS, create_link
from cli.slack_connection import Connection, store_secret, update_stack

TOKEN, SECRET = "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"  # names of variables

REFRESH_TIME = timedelta(seconds=100)
"""Time until every warm function has read the new secret. Each reads it once a minute."""

_FIRST_EVENT = (
    "Two steps are left: Slack could not verify the address for events before the stack had the signing secret.\n"
    f"1. {RETRY_EVENTS}\n2. In Slack, open the Home tab of {NAME}. It must not stay empty."
)

_INTERVAL = 5


@click.group("slack", epilog="Example: approvals slack connect --channel C0123456789")
def command() -> None:
    """Connect the stack to Slack."""


@command.command("connect", epilog="Example: approvals slack connect --channel C0123456789")
@click.option(
    "--channel", metavar="ID", help="Channel for requests, such as C0123456789.  [default: the stack's, else a prompt]"
)
@click.option(
    "--stdin",
    "from_stdin",
    is_flag=True,
    help="Read bot token and signing secret from standard input, one on each line.",
)
@click.option("--yes", is_flag=True, help="Update the stack without a prompt.")
@common_options
@pass_context
def connect(context: Context, channel: str | None, *, from_stdin: bool, yes: bool) -> None:
    """Create the Slack app, and connect it to the stack.

    Print a link that creates the app. Verify its token and signing secret, store them, set the channel, and update the
    stack. Prompt for the required values. Without a terminal, read SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET from the
    environment, or from standard input with --stdin. Secrets are never arguments, because shells and process lists show
    those.

    \b
    Exit codes:
      0   connected
      1   Slack or the stack rejected a value
      3   the command could not run
    """  # noqa: D301  # click's mark for lines that stay as they are
    interactive = _interactive(from_stdin=from_stdin)
    _show_link(context)
    connection = _read_connection(context, channel, from_stdin=from_stdin, interactive=interactive)
    if problems := connection.problems():
        raise CommandError("\n".join([*problems, "Nothing was stored."]))
    findings = _verify(context, connection, interactive=interactive)
    if exit_code(findings):
        _finish(context, findings, "Nothing was stored.")
    store_secret(context, connection)
    _say("Stored the token and the signing secret.")
    if yes or not interactive or click.confirm("Update the stack now?", default=True, err=True):
        _say("Updating the stack. This takes a minute or two ...")
        update_stack(context, connection)
        findings = _check_updated(replace(context))  # a copy reads the stack again
        _finish(context, findings, "" if exit_code(findings) else _FIRST_EVENT)
    _finish(context, findings, _manual_update(context, connection))


def _say(text: str) -> None:
    """Print progress. Standard output is for the result."""
    click.echo(text, err=True)


def _interactive(*, from_stdin: bool) -> bool:
    return sys.stdin.isatty() and not from_stdin


def _show_link(context: Context) -> None:
    _say(
        f"1. If you don't have the app yet, open this link, choose the workspace, and create the app:\n\n"
        f"{create_link(context.output('SlackRequestUrl'))}\n\n"
        f"2. On the app's page: Install App > Install to Workspace.\n"
        f"3. In Slack, in the channel for requests: /invite @{NAME}\n"
    )


def _read_connection(context: Context, channel: str | None, *, from_stdin: bool, interactive: bool) -> Connection:
    """Read the connection from standard input, the environment or the terminal."""
    if from_stdin:
        token, secret = sys.stdin.readline(), sys.stdin.readline()
    elif os.environ.get(TOKEN) and os.environ.get(SECRET):
        token, secret = os.environ[TOKEN], os.environ[SECRET]
    elif interactive:
        token = _prompt_hidden("Bot User OAuth Token (OAuth & Permissions, xoxb-...)")
        secret = _prompt_hidden("Signing Secret (Basic Information > App Credentials)")
    else:
        raise CommandError(f"There is no terminal for a prompt. Set {TOKEN} and {SECRET}, or use --stdin.")
    channel = channel or context.slack_channel
    if not channel and interactive:
        channel = str(click.prompt("Channel ID (at the bottom of the channel's details, C...)", err=True)).strip()
    return Connection(channel=channel, bot_token=token.strip(), signing_secret=secret.strip())


def _prompt_hidden(what: str) -> str:
    return str(click.prompt(f"{what}, not shown", hide_input=True, err=True))


def _verify(context: Context, connection: Connection, *, interactive: bool) -> Sequence[Finding]:
    """Check token, scopes and channel with Slack. At a terminal, the user can fix them and try again."""
    while True:
        findings = list(check_app(context, connection.bot_token, connection.channel))
        if not exit_code(findings) or not interactive:
            return findings
        for finding in findings:
            _say("\n".join(finding.lines()))
        if not click.confirm("Fix this in Slack, then check again?", default=True, err=True):
            return findings


def _check_updated(context: Context) -> Sequence[Finding]:
    """Check Slack once the functions have read the new secret."""
    deadline = context.clock() + REFRESH_TIME
    while True:
        findings = list(check_slack(context))
        old_secret = any(each.check is Check.SIGNING and each.level is Level.FAULT for each in findings)
        if not old_secret or context.clock() >= deadline:
            return findings
        context.sleep(_INTERVAL)


def _manual_update(context: Context, connection: Connection) -> str:
    return (
        f"The stack was not updated: {_present(context.slack_channel)}. To set the channel, run:\n"
        f"{deploy(context, '--parameter-overrides', f'SlackChannel={connection.channel}')}\n"
        "Also pass SlackBotToken and SlackSigningSecret: otherwise a later update restores their previous values.\n"
        f"{_FIRST_EVENT}"
    )


def _present(channel: str) -> str:
    return f"requests still go to {channel}" if channel else "requests still go by email only"


def _finish(context: Context, findings: Sequence[Finding], advice: str = "") -> None:
    lines = [line for finding in findings for line in finding.lines()]
    emit(context, [finding.as_json() for finding in findings], lines)
    if advice:
        _say(advice)
    click.get_current_context().exit(exit_code(findings))
