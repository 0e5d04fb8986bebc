"""`approvals slack connect`: creates the Slack app by a link, stores its credentials, and verifies them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import click

from cli.context import Context, Failure, pass_context
from cli.doctor.findings import Check, Finding, Verdict, exit_code
from cli.doctor.patient import Patient
from cli.doctor.slack import app, slack
from cli.output import emit, json_option
from cli.slack_app import NAME, create_link
from cli.slack_connection import Connection, store, update

TOKEN, SECRET = "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"  # names of variables

SETTLING = timedelta(seconds=100)
"""How long it may take until every warm function has read the new secret: each reads it anew once a minute."""

_LOOK = 5


@click.group("slack")
def command() -> None:
    """Connect the stack to Slack."""


@command.command("connect")
@click.option("--channel", metavar="ID", help="Where to ask, such as C0123456789. Left out: asked for, or as it is.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read bot token and signing secret, a line each.")
@click.option("--yes", is_flag=True, help="Update the stack without asking first.")
@json_option
@pass_context
def connect(context: Context, channel: str | None, *, from_stdin: bool, yes: bool) -> None:
    """Create the Slack app, store its token and signing secret, set the channel, and verify all of it.

    Asks for what it needs. Without a terminal it takes SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET from the environment,
    or from standard input with --stdin; neither is ever an argument, which shells and process lists would show.

    \b
    Exit codes: 0 connected, 1 Slack or the stack does not take it, 3 it could not be done.
    """  # noqa: D301  # click's own mark for lines that stay as they are
    patient = Patient(context)
    _show_link(patient)
    connection = _connection(patient, channel, from_stdin=from_stdin)
    if problems := connection.problems():
        raise Failure("\n".join([*problems, "Nothing was stored."]))
    findings = _verified(patient, connection, interactive=_interactive(from_stdin=from_stdin))
    if exit_code(findings):
        _finish(context, findings, "Nothing was stored.")
    store(patient, connection)
    say("Stored token and signing secret.")
    if yes or not _interactive(from_stdin=from_stdin) or click.confirm("Update the stack now?", default=True, err=True):
        say("Updating the stack; this takes a minute or two ...")
        update(patient, connection)
        _finish(context, _settled(Patient(replace(context))), "")  # which looks at the stack anew
    _finish(context, findings, _by_hand(patient, connection))


def say(text: str) -> None:
    """Tells a person how it goes: standard output is for the result."""
    click.echo(text, err=True)


def _interactive(*, from_stdin: bool) -> bool:
    return sys.stdin.isatty() and not from_stdin


def _show_link(patient: Patient) -> None:
    say(
        f"1. Open this link, choose the workspace, and create the app (skip this if you have it):\n\n"
        f"{create_link(patient.output('SlackRequestUrl'))}\n\n"
        f"2. There: Install App > Install to Workspace.\n"
        f"3. In Slack, in the channel to ask in: /invite @{NAME}\n"
    )


def _connection(patient: Patient, channel: str | None, *, from_stdin: bool) -> Connection:
    """What is given or asked for. Raises `Failure` when there is nobody to ask."""
    if from_stdin:
        token, secret = sys.stdin.readline().strip(), sys.stdin.readline().strip()
    elif os.environ.get(TOKEN) and os.environ.get(SECRET):
        token, secret = os.environ[TOKEN].strip(), os.environ[SECRET].strip()
    elif _interactive(from_stdin=from_stdin):
        token = _hidden("Bot User OAuth Token (OAuth & Permissions, xoxb-...)")
        secret = _hidden("Signing Secret (Basic Information > App Credentials)")
    else:
        raise Failure(f"There is no terminal to ask at: set {TOKEN} and {SECRET}, or use --stdin")
    channel = channel or patient.slack_channel
    if not channel and _interactive(from_stdin=from_stdin):
        channel = str(click.prompt("Channel id (at the foot of the channel's details, C...)", err=True)).strip()
    return Connection(channel=channel, bot_token=token, signing_secret=secret)


def _hidden(what: str) -> str:
    return str(click.prompt(f"{what}; not shown", hide_input=True, err=True)).strip()


def _verified(patient: Patient, connection: Connection, *, interactive: bool) -> Sequence[Finding]:
    """What Slack says to token, scopes and channel. A person may mend it in Slack and try again."""
    while True:
        findings = list(app(patient, connection.bot_token, connection.channel))
        if not exit_code(findings) or not interactive:
            return findings
        for finding in findings:
            say("\n".join(finding.lines()))
        if not click.confirm("Try again, once that is mended in Slack?", default=True, err=True):
            return findings


def _settled(patient: Patient) -> Sequence[Finding]:
    """What the doctor says of Slack, once the functions have read the new secret."""
    given_up = patient.context.clock() + SETTLING
    while True:
        findings = list(slack(patient))
        waiting = any(each.check is Check.SIGNING and each.verdict is Verdict.FAULT for each in findings)
        if not waiting or patient.context.clock() >= given_up:
            return findings
        patient.context.sleep(_LOOK)


def _by_hand(patient: Patient, connection: Connection) -> str:
    keep = "SlackBotToken and SlackSigningSecret, too: the next update that touches the secret writes those"
    return (
        f"The stack still asks in {patient.slack_channel or 'no channel'}. To change that:\n"
        f"{patient.deploy('--parameter-overrides', f'SlackChannel={connection.channel}')}\n"
        f"Pass {keep}."
    )


def _finish(context: Context, findings: Sequence[Finding], note: str) -> None:
    emit(
        context,
        [finding.as_json() for finding in findings],
        [line for finding in findings for line in finding.lines()],
    )
    if note:
        say(note)
    click.get_current_context().exit(exit_code(findings))
